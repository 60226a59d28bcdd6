"""The curves of a training run: losses, and validation metrics beside reference lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from recommender.charts.style import DASHES, Look, figure
from recommender.runs.folder import is_number

Floats = NDArray[np.float64]

MAX_POINTS = 800  # about one a pixel, and each one travels to the browser at every tick
MAX_MARKERS = 100  # each is an element of the page
HEIGHT = 260  # pixels
NAME_HEIGHT = 15  # pixels from one name of a line to the next
LETTER_WIDTH = 6.6  # pixels
LEAST = 0.01  # a validation axis reaches at least this far: less than that is nothing
LOG_RATIO = 20  # a loss that falls further than this is flat on a plain axis


@dataclass(frozen=True)
class Reference:
    """A value to compare a curve with: a baseline on the same examples, or a published number."""

    name: str
    value: float


def series(rows: Sequence[Mapping[str, Any]], key: str) -> tuple[Floats, Floats]:
    """Epochs [N] and values [N] of the rows that have a finite `key`, in the order of the file."""
    points = [(row["epoch"], row[key]) for row in rows if is_number(row.get(key)) and is_number(row.get("epoch"))]
    epochs, values = np.array(points, dtype=np.float64).reshape(-1, 2).T
    return epochs, values


def decimate(x: Floats, y: Floats, limit: int = MAX_POINTS) -> tuple[Floats, Floats]:
    """At most `limit` (4 or more) points: the first, the last, and the minimum and maximum of every section."""
    if len(x) <= limit:
        return x, y
    edges = np.linspace(0, len(x), (limit - 2) // 2 + 1).astype(int)
    kept = {0, len(x) - 1}
    for start, end in pairwise(edges):
        kept |= {start + int(y[start:end].argmin()), start + int(y[start:end].argmax())}
    places = np.array(sorted(kept))
    return x[places], y[places]


def training_curve(rows: Sequence[Mapping[str, Any]], key: str, title: str, look: Look) -> go.Figure:
    """A logged training value by epoch. A loss or gradient norm with a wide range gets a log axis, named in the
    title."""
    epochs, values = decimate(*series(rows, key))
    falls = key.endswith(("loss", "gradient"))
    wide = falls and len(values) > 0 and values.min() > 0 and values.max() / values.min() > LOG_RATIO
    made = _curves(f"{title} (log scale)" if wide else title, look)
    made.add_scatter(
        x=epochs,
        y=values,
        name=title,
        mode="lines",
        line={"color": look.colours[0], "width": 2},
        hovertemplate="epoch %{x:.2f}<br>%{y:.4g}<extra></extra>",
    )
    made.update_yaxes(type="log" if wide else "linear", exponentformat="power", nticks=6)
    if not len(values):
        made.update_yaxes(range=[0, 1], showticklabels=False)
        _say_empty(made, look)
    return made


def validation_curve(
    rows: Sequence[Mapping[str, Any]], key: str, title: str, references: Sequence[Reference], look: Look
) -> go.Figure:
    """A validation metric by epoch, the best one marked, with a dashed line for each reference."""
    epochs, values = decimate(*series(rows, key))
    made = _curves(title, look)
    top = 1.12 * max([LEAST, *values, *(line.value for line in references)])
    made.update_yaxes(range=[0, top])
    if len(values):
        best = int(values.argmax())
        colour = look.colours[0]
        made.add_scatter(
            x=epochs,
            y=values,
            name=title,
            mode="lines+markers" if len(values) <= MAX_MARKERS else "lines",
            line={"color": colour, "width": 2},
            marker={"size": 6},
            hovertemplate="epoch %{x:.0f}<br>%{y:.4f}<extra></extra>",
        )
        made.add_scatter(
            x=[epochs[best]],
            y=[values[best]],
            name="best",
            mode="markers",
            marker={"symbol": "star", "size": 13, "color": colour},
            hovertemplate="best: epoch %{x:.0f}<br>%{y:.4f}<extra></extra>",
        )
    else:
        _say_empty(made, look)
    _add_references(made, references, top, look)
    return made


def _say_empty(made: go.Figure, look: Look) -> None:
    made.update_xaxes(range=[0, 1], showticklabels=False)
    made.add_annotation(
        text="no values yet", x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"color": look.text}
    )


def _curves(title: str, look: Look) -> go.Figure:
    made = figure(look, HEIGHT, showlegend=False)
    made.update_layout(title_text=title, margin={"l": 8, "r": 8, "t": 40, "b": 8}, hovermode="closest")
    made.update_xaxes(title_text="epoch", rangemode="tozero")
    return made


def _add_references(made: go.Figure, references: Sequence[Reference], top: float, look: Look) -> None:
    """Horizontal lines with labels on the right; labels of close lines are moved apart."""
    if not references:
        return
    names = {line: f"{line.name} {line.value:.3f}" for line in references}
    made.update_layout(margin_r=14 + LETTER_WIDTH * max(map(len, names.values())))
    plot_height = made.layout.height - 90  # pixels, without title and axis
    ordered = sorted(references, key=lambda line: line.value)
    wanted = [line.value / top * plot_height for line in ordered]
    for number, (line, place, want) in enumerate(zip(ordered, spread(wanted, NAME_HEIGHT), wanted, strict=True)):
        made.add_hline(line.value, line={"color": look.faint, "width": 1.5, "dash": DASHES[1 + number % 5]})
        made.add_annotation(
            x=1,
            xref="paper",
            xanchor="left",
            xshift=6,
            y=line.value,
            yanchor="middle",
            yshift=place - want,
            text=names[line],
            showarrow=False,
            font={"size": 12, "color": look.text},
        )


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Ascending positions, moved upwards as little as possible until neighbours are at least `gap` apart.

    >>> spread([0, 1, 50], 15)
    [0, 15, 50]
    """
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + gap) if moved else place)
    return moved
