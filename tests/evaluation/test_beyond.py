"""What is beyond accuracy, on lists worked by hand, and what must hold of any lists."""

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.config import DataConfig
from recommender.data.catalog import Catalog, Movie
from recommender.data.dialogue import Dialogue, DialogueSet, Message
from recommender.data.source import Source
from recommender.data.task import Task
from recommender.evaluation import genres
from recommender.evaluation.beyond import beyond_accuracy, gini, mean_popularity, novelty, training_mentions
from recommender.evaluation.genres import calibration, diversity, genre_shares
from recommender.evaluation.measures import BEYOND, CALIBRATED
from recommender.evaluation.metrics import MetricError, ragged
from recommender.settings import settings

CATALOG = Catalog(
    [
        Movie(1, "A", genres=("drama", "crime")),
        Movie(2, "B", genres=("drama",)),
        Movie(3, "C", genres=("comedy",)),
        Movie(4, "D"),
        Movie(5, "E", genres=("crime", "drama")),
    ]
)
COUNTS = st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any)


def lists(*rows: list[int]) -> np.ndarray:
    return np.array(rows, dtype=np.int64)


@pytest.mark.parametrize(
    ("ranking", "distance"),
    [
        ([0, 4], 0),  # the same genres in another order
        ([0, 1], 1 / 2),  # one of two in common
        ([0, 2], 1),
        ([0, 1, 2], (1 / 2 + 1 + 1) / 3),
        ([0, 3, 1], 1 / 2),  # the movie without genres is in no pair
        ([0, 1, -1], 1 / 2),
    ],
)
def test_diversity_is_the_mean_jaccard_distance_of_the_pairs(ranking: list[int], distance: float) -> None:
    assert diversity(lists(ranking), CATALOG) == pytest.approx(distance, abs=1e-12)


def test_a_list_counts_once_whatever_its_pairs_and_one_without_pairs_not_at_all() -> None:
    rankings = lists([0, 4, 3], [0, 1, 2], [0, 3, -1], [-1, -1, -1])
    assert diversity(rankings, CATALOG) == pytest.approx((0 + 5 / 6) / 2, abs=1e-12)
    assert math.isnan(diversity(lists([0, -1], [3, 0]), CATALOG))


def test_novelty_in_bits() -> None:
    mentions = np.array([3, 1, 0, 7])  # with one more each: 4, 2, 1, 8 of 15
    assert novelty(np.array([1, 0, 0, 1]), mentions) == pytest.approx((math.log2(15 / 4) + math.log2(15 / 8)) / 2)
    assert novelty(np.array([0, 0, 2, 0]), mentions) == pytest.approx(math.log2(15))
    assert novelty(np.array([0, 0, 0, 0]), mentions) == 0


@given(COUNTS)
def test_gini_is_half_the_mean_difference_over_the_mean(counts: list[int]) -> None:
    array = np.array(counts)
    expected = np.abs(array[:, None] - array[None, :]).mean() / (2 * array.mean())
    assert gini(array) == pytest.approx(expected, abs=1e-12)


def test_gini_of_nothing_recommended() -> None:
    assert gini(np.zeros(3, dtype=np.int64)) == 0


def test_only_the_first_ranks_count_and_padding_is_no_movie() -> None:
    catalog = Catalog([Movie(i, str(i), genres=("x",)) for i in range(24)])
    rankings = lists(list(range(12)), [20, *[-1] * 11])
    found = beyond_accuracy(rankings, [1, 10], catalog, np.arange(24), ragged([[3], []]))
    assert found == {
        "coverage@1": 2 / 24,
        "coverage@10": 11 / 24,
        "gini@1": pytest.approx(22 / 24),
        "gini@10": pytest.approx(13 / 24),  # eleven of 24 movies once each: 1 - 11 / 24
        "popularity@1": 10,  # (0 + 20) / 2
        "popularity@10": pytest.approx((4.5 + 20) / 2),
        "novelty@1": pytest.approx(math.log2(300) - math.log2(21) / 2),
        "novelty@10": pytest.approx(math.log2(300) - (math.log2(math.factorial(10)) + math.log2(21)) / 11),
        "diversity@10": 0,  # a list of one has none
        "calibration@1": pytest.approx(0, abs=1e-12),
        "calibration@10": pytest.approx(0, abs=1e-12),
        "calibrated@1": 1,
        "calibrated@10": 1,
    }
    assert list(found) == [f"{name}@{k}" for name in (*BEYOND, CALIBRATED) for k in (1, 10) if f"{name}@{k}" in found]


def test_what_a_record_lacks_is_left_out() -> None:
    found = beyond_accuracy(lists([0, 1]), [2], CATALOG, None, None)
    assert set(found) == {"coverage@2", "gini@2", "diversity@2"}


def test_a_cut_off_that_the_rankings_do_not_reach_is_an_error() -> None:
    for cutoff in (0, 3):
        with pytest.raises(MetricError, match="ut-off"):
            beyond_accuracy(lists([0, 1]), [cutoff], CATALOG, None, None)


def test_mean_popularity_is_a_mean_of_means() -> None:
    mentions = np.array([8, 2, 1, 0, 4])
    assert mean_popularity(lists([0, 1, 2], [4, -1, -1], [-1, -1, -1]), mentions) == pytest.approx((11 / 3 + 4) / 2)
    assert math.isnan(mean_popularity(lists([-1]), mentions))


