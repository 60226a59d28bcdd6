"""The store of text vectors: the same as computing, computed once, kept apart by the weights that made them."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
import torch
from torch import Tensor

from recommender.config.models import FrozenText
from recommender.errors import RecommenderError
from recommender.models import vector_cache
from recommender.models.text_encoder import TextEncoder
from recommender.models.vector_cache import cached_vectors


@pytest.fixture
def encoder(tiny_encoder: str) -> TextEncoder:
    return TextEncoder(FrozenText(name=tiny_encoder))


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Every token list that an encoder really reads."""
    read: list[list[int]] = []
    compute = TextEncoder.vectors

    def counting(self: TextEncoder, tokens: Sequence[Sequence[int]], batch_size: int = 64) -> Tensor:
        read.extend(list(ids) for ids in tokens)
        return compute(self, tokens, batch_size)

    monkeypatch.setattr(TextEncoder, "vectors", counting)
    return read


LONG, SHORT, EMPTY = [101, 2054, 2003, 2023, 102], [101, 2054, 102], [101, 102]


def test_the_store_gives_what_computing_gives(encoder: TextEncoder, tmp_path: Path) -> None:
    tokens = [LONG, SHORT, EMPTY, SHORT]
    expected = torch.cat([encoder.vectors([ids]) for ids in tokens])
    for _ in range(2):
        found = cached_vectors(encoder, tokens, tmp_path)
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_each_text_is_computed_once(encoder: TextEncoder, tmp_path: Path, computed: list[list[int]]) -> None:
    first = cached_vectors(encoder, [LONG, SHORT, LONG], tmp_path)
    assert sorted(computed) == sorted([LONG, SHORT])
    again = cached_vectors(encoder, [SHORT, EMPTY, LONG], tmp_path)
    assert computed[2:] == [EMPTY]
    assert torch.equal(again[[2, 0]], first[:2])


def test_other_weights_have_other_vectors(
    encoder: TextEncoder, tiny_encoder: str, tmp_path: Path, computed: list[list[int]]
) -> None:
    mean = cached_vectors(encoder, [LONG], tmp_path)
    cls = cached_vectors(TextEncoder(FrozenText(name=tiny_encoder, pooling="cls")), [LONG], tmp_path)
    assert computed == [LONG, LONG]
    assert not torch.allclose(mean, cls)
    cached_vectors(TextEncoder(FrozenText(name=tiny_encoder)), [LONG], tmp_path)
    assert len(computed) == 2


def test_what_was_computed_before_a_failure_is_kept(
    encoder: TextEncoder, tmp_path: Path, computed: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_cache, "CHUNK", 1)
    compute = TextEncoder.vectors

    def fail_at_the_longest(self: TextEncoder, tokens: Sequence[Sequence[int]], batch_size: int = 64) -> Tensor:
        if list(tokens[0]) == LONG:
            raise KeyboardInterrupt
        return compute(self, tokens, batch_size)

    with monkeypatch.context() as patch:
        patch.setattr(TextEncoder, "vectors", fail_at_the_longest)
        with pytest.raises(KeyboardInterrupt):
            cached_vectors(encoder, [LONG, SHORT], tmp_path)
    cached_vectors(encoder, [LONG, SHORT], tmp_path)
    assert computed == [SHORT, LONG]


def test_no_texts_give_no_vectors(encoder: TextEncoder, tmp_path: Path) -> None:
    assert cached_vectors(encoder, [], tmp_path).shape == (0, 32)


@pytest.mark.parametrize("damage", ["a bit", "cut", "of another text", "no hash"])
def test_a_damaged_entry_is_found_by_its_hash_and_replaced(
    damage: str, encoder: TextEncoder, tmp_path: Path, computed: list[list[int]], caplog: pytest.LogCaptureFixture
) -> None:
    expected = cached_vectors(encoder, [LONG, SHORT], tmp_path)
    with closing(sqlite3.connect(tmp_path / "text_vectors.sqlite")) as store, store:
        rows = dict(store.execute("SELECT key, vector FROM vectors"))
        damaged, other = rows
        entry = bytearray(rows[damaged])
        entry[7] ^= 1
        bad = {"a bit": bytes(entry), "cut": rows[damaged][:-1], "of another text": rows[other]}
        bad["no hash"] = rows[damaged][: 4 * encoder.width]  # as older versions kept it
        store.execute("UPDATE vectors SET vector = ? WHERE key = ?", (bad[damage], damaged))
    computed.clear()
    for _ in range(2):
        assert torch.equal(cached_vectors(encoder, [LONG, SHORT], tmp_path), expected)
        assert len(computed) == 1, "the damaged one, once"
    assert caplog.text.count("1 stored text vectors are damaged") == 1


@pytest.mark.parametrize("damage", ["no database", "a page", "cut"])
def test_a_damaged_store_is_put_aside_and_made_anew(
    damage: str, encoder: TextEncoder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, tokens = tmp_path / "text_vectors.sqlite", [[101, number, 102] for number in range(2000, 2200)]
    expected = cached_vectors(encoder, tokens, tmp_path)
    whole = path.read_bytes()
    size = 4096  # of a page
    assert len(whole) > 5 * size
    bad = {"no database": b"this is none, whatever its name says" * 500, "cut": whole[: len(whole) // 2]}
    bad["a page"] = whole[:size] + b"\xff" * (len(whole) - size)
    path.write_bytes(bad[damage])
    found = cached_vectors(encoder, tokens, tmp_path)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    assert (tmp_path / "text_vectors.sqlite.damaged").read_bytes() == bad[damage]
    assert "put aside and computed again" in caplog.text
    caplog.clear()
    assert torch.equal(cached_vectors(encoder, tokens, tmp_path), found)
    assert caplog.text == ""


def test_a_store_that_another_process_has_mended_is_left_alone(tmp_path: Path, encoder: TextEncoder) -> None:
    cached_vectors(encoder, [LONG], tmp_path)
    before = (tmp_path / "text_vectors.sqlite").read_bytes()
    vector_cache._put_aside(tmp_path / "text_vectors.sqlite", sqlite3.DatabaseError("found by us a moment ago"))
    assert (tmp_path / "text_vectors.sqlite").read_bytes() == before


def test_a_store_that_cannot_be_written_is_an_error_that_names_it(encoder: TextEncoder, tmp_path: Path) -> None:
    (tmp_path / "text_vectors.sqlite").mkdir()
    with pytest.raises(RecommenderError, match=r"text_vectors\.sqlite"):
        cached_vectors(encoder, [LONG], tmp_path)
