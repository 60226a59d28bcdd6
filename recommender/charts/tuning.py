"""Charts of a study: history of the trials, importance of the settings, parallel coordinates."""

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from textwrap import wrap

import plotly.graph_objects as go

from recommender.charts.style import Look, figure, shown
from recommender.tuning.search import Choice, FloatRange, IntRange, Value
from recommender.tuning.view import Trial

ROW = 34  # pixels of a row with its gap
AXIS = 58  # pixels from one axis to the next
LINE = 18  # letters of a setting's name in one line, so that a phone has room for the picture
MEASURE = "validation nDCG@10"
# State -> how it is called, its symbol, and the place of its colour.
MARKS = {
    "complete": ("finished", "circle", 0),
    "pruned": ("stopped early", "x-thin-open", 1),
    "running": ("running", "circle-open", 2),
}


def history(rows: Sequence[Trial], look: Look) -> go.Figure:
    """The value of each trial in order, and the best so far as a stepped line."""
    made = figure(look, 320, xaxis_title="trial", yaxis_title=MEASURE)
    finished = [(row.number, row.value) for row in rows if row.state == "complete" and row.value is not None]
    if finished:
        numbers, values = zip(*finished, strict=True)
        made.add_scatter(
            x=numbers,
            y=list(accumulate(values, max)),
            name="best so far",
            mode="lines",
            line={"color": look.faint, "width": 2, "shape": "hv", "dash": "dash"},
            hovertemplate="best so far %{y:.4f}<extra></extra>",
        )
    for state, (name, symbol, colour) in MARKS.items():
        chosen = [row for row in rows if row.state == state and row.value is not None]
        if chosen:
            made.add_scatter(
                x=[row.number for row in chosen],
                y=[row.value for row in chosen],
                name=name,
                mode="markers",
                marker={"symbol": symbol, "size": 9, "color": look.colours[colour], "line": {"width": 2}},
                text=[_in_words(row) for row in chosen],
                hovertemplate="%{text}<extra></extra>",
            )
    last = max((row.number for row in rows), default=0)
    made.update_xaxes(range=[-0.7, last + 0.7], tickformat="d", dtick=_whole_steps(len(rows)))
    made.update_yaxes(rangemode="tozero")
    return made


def _whole_steps(trials: int) -> int:
    """The distance between two axis ticks, for about eight ticks.

    >>> [_whole_steps(trials) for trials in (3, 20, 200)]
    [1, 2, 25]
    """
    return max(1, round(trials / 8))


def importance(shares: Mapping[str, float], names: Mapping[str, str], look: Look) -> go.Figure:
    """One bar per setting: its importance. `names`: setting -> label."""
    made = figure(look, ROW * len(shares) + 70, showlegend=False)
    made.add_bar(
        x=list(shares.values()),
        y=[_label(path, names) for path in shares],
        orientation="h",
        marker={"color": look.colours[0]},
        text=[f"{share:.0%}" for share in shares.values()],
        textposition="outside",
        textfont={"color": look.text},
        cliponaxis=False,
        hovertemplate="%{text}<extra></extra>",
    )
    made.update_xaxes(range=[0, 1.15 * max(shares.values(), default=1)], showticklabels=False, showgrid=False)
    made.update_yaxes(autorange="reversed", showgrid=False)
    return made


def parallel(
    rows: Sequence[Trial],
    space: Mapping[str, FloatRange | IntRange | Choice],
    names: Mapping[str, str],
    look: Look,
) -> go.Figure:
    """Parallel coordinates with horizontal axes: one line per trial, one axis per setting, the result last.

    The better a trial, the stronger its line; the best has its own colour and markers. Horizontal axes leave room for
    the labels on a phone.
    """
    drawn = sorted((row for row in rows if row.value is not None and set(space) <= row.params.keys()), key=_value)
    made = figure(look, AXIS * (len(space) + 1) + 60, showlegend=False, hovermode="closest")
    low, high = (_value(drawn[0]), _value(drawn[-1])) if drawn else (0.0, 1.0)
    places = list(range(len(space) + 1))
    best = max((row for row in drawn if row.state == "complete"), key=_value, default=None)
    for row in drawn:
        share = (_value(row) - low) / (high - low) if high > low else 1.0
        own = row is best
        made.add_scatter(
            x=[*(position(row.params[path], kind) for path, kind in space.items()), share],
            y=places,
            mode="lines+markers" if own else "lines",
            name=f"trial {row.number}",
            text=[_in_words(row)] * len(places),
            line={"color": look.colours[1 if own else 0], "width": 3.5 if own else 1.5},
            opacity=1.0 if own else 0.2 + 0.6 * share,
            marker={"size": 8},
            hovertemplate="%{text}<extra></extra>",
        )
    ends = [_ticks(kind) for kind in space.values()] + [{0.0: f"{low:.4f}", 1.0: f"{high:.4f}"}]
    for place, ticks in enumerate(ends):
        for at, text in ticks.items():
            made.add_annotation(
                x=at,
                y=place,
                yshift=-13,
                text=shown(text),
                showarrow=False,
                xanchor="left" if at == 0 else "right" if at == 1 else "center",
                font={"size": 11, "color": look.text},
            )
    labels = [_label(path, names) for path in space]
    made.update_yaxes(tickvals=places, ticktext=[*labels, MEASURE.replace(" ", "<br>")], range=[places[-1] + 0.5, -0.4])
    made.update_xaxes(range=[-0.03, 1.03], showticklabels=False, showgrid=False)
    return made


def position(value: Value, kind: FloatRange | IntRange | Choice) -> float:
    """The position of a value on its axis, from 0 to 1.

    >>> position(0.01, FloatRange(kind="float", low=0.001, high=0.1, log=True))
    0.5
    >>> position("b", Choice(kind="choice", values=("a", "b", "c")))
    0.5
    """
    if isinstance(kind, Choice):
        return kind.values.index(value) / (len(kind.values) - 1)
    low, high, number = kind.low, kind.high, float(value)
    if kind.log:
        low, high, number = math.log(low), math.log(high), math.log(number)
    return (number - low) / (high - low)


def _ticks(kind: FloatRange | IntRange | Choice) -> dict[float, str]:
    return {position(end, kind): f"{end:g}" if isinstance(end, float) else str(end) for end in kind.ends}


def _value(row: Trial) -> float:
    return row.value or 0.0


def _in_words(row: Trial) -> str:
    lines = [f"trial {row.number}, {MARKS.get(row.state, (row.state,))[0]}: {_value(row):.4f}", *row.overrides()]
    return "<br>".join(map(shown, lines))


def _label(path: str, names: Mapping[str, str]) -> str:
    return "<br>".join(wrap(shown(names.get(path, path)), LINE))
