"""The fuzzer runs: each of its targets accepts some of its damaged inputs, refuses others, and never crashes."""

import math

import pytest

from benchmarks import fuzz
from benchmarks.fuzz_targets import Target, all_targets


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Target]:
    return {target.name: target for target in all_targets(tmp_path_factory.mktemp("fuzz"))}


@pytest.mark.parametrize("name", ["dialogues", "ratings", "presets", "titles", "checkpoints", "links"])
def test_fifty_inputs_of_a_target(targets: dict[str, Target], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(fuzz, "LIMIT", math.inf)  # how fast they are read is the benchmark's own question
    outcome = fuzz.fuzz(targets[name], 50, seed=0)
    assert not outcome.crashes, outcome.examples
    assert outcome.inputs == 50
    assert outcome.refused < 50
    assert (outcome.refused > 0) is (name != "titles")  # any text may be typed


def test_a_crash_is_counted_and_a_refusal_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "LIMIT", math.inf)

    def read(number: int) -> None:
        if number > 5:
            raise fuzz.RecommenderError("refused")
        if number > 2:
            raise KeyError("crash")

    numbers = iter(range(10))
    outcome = fuzz.fuzz(Target("x", 1.0, lambda _: next(numbers), read), 10, seed=0)
    assert outcome.refused == 4
    assert list(outcome.crashes.values()) == [3]
    assert next(iter(outcome.crashes)).startswith("KeyError in test_fuzz.py")
