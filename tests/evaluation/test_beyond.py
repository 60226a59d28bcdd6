"""Coverage, diversity, novelty and concentration on lists worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.config import DataConfig
from recommender.data.catalog import Catalog, Movie
from recommender.data.redial import Dialogue, DialogueSet, Message
from recommender.data.task import Task
from recommender.evaluation.beyond import beyond_accuracy, diversity, gini, novelty, training_mentions
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
    assert diversity(lists([0, -1], [3, 0]), CATALOG) == 0


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


def test_only_the_first_ten_ranks_count_and_padding_is_no_movie() -> None:
    catalog = Catalog([Movie(i, str(i), genres=("x",)) for i in range(24)])
    rankings = lists(list(range(12)), [20, *[-1] * 11])
    found = beyond_accuracy(rankings, catalog, np.zeros(24, dtype=np.int64))
    assert found == {
        "coverage@10": 11 / 24,
        "diversity@10": 0,
        "novelty@10": pytest.approx(math.log2(24)),
        "gini@10": pytest.approx(13 / 24),  # eleven of 24 movies once each: 1 - 11 / 24
    }


def test_mentions_are_counted_once_a_message_in_the_dialogues_trained_on() -> None:
    def said(name: str, *texts: str) -> Dialogue:
        return Dialogue(name, tuple(Message("seeker", text) for text in texts))

    train = [said("a", "@1 and @1 again, @99", "@1 @2"), said("b", "@5"), said("c", "@5"), said("d", "@5")]
    dialogues = DialogueSet("folder", "", train, [said("t", "@3")])
    task = Task(CATALOG, dialogues, "conversational", DataConfig(validation=0.25), 0, settings())
    [held_out] = task.split("validation")
    expected = {1: 2, 2: 1, 5: 3}
    for movie_id in {movie for message in held_out.messages for movie in message.movie_ids} & set(expected):
        expected[movie_id] -= sum(movie_id in message.movie_ids for message in held_out.messages)
    assert training_mentions(task).tolist() == [expected.get(movie.movie_id, 0) for movie in CATALOG]
