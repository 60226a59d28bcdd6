"""A record comes back from its file exactly, and what is no record is refused."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.numpy import load, save

from recommender.evaluation.metrics import evaluate_rankings, ragged
from recommender.evaluation.records import KEPT, Record
from recommender.files import safetensors_metadata


def make(examples: int, movies: int = 7000, seed: int = 0) -> Record:
    draw = np.random.default_rng(seed)
    rankings = np.argsort(draw.random((examples, 100)), axis=1) * (movies // 100)
    targets = [draw.choice(rankings[0], size=size, replace=False) for size in draw.integers(1, 5, examples)]
    values = evaluate_rankings(rankings, targets, [1, 10, 50])
    return Record(
        example_ids=tuple(f"{i // 3}:{i}" for i in range(examples)),
        dialogues=tuple(f"{i // 3}" for i in range(examples)),
        values={name: v.astype(np.float32) for name, v in values.items()},
        rankings=rankings[:, :KEPT].astype(np.int32),
        found=draw.random((examples, KEPT)) < 0.1,
        mentioned=draw.integers(0, 30, examples).astype(np.int32),
        words=draw.integers(0, 900, examples).astype(np.int32),
        popularity=draw.random(examples).astype(np.float32),
        catalog="c0ffee",
    )


def with_inputs(record: Record, movies: int = 7000) -> Record:
    """The record as it is made now; `make` gives one of an older version."""
    draw = np.random.default_rng(1)
    rows = [draw.choice(movies, size=size, replace=False).tolist() for size in record.mentioned]
    return replace(record, inputs=ragged(rows).items, mentions=draw.integers(0, 900, movies))


def check_equal(one: Record, other: Record) -> None:
    for field in fields(Record):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, np.ndarray):
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(left, right)
        elif isinstance(left, dict):
            assert list(left) == list(right)
            for name in left:
                np.testing.assert_array_equal(left[name], right[name])
                assert left[name].dtype == right[name].dtype
        else:
            assert left == right


@pytest.mark.parametrize("examples", [0, 1, 400])
def test_a_record_comes_back_exactly(examples: int) -> None:
    record = make(400)
    part = {
        field.name: getattr(record, field.name)[:examples]
        for field in fields(Record)
        if field.name not in ("values", "catalog", "inputs", "mentions")
    }
    record = replace(record, **part, values={name: v[:examples] for name, v in record.values.items()})
    check_equal(Record.from_bytes(record.to_bytes()), record)


def test_the_inputs_and_the_mentions_come_back_exactly_and_a_record_without_them_still_does() -> None:
    record = with_inputs(make(50))
    assert (record.mentioned == 0).any()
    check_equal(Record.from_bytes(record.to_bytes()), record)
    old = Record.from_bytes(make(50).to_bytes())
    assert old.inputs is None
    assert old.mentions is None


@given(st.integers(0, 3), st.sampled_from([-1, 0, 255, 256, 32767, 32768, 86_536, 2**31 - 1]))
def test_numbers_of_any_size_come_back(column: int, number: int) -> None:
    record = make(4)
    record.rankings[2, column] = record.mentioned[0] = record.words[1] = number
    record.rankings[3] = -1
    check_equal(Record.from_bytes(record.to_bytes()), record)


def test_the_record_of_a_test_split_is_small() -> None:
    assert len(with_inputs(make(4198, 7000)).to_bytes()) < 500_000


def test_what_the_inputs_take_grows_with_what_was_watched_and_not_with_the_longest_of_them() -> None:
    record = replace(make(500), mentioned=np.array([2000] + [1] * 499, dtype=np.int32))
    read = Record.from_bytes(with_inputs(record).to_bytes())
    assert read.inputs is not None
    assert read.inputs.nbytes == (2000 + 499) * 8
    assert read.named is not None
    assert read.named.lengths.tolist() == record.mentioned.tolist()


@pytest.mark.parametrize("mentioned", [[1, 1, 1], [3, 3, -2], [9, 9, 9]])
def test_inputs_that_are_not_as_many_as_the_wishes_mention_are_refused(mentioned: list[int]) -> None:
    record = replace(make(3), inputs=np.arange(4), mentioned=np.array(mentioned, dtype=np.int32))
    with pytest.raises(ValueError, match="there are 4"):
        Record.from_bytes(record.to_bytes())


def test_a_cut_file_is_refused_at_every_length() -> None:
    raw = with_inputs(make(5)).to_bytes()
    for length in range(len(raw)):
        with pytest.raises((SafetensorError, ValueError)):
            Record.from_bytes(raw[:length])


def test_a_file_that_lacks_a_part_or_contradicts_itself_is_refused() -> None:
    raw = make(5).to_bytes()
    arrays, facts = load(raw), json.loads(safetensors_metadata(raw)["facts"])
    for name in arrays:
        rest = {other: array for other, array in arrays.items() if other != name}
        with pytest.raises(ValueError, match="lacks"):
            Record.from_bytes(save(rest, {"facts": json.dumps(facts)}))
    for name in facts:
        with pytest.raises(ValueError, match="lacks"):
            Record.from_bytes(save(arrays, {"facts": json.dumps({k: v for k, v in facts.items() if k != name})}))
    with pytest.raises(ValueError, match="lacks"):
        Record.from_bytes(save(arrays))
    with pytest.raises(ValueError, match="different lengths"):
        Record.from_bytes(save(arrays | {"words": arrays["words"][:-1]}, {"facts": json.dumps(facts)}))
    inputs = load(with_inputs(make(5)).to_bytes())["inputs"]
    with pytest.raises(ValueError, match="there are"):
        Record.from_bytes(save(arrays | {"inputs": inputs[:-1]}, {"facts": json.dumps(facts)}))
    with pytest.raises(ValueError, match="lacks"):
        Record.from_bytes(save(arrays | {"places:hit@1": arrays["places:hit@1"] + 9}, {"facts": json.dumps(facts)}))
