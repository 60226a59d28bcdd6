"""Two runs set against each other, on cases worked by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import RecommenderError, UnknownNameError
from recommender.evaluation.comparison import (
    LENGTH,
    MENTIONED,
    POPULARITY,
    furthest_apart,
    most_recommended,
    paired,
    slices,
)
from recommender.evaluation.records import Record

LEVELS = st.sampled_from([0.0, 0.25, 0.5, 1.0])
PAIRS = st.lists(st.tuples(LEVELS, LEVELS), min_size=1, max_size=20)


def make(values: list[float], turns: int = 1, rankings: list[list[int]] | None = None, **more: list[float]) -> Record:
    """Examples in dialogues of `turns` turns each."""
    size = len(values)
    return Record(
        example_ids=tuple(f"{i // turns}:{i}" for i in range(size)),
        dialogues=tuple(f"{i // turns}" for i in range(size)),
        values={"ndcg@10": np.array(values, dtype=np.float32)},
        rankings=(kept := np.array(rankings or [[0]] * size, dtype=np.int32)),
        found=np.zeros_like(kept, dtype=np.bool_),
        mentioned=np.array(more.get("mentioned", [0] * size), dtype=np.int32),
        words=np.array(more.get("words", [1] * size), dtype=np.int32),
        popularity=np.array(more.get("popularity", [1] * size), dtype=np.float32),
    )


def test_a_difference_is_the_other_run_less_the_base() -> None:
    found = paired(make([0, 0.5, 1, 0]), make([1, 0.5, 1, 1]), "ndcg@10")
    assert found.difference == 0.5
    # Of four differences 1, 0, 0, 1 drawn with replacement all are 0, or all 1, in one draw of 16.
    assert (found.low, found.high) == (0, 1)
    # Both ones keep their sign or both turn: half of all flips.
    assert found.p == pytest.approx(0.5, abs=0.05)


def test_whole_dialogues_are_drawn_and_turned() -> None:
    """One dialogue of 20 turns, all better: a single observation that shows nothing."""
    base, other = make([0] * 20, turns=20), make([0.5] * 20, turns=20)
    assert paired(base, other, "ndcg@10").p == 1
    single = paired(make([0] * 20), make([0.5] * 20), "ndcg@10")
    assert single.p == 1 / 2001
    assert (single.low, single.high) == (0.5, 0.5)


@given(PAIRS, st.integers(1, 3))
def test_turning_the_comparison_round_turns_the_sign(pairs: list[tuple[float, float]], turns: int) -> None:
    one, other = (make([pair[i] for pair in pairs], turns) for i in (0, 1))
    forth, back = paired(one, other, "ndcg@10"), paired(other, one, "ndcg@10")
    assert forth.difference == -back.difference
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low), abs=1e-12)
    assert forth.p == back.p
    assert 0 < forth.p <= 1


@given(PAIRS)
def test_a_run_against_itself_shows_nothing(pairs: list[tuple[float, float]]) -> None:
    record = make([value for value, _ in pairs])
    found = paired(record, record, "ndcg@10")
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert furthest_apart(record, record, "ndcg@10", 5).tolist() == []


def test_the_seed_decides() -> None:
    draw = np.random.default_rng(0)
    one, other = (make(draw.random(60).tolist()) for _ in range(2))
    assert paired(one, other, "ndcg@10", seed=4) == paired(one, other, "ndcg@10", seed=4)
    assert paired(one, other, "ndcg@10", seed=4) != paired(one, other, "ndcg@10", seed=5)


def test_a_difference_of_one_standard_error_has_the_p_of_the_normal_distribution() -> None:
    draw = np.random.default_rng(1)
    noise = draw.normal(size=2000)
    noise = (noise - noise.mean()) / noise.std()
    difference = noise + 1.96 / np.sqrt(2000)
    zero = make([0.0] * 2000)
    other = replace(zero, values={"ndcg@10": difference.astype(np.float32)})
    found = paired(zero, other, "ndcg@10")
    assert found.p == pytest.approx(0.05, abs=0.015)
    assert found.low == pytest.approx(0, abs=0.004)


def test_other_examples_and_unknown_metrics_are_refused() -> None:
    base = make([0, 1, 0])
    shorter, reordered = make([0, 1]), replace(base, example_ids=base.example_ids[::-1])
    for other in (shorter, reordered):
        with pytest.raises(RecommenderError, match="not measured on the same examples"):
            paired(base, other, "ndcg@10")
        with pytest.raises(RecommenderError, match="not measured on the same examples"):
            furthest_apart(base, other, "ndcg@10", 1)
    with pytest.raises(UnknownNameError, match=r"Did you mean: ndcg@10"):
        paired(base, base, "ndcg10")
    with pytest.raises(UnknownNameError, match="Unknown metric 'mrr'"):
        slices(base, "mrr")


def test_the_examples_furthest_apart_come_first_whoever_is_better() -> None:
    base, other = make([0, 1, 0.5, 0, 0.25]), make([0.25, 0, 0.5, 1, 0.5])
    assert furthest_apart(base, other, "ndcg@10", 9).tolist() == [1, 3, 0, 4]
    assert furthest_apart(base, other, "ndcg@10", 2).tolist() == [1, 3]
    assert furthest_apart(base, other, "ndcg@10", 0).tolist() == []


def test_slices_part_the_examples_three_ways() -> None:
    record = make(
        [0, 1, 0.5, 0.5, 0, 1],
        mentioned=[0, 0, 1, 2, 3, 20],
        popularity=[5, 6, 7, 800, 1000, 2000],
        words=[3, 3, 3, 3, 9, 9],
    )
    rows = [tuple(row) for row in slices(record, "ndcg@10")[["slice_kind", "slice", "examples", "value"]].to_numpy()]
    assert rows == [
        (MENTIONED, "0", 2, 0.5),
        (MENTIONED, "1", 1, 0.5),
        (MENTIONED, "2", 1, 0.5),
        (MENTIONED, "3 or more", 2, 0.5),
        (POPULARITY, "Rarely named (up to 6 times)", 2, 0.5),
        (POPULARITY, "Sometimes named (up to 800)", 2, 0.5),
        (POPULARITY, "Often named (more)", 2, 0.5),
        # Four of six are of one length, and stay together: there is no middle.
        (LENGTH, "Short (up to 3 words)", 4, 0.5),
        (LENGTH, "Long (more)", 2, 0.5),
    ]


def test_a_slice_has_the_interval_of_its_own_dialogues() -> None:
    record = make([1, 1, 0, 1, 0, 1], turns=2, mentioned=[0, 0, 1, 1, 1, 1])
    table = slices(record, "ndcg@10").set_index("slice")
    assert table.loc["0", ["value", "low", "high"]].tolist() == [1, 1, 1]
    assert table.loc["1", ["value", "low", "high"]].tolist() == [0.5, 0.5, 0.5]  # two dialogues, alike in their means


@given(st.lists(st.tuples(LEVELS, st.integers(0, 5), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=30))
def test_the_slices_of_a_kind_hold_every_example_once(rows: list[tuple[float, int, int, int]]) -> None:
    values, mentioned, words, popularity = (list(column) for column in zip(*rows, strict=True))
    record = make(values, mentioned=mentioned, words=words, popularity=popularity)
    table = slices(record, "ndcg@10")
    assert set(table["slice_kind"]) == {MENTIONED, POPULARITY, LENGTH}
    for _, part in table.groupby("slice_kind"):
        assert part["examples"].sum() == len(values)
        assert (part["examples"] * part["value"]).sum() == pytest.approx(sum(values))
        assert (part["low"] <= part["value"] + 1e-9).all()
        assert (part["value"] <= part["high"] + 1e-9).all()


def test_the_movies_that_any_run_recommends_most() -> None:
    one = make([0] * 4, rankings=[[7, 3], [7, 2], [7, -1], [7, 3]])
    other = make([0] * 2, rankings=[[2, 5], [3, 4]])
    table = most_recommended({"one": one, "other": other})
    # Equal shares: the smaller index first.
    assert table.index.tolist() == [7, 2, 3, 4, 5]
    assert table["one"].tolist() == [1, 0.25, 0.5, 0, 0]
    assert table["other"].tolist() == [0, 0.5, 0.5, 0.5, 0.5]
    assert most_recommended({"one": one, "other": other}, top=2).index.tolist() == [7, 2]


def test_rankings_of_different_catalogues_are_not_put_in_one_table() -> None:
    record = make([0])
    with pytest.raises(RecommenderError, match="different catalogues"):
        most_recommended({"one": record, "other": replace(record, catalog="another")})
