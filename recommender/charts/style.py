"""The style of all figures: colours with enough contrast in both themes, plain axes, one legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


@dataclass(frozen=True)
class Look:
    """Colours for a theme, WCAG 2.2 AA on the app's background: text 4.5:1, lines and bars 3:1."""

    text: str
    faint: str  # grid lines, reference lines
    empty: str  # a cell of a heat map that holds nothing
    colours: tuple[str, ...]


LIGHT = Look("#101518", "#6b6f70", "#f3f1ec", ("#1f6f78", "#b4530a", "#5b4a9e", "#8a6d0b", "#a23b5c", "#4a6b2a"))
DARK = Look("#e0dfda", "#8d9192", "#12171a", ("#7cc4cc", "#f0a868", "#b9a8f0", "#e0c766", "#f08fae", "#a5cf7c"))


def look_of(dark: bool) -> Look:
    return DARK if dark else LIGHT


def figure(look: Look, height: int, **layout: Any) -> go.Figure:
    """An empty figure in the project's style; `height` in pixels. `layout` overrides."""
    made = go.Figure()
    axis = {"color": look.text, "tickfont": {"color": look.text}, "gridcolor": _faded(look.faint), "zeroline": False}
    made.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 32, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        colorway=look.colours,
        font={"color": look.text, "size": 13},
        title={"font": {"size": 15, "color": look.text}},
        legend={"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0, "font": {"color": look.text}},
        dragmode=False,  # a finger that moves over a chart scrolls the page; the mode bar still zooms
        hoverlabel={"font": {"size": 13}},
        uirevision="constant",  # a redraw keeps the reader's zoom
    )
    made.update_xaxes(**axis, automargin=True)
    made.update_yaxes(**axis, automargin=True)
    made.update_layout(**layout)
    # Last: a title given as a plain text would take its colour along. Without one, Streamlit's theme makes it pale.
    made.update_xaxes(title_font_color=look.text)
    made.update_yaxes(title_font_color=look.text)
    return made


def shown(text: str) -> str:
    """Escape text for plotly, which interprets some HTML tags everywhere and `%{...}` in templates."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "%\u2060{")


def readable_on(share: float, look: Look) -> str:
    """The text colour with more contrast on a cell that is `share` (0..1) of the way from empty to the first colour."""
    cell = [low + share * (high - low) for low, high in zip(_rgb(look.empty), _rgb(look.colours[0]), strict=True)]
    return max((LIGHT.text, DARK.text), key=lambda text: _contrast(cell, _rgb(text)))


def _contrast(one: Sequence[float], other: Sequence[float]) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(rgb: Sequence[float]) -> float:
    """Relative luminance, WCAG 2.2."""
    linear = [(part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4) for part in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def _faded(colour: str) -> str:
    red, green, blue = _rgb(colour)
    return f"rgba({red},{green},{blue},0.25)"
