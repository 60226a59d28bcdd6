"""How every figure looks: colours with enough contrast in both themes, plain axes, one legend."""

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


@dataclass(frozen=True)
class Look:
    """Colours for a theme, WCAG 2.2 AA on the app's background: text 4.5:1, lines and bars 3:1."""

    text: str
    faint: str  # grid lines, reference lines
    colours: tuple[str, ...]


LIGHT = Look("#101518", "#6b6f70", ("#1f6f78", "#b4530a", "#5b4a9e", "#8a6d0b", "#a23b5c", "#4a6b2a"))
DARK = Look("#e0dfda", "#8d9192", ("#7cc4cc", "#f0a868", "#b9a8f0", "#e0c766", "#f08fae", "#a5cf7c"))


def look_of(dark: bool) -> Look:
    return DARK if dark else LIGHT


def figure(look: Look, height: int, **layout: Any) -> go.Figure:
    """An empty figure in the project's look; `height` in pixels. `layout` overrides."""
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


def _faded(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.25)"
