"""The pictures of the experiments, by hand."""

import numpy as np
import pytest

from recommender.charts.findings import Step, pulls, seeds, waterfall
from recommender.charts.style import DARK, LIGHT

STEPS = [Step("as it was", 0.04, 0.03, 0.05), Step("rate", 0.15, 0.14, 0.16), Step("leak", 0.10, 0.10, 0.10)]


def test_a_waterfall_goes_from_the_first_figure_by_what_each_step_adds() -> None:
    bars, labels = waterfall(STEPS, {"copy": 0.2}, "nDCG@10", LIGHT).data
    assert list(bars.x) == pytest.approx([0.04, 0.11, -0.05])
    assert list(bars.measure) == ["absolute", "relative", "relative"]
    assert list(labels.text) == [" 0.040", " +0.110", " -0.050"]
    assert list(labels.x) == [0.04, 0.15, 0.15]  # right of the bar, whichever way it goes
    assert list(bars.y) == ["as it was", "rate", "leak"]


def test_the_lines_of_a_waterfall_are_named_and_within_the_axis() -> None:
    made = waterfall(STEPS, {"copy": 0.2}, "nDCG@10", DARK)
    assert [note.text for note in made.layout.annotations] == ["copy 0.200"]
    assert made.layout.xaxis.range[1] > 0.2


def test_every_seed_has_a_dot_in_the_row_of_its_group() -> None:
    made = seeds({"original": [0.04, 0.05], "weighted": [0.06], "focal": []}, {"popularity": 0.044}, "nDCG@10", LIGHT)
    assert [(list(dots.x), list(dots.y)) for dots in made.data] == [([0.04, 0.05], [0, 0]), ([0.06], [1]), ([], [])]
    assert list(made.layout.yaxis.ticktext) == ["original", "weighted", "focal"]


def test_pulls_are_drawn_on_a_logarithmic_axis() -> None:
    made = pulls(
        {"movie": (np.array([0.5, 1.0]), np.array([1.0, 2.0])), "tag": (np.array([0.5]), np.array([9.0]))}, LIGHT
    )
    assert [curve.name for curve in made.data] == ["movie", "tag"]
    assert made.layout.yaxis.type == "log"
