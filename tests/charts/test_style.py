"""Contrast and the common look of every figure."""

import tomllib

import pytest

from recommender.charts.style import DARK, DASHES, LIGHT, Look, figure, look_of
from recommender.settings import ROOT

THEME = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
LOOKS = pytest.mark.parametrize(("look", "theme"), [(LIGHT, "light"), (DARK, "dark")], ids=["light", "dark"])


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@LOOKS
def test_every_colour_is_seen_on_the_app_s_backgrounds(look: Look, theme: str) -> None:
    for background in (THEME[theme]["backgroundColor"], THEME[theme]["secondaryBackgroundColor"]):
        assert contrast(look.text, background) >= 4.5
        assert min(contrast(colour, background) for colour in (look.faint, *look.colours)) >= 3


@LOOKS
def test_charts_have_the_colours_of_the_theme(look: Look, theme: str) -> None:
    assert list(look.colours) == THEME[theme]["chartCategoricalColors"]
    assert look.text == THEME[theme]["textColor"]


def test_every_colour_has_a_dash_of_its_own() -> None:
    assert len(set(DASHES)) == len(DASHES) >= len(LIGHT.colours) == len(set(LIGHT.colours))


def test_the_theme_chooses_the_look() -> None:
    assert (look_of(dark=True), look_of(dark=False)) == (DARK, LIGHT)


@LOOKS
def test_a_figure_is_transparent_and_its_words_have_the_text_colour(look: Look, theme: str) -> None:
    layout = figure(look, 200, xaxis_title="epoch").to_plotly_json()["layout"]
    assert layout["height"] == 200
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert layout["xaxis"]["title"] == {"text": "epoch", "font": {"color": look.text}}
    written = [layout["font"], layout["legend"]["font"], layout["xaxis"]["tickfont"], layout["yaxis"]["tickfont"]]
    assert {font["color"] for font in written} == {look.text}


def test_what_a_chart_asks_for_goes_before_the_common_look() -> None:
    made = figure(LIGHT, 200, showlegend=False, margin_t=4)
    assert (made.layout.showlegend, made.layout.margin.t, made.layout.margin.l) == (False, 4, 8)
