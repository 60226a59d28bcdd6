"""Pictures of rankings."""

from itertools import pairwise

import plotly.graph_objects as go
import pytest

from recommender.charts.ranking import moves_in_words, score_bar, shares, slope, word_bars
from recommender.charts.style import DARK, LIGHT

OLD = ["Heat (1995)", "Up (2009)", "Saw (2004)", "Jaws (1975)"]
NEW = ["Up (2009)", "Heat (1995)", "Alien (1979)", "Jaws (1975)"]


def trace(figure: go.Figure, name: str) -> go.Scatter:
    return next(trace for trace in figure.data if trace.name == name)


def segments(scatter: go.Scatter) -> list[tuple[int, int]]:
    """(rank on the left, rank on the right) of every line."""
    points = list(zip(scatter.x, scatter.y, strict=True))
    return [(start[1], end[1]) for start, end in pairwise(points) if start[0] == 0 and end[0] == 1]


def test_movies_in_both_rankings_are_joined_and_the_others_marked() -> None:
    figure = slope(OLD, NEW, "original", "weighted", LIGHT)
    assert segments(trace(figure, "higher in weighted")) == [(2, 1)]
    assert segments(trace(figure, "lower in weighted")) == [(1, 2)]
    assert segments(trace(figure, "same rank")) == [(4, 4)]
    gone, come = trace(figure, "only in original"), trace(figure, "only in weighted")
    assert (gone.x, gone.y, gone.text) == ((0,), (3,), ("Saw (2004)",))
    assert (come.x, come.y, come.text) == ((1,), (3,), ("Alien (1979)",))


def test_colour_is_not_the_only_cue() -> None:
    figure = slope(OLD, NEW, "a", "b", DARK)
    assert len({trace(figure, name).line.dash for name in ("higher in b", "lower in b", "same rank")}) == 3
    assert trace(figure, "only in a").marker.symbol != trace(figure, "only in b").marker.symbol
    bars = score_bar({"words": 1.0, "movies": 2.0, "popularity": 0.5, "refusals": -1.0}, LIGHT).data
    assert len({bar.marker.pattern.shape for bar in bars}) == len(bars) == 4
    words = word_bars([("scary", 1.5), ("not", -0.5)], LIGHT).data[0]
    assert words.marker.pattern.shape[0] != words.marker.pattern.shape[1]


def test_both_axes_name_their_movies_by_rank() -> None:
    layout = slope(OLD, NEW, "a", "b", LIGHT).layout
    assert layout.yaxis.ticktext == ("1. Heat (1995)", "2. Up (2009)", "3. Saw (2004)", "4. Jaws (1975)")
    assert layout.yaxis2.ticktext[2] == "3. Alien (1979)"
    assert layout.yaxis.range == layout.yaxis2.range == (4.5, 0.5), "rank 1 is on top, on the same height"


def test_where_a_title_is_too_long_the_year_goes_first() -> None:
    labels = slope(["Wonder Woman (2017)", "Die Hard (1988)"], [], "a", "b", LIGHT).layout.yaxis.ticktext
    assert labels == ("1. Wonder Woman", "2. Die Hard (1988)")


def test_long_titles_are_cut_and_markup_is_text() -> None:
    figure = slope(["<b>Don't Be a Menace to South Central (1996)"], [], "a", "b", LIGHT)
    (label,) = figure.layout.yaxis.ticktext
    assert label == "1. &lt;b&gt;Don't Be a Men…"
    assert trace(figure, "only in a").text == ("&lt;b&gt;Don't Be a Menace to South Central (1996)",)


@pytest.mark.parametrize(("left", "right"), [([], []), (OLD, []), ([], NEW), (OLD, OLD)])
def test_any_two_rankings_can_be_drawn(left: list[str], right: list[str]) -> None:
    slope(left, right, "a", "b", LIGHT).to_json()


def test_the_moves_in_words() -> None:
    assert moves_in_words(OLD, NEW, "old", "new") == (
        "old and new share 3 of 4 movies, 1 at the same rank. old puts Heat (1995) first, new Up (2009)."
    )
    assert moves_in_words(OLD, OLD, "old", "new").endswith("Both put Heat (1995) first.")
    assert moves_in_words([], [], "old", "new") == "old and new share 0 of 0 movies, 0 at the same rank."


def test_shares_are_of_all_that_pushes_up_and_down() -> None:
    said = shares({"Words": 3.0, "Movies": 0.0, "Refused": -1.0})
    for name, parts in {"Words": ("+3.00", "raises", "75%"), "Refused": ("-1.00", "lowers", "25%")}.items():
        assert all(part in said[name] for part in parts)
    assert "%" not in said["Movies"]


def test_parts_of_a_score_are_stacked_and_empty_ones_left_out() -> None:
    figure = score_bar({"words": 1.5, "movies": 0.0, "refusals": -0.5}, LIGHT)
    assert figure.layout.barmode == "relative"
    assert [(bar.name, bar.x) for bar in figure.data] == [("words +1.50", (1.5,)), ("refusals -0.50", (-0.5,))]


def test_words_stand_in_the_order_given_with_their_numbers() -> None:
    figure = word_bars([("scary", 1.5), ("not", -0.5)], LIGHT)
    assert figure.data[0].x == (1.5, -0.5)
    assert figure.layout.yaxis.ticktext == ("scary +1.50", "not -0.50")
    assert figure.layout.yaxis.autorange == "reversed"
