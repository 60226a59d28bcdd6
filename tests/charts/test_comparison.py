"""The comparison's figures: what stands in them, and that colour is never the only cue."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from recommender.charts.comparison import Bar, Curve, Mark, best_values, curves, heat_map, short, slices, small_bars
from recommender.charts.style import DARK, LIGHT, Look

ORIGINAL, WEIGHTED = Mark("original"), Mark("weighted", dash=1)
EPOCHS = np.array([1.0, 2.0, 3.0])


def two_curves(look: Look = LIGHT, **options: object) -> go.Figure:
    drawn = [Curve(ORIGINAL, EPOCHS, EPOCHS / 100), Curve(WEIGHTED, EPOCHS, EPOCHS / 50)]
    return curves(look, drawn, "nDCG@10", {"popularity": 0.04, "copy": 0.2}, **options)


def named(figure: go.Figure, name: str) -> go.Figure:
    return next(trace for trace in figure.data if trace.name == name)


@pytest.mark.parametrize("look", [LIGHT, DARK])
def test_twins_share_a_colour_and_differ_in_their_dash(look: Look) -> None:
    figure = two_curves(look)
    first, second = named(figure, "original").line, named(figure, "weighted").line
    assert first.color == second.color == look.colours[0]
    assert (first.dash, second.dash) == ("solid", "dash")
    assert named(figure, "original").marker.symbol != named(figure, "weighted").marker.symbol


def test_reference_lines_cross_all_epochs_and_differ_in_their_dash() -> None:
    figure = two_curves()
    popularity, copy = named(figure, "popularity"), named(figure, "copy")
    assert list(popularity.x) == [0, 3]
    assert list(popularity.y) == [0.04, 0.04]
    assert popularity.line.dash != copy.line.dash


def test_an_expected_band_lies_between_its_edges() -> None:
    figure = two_curves(band=[(5, 0.06, 0.08), (10, 0.08, 0.1)])
    low, high = figure.data[0], figure.data[1]
    assert (list(low.y), list(high.y)) == ([0.06, 0.08], [0.08, 0.1])
    assert high.fill == "tonexty"


def test_a_long_curve_is_thinned() -> None:
    long = np.arange(1.0, 9001.0)
    figure = curves(LIGHT, [Curve(ORIGINAL, long, long)], "loss", {}, logarithmic=True)
    assert len(figure.data[0].x) <= 2000
    assert figure.data[0].x[-1] == 9000
    assert figure.layout.yaxis.type == "log"


def test_a_bar_has_whiskers_to_the_ends_of_its_interval() -> None:
    figure = best_values(LIGHT, [Bar(ORIGINAL, 0.05, (0.04, 0.07))], "nDCG@10", {}, {})
    bar = figure.data[0]
    assert bar.error_x.array[0] == pytest.approx(0.02)
    assert bar.error_x.arrayminus[0] == pytest.approx(0.01)


def test_published_values_stand_in_a_row_of_their_own_below_the_runs() -> None:
    bars = [Bar(ORIGINAL, 0.05), Bar(WEIGHTED, 0.06)]
    figure = best_values(LIGHT, bars, "nDCG@10", {"copy": 0.2}, {"Paper": 0.17, "Reproduction": 0.05})
    published = named(figure, "published")
    assert list(published.y) == [2, 2]
    assert list(published.text) == ["Paper", "Reproduction"]
    assert list(figure.layout.yaxis.ticktext) == ["original", "weighted", "published"]
    assert named(figure, "copy 0.200").x == (0.2, 0.2)


def test_slices_say_how_many_wishes_they_hold() -> None:
    frame = pd.DataFrame(
        {"slice": ["0", "1"], "examples": [1200, 3], "value": [0.1, 0.2], "low": [0.0, 0.1], "high": [0.2, 0.4]}
    )
    figure = slices(LIGHT, [(ORIGINAL, frame), (WEIGHTED, frame)], "nDCG@10")
    assert list(figure.data[0].x) == ["0<br>1,200 wishes", "1<br>3 wishes"]
    assert figure.data[1].error_y.array == pytest.approx([0.1, 0.2])
    assert figure.data[0].marker.pattern.shape != figure.data[1].marker.pattern.shape


def test_small_bars_write_their_values() -> None:
    figure = small_bars(LIGHT, [Bar(ORIGINAL, 0.125), Bar(WEIGHTED, 0.0)], ".1%")
    assert [trace.text[0] for trace in figure.data] == ["12.5%", "0.0%"]


def test_the_heat_map_writes_shares_in_percent_and_keeps_names_as_they_are() -> None:
    shares = pd.DataFrame({"run <b>": [0.5, 0.031]}, index=["It (2017)", "Love & <i>Rage</i>"])
    figure = heat_map(LIGHT, shares)
    assert np.array(figure.data[0].z).tolist() == [[50.0], [3.1]]
    assert list(figure.layout.yaxis.ticktext) == ["It (2017)", "Love &amp; &lt;i&gt;Rage&lt;/i&gt;"]
    assert list(figure.layout.xaxis.ticktext) == ["run &lt;b&gt;"]


def test_long_names_are_cut_beside_an_axis() -> None:
    assert short("a" * 24) == "a" * 24
    assert short("a" * 25) == "a" * 23 + "…"