@pytest.mark.parametrize(
    ("named", "ranking", "divergence"),
    [
        ([0], [4, 0], 0),  # half crime, half drama on both sides
        ([1], [2, 2], math.log(1 / 0.01)),  # drama is asked for, comedy given
        ([0], [1, 1], 0.5 * math.log(0.5 / 0.995) + 0.5 * math.log(0.5 / 0.005)),  # no crime, drama only
        ([0, 2], [0, 3], 0.5 * (0.5 * math.log(0.25 / 0.4975) * 2 + math.log(0.5 / 0.005))),  # D has no genres
        ([1], [1, -1], 0),
    ],
)
def test_calibration_is_the_divergence_of_the_genres(named: list[int], ranking: list[int], divergence: float) -> None:
    value, examples = calibration(lists(ranking), ragged([named]), CATALOG)
    assert value == pytest.approx(divergence, abs=1e-12)
    assert examples == 1


def test_calibration_rests_on_the_examples_with_known_genres_on_both_sides() -> None:
    named = [[1], [], [3], [2]]
    rankings = lists([1, 1], [1, 1], [1, 1], [3, -1])
    assert calibration(rankings, ragged(named), CATALOG) == (pytest.approx(0, abs=1e-12), 1)
    value, examples = calibration(rankings[1:], ragged(named[1:]), CATALOG)
    assert math.isnan(value)
    assert examples == 0


def test_genre_shares_add_up_to_one() -> None:
    shares = genre_shares(ragged([[0, 1, 2], [], [3]]), CATALOG)  # comedy, crime, drama
    np.testing.assert_allclose(shares, [[1 / 3, 1 / 6, 1 / 2], [0, 0, 0], [0, 0, 0]])


RANKINGS = st.lists(st.permutations(range(len(CATALOG))), min_size=1, max_size=6)


@given(RANKINGS)
def test_a_list_like_the_input_is_calibrated(rows: list[list[int]]) -> None:
    rankings = lists(*(row[:3] for row in rows))
    value, examples = calibration(rankings, ragged([row[2::-1] for row in rows]), CATALOG)
    assert value == pytest.approx(0, abs=1e-12)
    assert examples == len(rows)  # of three movies at most one has no genres


@given(RANKINGS, RANKINGS, st.randoms(use_true_random=False))
def test_the_order_of_the_examples_changes_nothing(
    rows: list[list[int]], inputs: list[list[int]], draw: random.Random
) -> None:
    pairs = list(zip(rows, inputs, strict=False))
    drawn = draw.sample(pairs, len(pairs))

    def found(of: list[tuple[list[int], list[int]]]) -> dict[str, float]:
        rankings, named = lists(*(row for row, _ in of)), ragged([row[:2] for _, row in of])
        return beyond_accuracy(rankings, [1, 2, 5], CATALOG, np.array([5, 3, 0, 1, 9]), named)

    assert found(drawn) == pytest.approx(found(pairs), abs=1e-12)


@given(RANKINGS)
def test_longer_lists_cover_no_less_and_every_value_lies_within_its_bounds(rows: list[list[int]]) -> None:
    found = beyond_accuracy(
        lists(*rows), [1, 2, 3, 4, 5], CATALOG, np.array([5, 3, 0, 1, 9]), ragged([row[:1] for row in rows])
    )
    covered = [found[f"coverage@{k}"] for k in range(1, 6)]
    assert covered == sorted(covered)
    assert covered[-1] == 1
    assert found["gini@5"] == pytest.approx(0, abs=1e-12)
    assert found["popularity@5"] == pytest.approx(18 / 5)
    highest = {
        "coverage": 1,
        "gini": 1,
        "diversity": 1,
        "popularity": 9,
        "novelty": math.log2(23),
        "calibration": math.log(100),
    }
    for name, most in highest.items():
        assert all(-1e-12 <= v <= most + 1e-9 for key, v in found.items() if key.startswith(f"{name}@"))


def test_many_lists_are_counted_in_pieces_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    rankings = np.array(list(itertools.permutations(range(5), 3)))
    whole = diversity(rankings, CATALOG)
    monkeypatch.setattr(genres, "ROWS", 7)
    assert diversity(rankings, CATALOG) == pytest.approx(whole, abs=1e-12)


def test_mentions_are_counted_once_a_message_in_the_dialogues_trained_on() -> None:
    def said(name: str, *texts: str) -> Dialogue:
        return Dialogue(name, tuple(Message("seeker", text) for text in texts))

    train = [said("a", "@1 and @1 again, @99", "@1 @2"), said("b", "@5"), said("c", "@5"), said("d", "@5")]
    dialogues = DialogueSet(Source.FOLDER, "", train, [said("t", "@3")])
    task = Task(CATALOG, dialogues, "conversational", DataConfig(validation=0.25), 0, settings())
    [held_out] = task.split("validation")
    expected = {1: 2, 2: 1, 5: 3}
    for movie_id in {movie for message in held_out.messages for movie in message.movie_ids} & set(expected):
        expected[movie_id] -= sum(movie_id in message.movie_ids for message in held_out.messages)
    assert training_mentions(task).tolist() == [expected.get(movie.movie_id, 0) for movie in CATALOG]
