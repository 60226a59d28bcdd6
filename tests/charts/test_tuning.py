"""The pictures of a study: what is drawn is what was tried."""

import pytest

from recommender.charts.style import DARK, LIGHT
from recommender.charts.tuning import history, importance, parallel
from recommender.tuning.search import Choice, FloatRange, IntRange
from recommender.tuning.view import Trial

SPACE = {
    "training.head_lr": FloatRange(kind="float", low=0.001, high=0.1, log=True),
    "training.batch_size": IntRange(kind="int", low=10, high=30),
    "loss.kind": Choice(kind="choice", values=("bce", "focal", "softmax")),
}
ROWS = [
    Trial(0, "complete", 0.02, {"training.head_lr": 0.001, "training.batch_size": 10, "loss.kind": "bce"}),
    Trial(1, "pruned", 0.01, {"training.head_lr": 0.1, "training.batch_size": 30, "loss.kind": "softmax"}),
    Trial(2, "failed", None, {}),
    Trial(3, "complete", 0.05, {"training.head_lr": 0.01, "training.batch_size": 15, "loss.kind": "focal"}),
    Trial(4, "complete", 0.03, {"training.head_lr": 0.01, "training.batch_size": 20, "loss.kind": "focal"}),
    Trial(5, "running", None, {"training.head_lr": 0.01, "training.batch_size": 20, "loss.kind": "focal"}),
]


def test_the_history_marks_what_was_stopped_early_and_the_best_so_far() -> None:
    drawn = {trace.name: (list(trace.x), list(trace.y)) for trace in history(ROWS, LIGHT).data}
    assert drawn == {
        "best so far": ([0, 3, 4], [0.02, 0.05, 0.05]),
        "finished": ([0, 3, 4], [0.02, 0.05, 0.03]),
        "stopped early": ([1], [0.01]),
    }
    symbols = {trace.marker.symbol for trace in history(ROWS, DARK).data if trace.mode == "markers"}
    assert len(symbols) == 2, "colour is not the only cue"


def test_a_line_goes_through_the_places_of_its_values_on_their_axes() -> None:
    drawn = {trace.name: trace for trace in parallel(ROWS, SPACE, {}, LIGHT).data}
    assert set(drawn) == {"trial 0", "trial 1", "trial 3", "trial 4"}
    assert list(drawn["trial 0"].x) == pytest.approx([0, 0, 0, 0.25])
    assert list(drawn["trial 1"].x) == pytest.approx([1, 1, 1, 0])
    assert list(drawn["trial 3"].x) == pytest.approx([0.5, 0.25, 0.5, 1])
    widths = {name: trace.line.width for name, trace in drawn.items()}
    assert max(widths, key=lambda name: widths[name]) == "trial 3"
    assert "training.head_lr=0.01" in drawn["trial 3"].text[0]


def test_importance_is_a_bar_for_each_setting_under_its_own_name() -> None:
    [bars] = importance({"training.head_lr": 0.75, "loss.kind": 0.25}, {"loss.kind": "Kind of loss"}, DARK).data
    assert list(bars.x) == [0.75, 0.25]
    assert list(bars.y) == ["training.head_lr", "Kind of loss"]
    assert list(bars.text) == ["75%", "25%"]


def test_a_study_without_a_value_draws_nothing_false() -> None:
    for rows in ([], ROWS[2:3]):
        assert len(history(rows, LIGHT).data) == 0
        assert len(parallel(rows, SPACE, {}, LIGHT).data) == 0
