"""The store of text vectors: the same as computing, computed once, kept apart by the weights that made them."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from recommender.config import TextConfig
from recommender.errors import RecommenderError
from recommender.models import vector_cache
from recommender.models.text_encoder import TextEncoder
from recommender.models.vector_cache import cached_vectors


@pytest.fixture
def encoder(tiny_encoder: str) -> TextEncoder:
    return TextEncoder(TextConfig(name=tiny_encoder))


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
    cls = cached_vectors(TextEncoder(TextConfig(name=tiny_encoder, pooling="cls")), [LONG], tmp_path)
    assert computed == [LONG, LONG]
    assert not torch.allclose(mean, cls)
    cached_vectors(TextEncoder(TextConfig(name=tiny_encoder)), [LONG], tmp_path)
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


def test_a_damaged_store_is_an_error_that_names_it(encoder: TextEncoder, tmp_path: Path) -> None:
    (tmp_path / "text_vectors.sqlite").write_bytes(b"this is not a database, whatever its name says" * 50)
    with pytest.raises(RecommenderError, match=r"text_vectors\.sqlite"):
        cached_vectors(encoder, [LONG], tmp_path)
