"""The pictures of the data, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.charts.data import Score, cumulative_shares, decades, genres, histogram, long_tail, movies_for, scores
from recommender.charts.style import LIGHT
from recommender.data.facts import Group

# One movie with 6 mentions, two with 2, two with 1, three never named: 12 mentions.
POPULARITY = {0: 3, 1: 2, 2: 2, 6: 1}


def test_the_last_bar_of_a_histogram_holds_all_beyond() -> None:
    bar = histogram({2: 5, 3: 7, 10: 1, 40: 2, 116: 3}, 10, "messages", LIGHT).data[0]
    assert list(bar.x) == [2, 3, 10]
    assert list(bar.y) == [5, 7, 6]
    assert list(bar.customdata) == ["2", "3", "10 or more"]


def test_the_axis_of_a_histogram_names_the_last_bar() -> None:
    axis = histogram({2: 5, 60: 7}, 40, "messages", LIGHT).layout.xaxis
    assert dict(zip(axis.tickvals, axis.ticktext, strict=True)) == {0: "0", 10: "10", 20: "20", 30: "30", 40: "40+"}


def test_the_curve_by_hand() -> None:
    movies, shares = cumulative_shares(POPULARITY)
    assert movies == [0, 1, 3, 5, 8]
    assert shares == pytest.approx([0, 6 / 12, 10 / 12, 1, 1])


@pytest.mark.parametrize(("share", "movies"), [(0.25, 1), (0.5, 1), (0.51, 2), (0.8, 3), (0.84, 4), (1.0, 5)])
def test_how_many_movies_hold_a_share(share: float, movies: int) -> None:
    assert movies_for(POPULARITY, share) == movies


@given(st.lists(st.integers(0, 50), min_size=1).filter(any), st.integers(1, 100))
def test_the_most_named_movies_hold_the_share_and_one_less_does_not(counts: list[int], percent: int) -> None:
    popularity = {count: counts.count(count) for count in counts}
    taken = movies_for(popularity, percent / 100)
    ranked = sorted(counts, reverse=True)
    wanted = percent / 100 * sum(counts)
    assert sum(ranked[:taken]) >= wanted - 1e-9
    assert sum(ranked[: taken - 1]) < wanted + 1e-9


def test_the_tail_marks_the_half() -> None:
    curve, half = long_tail(POPULARITY, LIGHT).data
    assert (list(half.x), list(half.y)) == ([1], [0.5])
    assert (curve.x[-1], curve.y[-1]) == (8, 1)


def test_genres_are_shares_of_all_mentions() -> None:
    made = genres({"drama": Group(movies=4, mentions=30), "war": Group(movies=1, mentions=5)}, 50, LIGHT)
    assert (list(made.data[0].y), list(made.data[0].x)) == (["drama", "war"], [0.6, 0.1])
    assert made.layout.yaxis.autorange == "reversed"  # the first on top
    assert made.layout.xaxis.range[1] > 0.6


def test_decades_are_shares_of_their_own_sums() -> None:
    made = decades({1930: Group(movies=1, mentions=1), 1940: Group(movies=3, mentions=9)}, LIGHT)
    assert [list(bar.x) for bar in made.data] == [[0.25, 0.75], [0.1, 0.9]]
    assert list(made.data[0].y) == ["to the 1930s", "1940s"]
    assert made.data[0].marker.pattern.shape != made.data[1].marker.pattern.shape


def test_scores_part_what_was_trained_from_what_was_not() -> None:
    rows = [Score("copy", "paper", 0.2, trained=False), Score("best", "paper", 0.1, trained=True)]
    trained, other = scores(rows, "nDCG@10", LIGHT).data
    assert (list(trained.x), list(other.x)) == ([None, 0.1], [0.2, None])
    assert (list(trained.text), list(other.text)) == (["", "0.100"], ["0.200", ""])
    assert [list(level) for level in trained.y] == [["paper", "paper"], ["copy", "best"]]
    assert trained.marker.pattern.shape != other.marker.pattern.shape
