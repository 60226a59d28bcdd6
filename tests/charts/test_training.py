"""The curves of a run: what is drawn is what was logged."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.charts.style import DARK, LIGHT
from recommender.charts.training import (
    MAX_POINTS,
    Reference,
    decimate,
    series,
    spread,
    training_curve,
    validation_curve,
)

ROWS = [
    {"step": 5, "epoch": 0.5, "loss": 2.0, "movie_loss": 1.5, "tag_loss": 0.5},
    {"step": 10, "epoch": 1.0, "loss": 1.0, "movie_loss": 0.8, "tag_loss": 0.2},
    {"step": 10, "epoch": 1.0, "eval_ndcg@10": 0.04},
    {"step": 15, "epoch": 1.5, "loss": float("nan"), "movie_loss": float("nan")},
    {"step": 20, "epoch": 2.0, "eval_ndcg@10": 0.03},
    {"step": 20, "epoch": 2.0, "movie_loss": None},
    {"step": 20, "seconds": 9.0, "train_runtime": 9.0},
]


def test_a_series_is_the_rows_that_have_the_number() -> None:
    epochs, values = series(ROWS, "movie_loss")
    assert epochs.tolist() == [0.5, 1.0]
    assert values.tolist() == [1.5, 0.8]
    assert [len(part) for part in series(ROWS, "grad_norm")] == [0, 0]
    assert [len(part) for part in series([], "loss")] == [0, 0]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(4, 40))
def test_fewer_points_keep_the_ends_the_extremes_and_the_order(values: list[float], limit: int) -> None:
    x, y = np.arange(len(values), dtype=float), np.array(values)
    few_x, few_y = decimate(x, y, limit)
    assert len(few_x) <= limit
    assert (few_x[0], few_x[-1]) == (x[0], x[-1])
    assert (few_y.min(), few_y.max()) == (y.min(), y.max())
    assert all(few_x[1:] > few_x[:-1])
    assert few_y.tolist() == y[few_x.astype(int)].tolist()


def test_a_long_run_is_drawn_with_no_more_points_than_a_screen_shows() -> None:
    rows = [{"epoch": i / 100, "loss": 1 / (1 + i)} for i in range(50_000)]
    drawn = training_curve(rows, "loss", "Loss", LIGHT).data[0]
    assert len(drawn.x) <= MAX_POINTS
    assert drawn.x[-1] == 499.99


@given(st.lists(st.floats(0, 100), max_size=12).map(sorted), st.floats(1, 20))
def test_names_are_spread_and_never_moved_down(places: list[float], gap: float) -> None:
    moved = spread(places, gap)
    assert all(after >= before for before, after in zip(places, moved, strict=True))
    assert all(right - left >= gap * (1 - 1e-9) for left, right in pairwise(moved))


@pytest.mark.parametrize(("last", "kind"), [(0.2, "linear"), (0.01, "log")])
def test_a_loss_that_falls_far_has_a_log_axis_and_says_so(last: float, kind: str) -> None:
    made = training_curve([{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": last}], "loss", "Loss", DARK)
    assert made.layout.yaxis.type == kind
    assert ("log" in made.layout.title.text) == (kind == "log")


def test_a_loss_of_nought_keeps_the_plain_axis() -> None:
    made = training_curve([{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.0}], "loss", "Loss", DARK)
    assert made.layout.yaxis.type == "linear"


def test_the_best_epoch_and_the_references_are_marked() -> None:
    lines = [Reference("popularity", 0.044), Reference("copy", 0.2)]
    made = validation_curve(ROWS, "eval_ndcg@10", "nDCG@10", lines, LIGHT)
    curve, best = made.data
    assert list(curve.y) == [0.04, 0.03]
    assert (list(best.x), list(best.y)) == ([1.0], [0.04])
    assert [shape.y0 for shape in made.layout.shapes] == [0.044, 0.2]
    assert len({shape.line.dash for shape in made.layout.shapes}) == 2
    assert [note.text for note in made.layout.annotations] == ["popularity 0.044", "copy 0.200"]
    assert made.layout.yaxis.range[1] > 0.2


def test_a_run_without_an_epoch_yet_shows_its_references() -> None:
    made = validation_curve([], "eval_ndcg@10", "nDCG@10", [Reference("copy", 0.0)], LIGHT)
    assert len(made.data) == 0
    assert len(made.layout.shapes) == 1
    assert made.layout.yaxis.range[1] > 0
