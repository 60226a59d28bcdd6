"""The pictures of the experiments, by hand."""

import numpy as np
import pytest

from recommender.charts.findings import Step, gradient_norms, seeds, waterfall
from recommender.charts.style import DARK, LIGHT

STEPS = [
    Step("as it was", (0.03, 0.05), 0.044),
    Step("a higher learning rate", (0.15,), 0.044),
    Step("leak", (0.1498,), 0.05),
    Step("new", (0.10,), 0.06),
]


def test_a_waterfall_goes_from_the_first_figure_by_what_each_step_adds() -> None:
    bars, popularity, labels = waterfall(STEPS, "nDCG@10", LIGHT).data
    assert list(bars.x) == pytest.approx([0.04, 0.11, -0.0002, -0.0498])
    assert list(bars.measure) == ["absolute", "relative", "relative", "relative"]
    assert list(bars.y) == ["as it was", "a higher learning<br>rate", "leak", "new"]
    assert list(popularity.x) == [0.044, 0.044, 0.05, 0.06]
    assert [text.strip() for text in labels.text] == ["0.040", "+0.110", "±0", "-0.050"]
    assert list(labels.x) == pytest.approx([0.044, 0.15, 0.15, 0.1498])  # right of the bar, whichever way it goes


def test_every_seed_has_a_dot_in_the_row_of_its_group() -> None:
    made = seeds({"original": [0.04, 0.05], "weighted": [0.06], "focal": []}, 0.044, "nDCG@10", LIGHT)
    assert [(list(dots.x), list(dots.y)) for dots in made.data] == [([0.04, 0.05], [0, 0]), ([0.06], [1]), ([], [])]
    assert list(made.layout.yaxis.ticktext) == ["original", "weighted", "focal"]
    assert [note.text for note in made.layout.annotations] == ["popularity 0.044"]


def test_pulls_have_a_colour_for_each_loss_and_a_dash_for_each_run() -> None:
    curve = np.array([0.5, 1.0]), np.array([1.0, 2.0])
    made = gradient_norms({("movie", "a"): curve, ("movie", "b"): curve, ("tag", "a"): curve}, DARK)
    assert [line.name for line in made.data] == ["movie, a", "movie, b", "tag, a"]
    assert made.data[0].line.color == made.data[1].line.color != made.data[2].line.color
    assert [line.line.dash for line in made.data] == ["solid", "dot", "solid"]
    assert made.layout.yaxis.type == "log"
