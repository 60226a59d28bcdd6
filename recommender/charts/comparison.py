"""Charts that compare runs: curves, best values, kinds of wishes, most recommended movies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from recommender.charts.style import DASHES, Look, figure, readable_on, shown
from recommender.charts.training import Floats, decimate

PATTERNS = ("", "/", ".", "x", "-", "+")  # of bars, in the order of DASHES
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")
LABEL = 24  # letters of a name beside an axis; hovering shows the whole
ROW = 34  # pixels of a bar, with its gap


@dataclass(frozen=True)
class Mark:
    """The style of a run in every chart: a colour per architecture; dash, marker and bar pattern per trainer."""

    name: str
    colour: int = 0
    dash: int = 0

    def line(self, look: Look) -> dict[str, object]:
        return {"color": look.colours[self.colour % len(look.colours)], "dash": DASHES[self.dash], "width": 2}

    def marker(self, look: Look) -> dict[str, object]:
        colour = look.colours[self.colour % len(look.colours)]
        return {"color": colour, "symbol": SYMBOLS[self.dash], "size": 7}

    def bar(self, look: Look) -> dict[str, object]:
        colour = look.colours[self.colour % len(look.colours)]
        pattern = {"shape": PATTERNS[self.dash], "fgcolor": colour, "fillmode": "replace", "solidity": 0.45, "size": 7}
        return {"color": colour, "line": {"color": colour, "width": 1.5}, "pattern": pattern}


@dataclass(frozen=True)
class Curve:
    mark: Mark
    epochs: Floats
    values: Floats


@dataclass(frozen=True)
class Bar:
    mark: Mark
    value: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Dot:
    mark: Mark
    x: float
    y: float


def short(name: str, length: int = LABEL) -> str:
    return shown(name if len(name) <= length else name[: length - 1].rstrip() + "…")


def curves(
    look: Look,
    drawn: Sequence[Curve],
    measure: str,
    references: Mapping[str, float],
    band: Sequence[tuple[float, float, float]] = (),
    logarithmic: bool = False,
) -> go.Figure:
    """One line per run over its epochs. `references` are horizontal lines; `band` is an expected (epoch, low, high)."""
    made = figure(look, 380, hovermode="x unified", xaxis_title="epoch", yaxis_title=shown(measure))
    if band:
        _add_band(made, look, band)
    for curve in drawn:
        x, y = decimate(curve.epochs, curve.values)
        few = len(x) <= 60  # markers on every step would hide the dash
        made.add_scatter(
            x=x,
            y=y,
            name=shown(curve.mark.name),
            mode="lines+markers" if few else "lines",
            line=curve.mark.line(look),
            marker=curve.mark.marker(look),
            hovertemplate="%{y:.4f}",
        )
    last = max((x for curve in drawn for x in curve.epochs), default=1)
    for place, (name, value) in enumerate(references.items()):
        _add_reference(made, look, name, place, [0, last], [value, value])
    made.update_xaxes(range=[0, 1.02 * last])
    if logarithmic:
        made.update_yaxes(type="log", tickformat="~g", nticks=6)
    else:
        made.update_yaxes(rangemode="tozero")
    return made


def best_values(
    look: Look, bars: Sequence[Bar], measure: str, references: Mapping[str, float], published: Mapping[str, float]
) -> go.Figure:
    """One bar per run with its 95 % interval; baselines as lines, published values as marks in one row."""
    names = [bar.mark.name for bar in bars] + (["published"] if published else [])
    made = figure(look, ROW * len(names) + 150, xaxis_title=shown(measure), bargap=0.35)
    for place, bar in enumerate(bars):
        low, high = bar.interval or (bar.value, bar.value)
        made.add_bar(
            x=[bar.value],
            y=[place],
            orientation="h",
            marker=bar.mark.bar(look),
            error_x=_error(look, [bar.value], [low], [high]),
            name=shown(bar.mark.name),
            hovertemplate="%{x:.4f}",
            showlegend=False,
        )
    for place, (name, value) in enumerate(references.items()):
        _add_reference(made, look, f"{name} {value:.3f}", place, [value, value], [-0.5, len(names) - 0.5])
    if published:
        made.add_scatter(
            x=list(published.values()),
            y=[len(bars)] * len(published),
            mode="markers",
            name="published",
            marker={"symbol": "line-ns", "size": 15, "line": {"width": 2, "color": look.text}},
            text=[shown(name) for name in published],
            hovertemplate="%{text}: %{x:.4f}<extra></extra>",
            showlegend=False,
        )
    made.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[short(name) for name in names],
        range=[len(names) - 0.5, -0.5],
        showgrid=False,
    )
    made.update_xaxes(rangemode="tozero")
    return made


def slices(look: Look, frames: Sequence[tuple[Mark, pd.DataFrame]], measure: str) -> go.Figure:
    """Grouped bars with 95 % intervals. Each frame holds a run's `slice`, `examples`, `value`, `low`, `high`."""
    made = figure(look, 340, yaxis_title=shown(measure), barmode="group", bargap=0.25, bargroupgap=0.08)
    for mark, frame in frames:
        parts = zip(frame["slice"], frame["examples"], strict=True)
        made.add_bar(
            x=[f"{shown(str(name)).replace(' (', '<br>(')}<br>{count:,} wishes" for name, count in parts],
            y=frame["value"],
            error_y=_error(look, *(frame[column].tolist() for column in ("value", "low", "high"))),
            name=shown(mark.name),
            marker=mark.bar(look),
            hovertemplate="%{y:.4f}",
        )
    made.update_yaxes(rangemode="tozero")
    made.update_xaxes(showgrid=False, tickangle=0, tickfont_size=11)
    return made


def small_bars(look: Look, bars: Sequence[Bar], form: str) -> go.Figure:
    """One measure of all runs, with the value beside each bar. `form` is a format such as `".1%"`."""
    made = figure(look, ROW * len(bars) + 30, bargap=0.35, showlegend=False)
    for place, bar in enumerate(bars):
        made.add_bar(
            x=[bar.value],
            y=[place],
            orientation="h",
            marker=bar.mark.bar(look),
            name=shown(bar.mark.name),
            text=[format(bar.value, form)],
            textposition="outside",
            cliponaxis=False,
            textfont={"color": look.text},
            hovertemplate=f"%{{x:{form}}}",
        )
    most = max((bar.value for bar in bars), default=1.0)
    made.update_xaxes(visible=False, range=[0, most * 1.3 or 1])
    made.update_yaxes(
        tickvals=list(range(len(bars))),
        ticktext=[short(bar.mark.name) for bar in bars],
        autorange="reversed",
        showgrid=False,
    )
    made.update_layout(margin_t=8)
    return made


def dots(look: Look, drawn: Sequence[Dot], titles: tuple[str, str], references: Mapping[str, float]) -> go.Figure:
    """One dot per run, both axes from 0. `titles` of the axes; `references` are vertical lines, name -> x."""
    # A phone shows a line of the legend for each run.
    height = 300 + 22 * len(drawn)
    made = figure(look, height, xaxis_title=shown(titles[0]), yaxis_title=shown(titles[1]), margin_t=8)
    top = 1.15 * max((dot.y for dot in drawn), default=0.0) or 1.0
    for dot in drawn:
        made.add_scatter(
            x=[dot.x],
            y=[dot.y],
            name=shown(dot.mark.name),
            mode="markers",
            marker=dot.mark.marker(look) | {"size": 13},
            cliponaxis=False,
            hovertemplate="%{x:.0f}, %{y:.4f}",
        )
    for place, (name, value) in enumerate(references.items()):
        _add_reference(made, look, f"{name} ({value:.0f})", place, [value, value], [0, top])
    made.update_xaxes(rangemode="tozero")
    made.update_yaxes(range=[0, top])
    return made


def heat_map(look: Look, shares: pd.DataFrame) -> go.Figure:
    """Titles x runs: the percentage of wishes with the movie in the top ten."""
    percent = np.round(shares.to_numpy(dtype=float) * 100, 1)
    made = figure(look, 26 * len(shares) + 110)
    made.add_heatmap(
        z=percent,
        x=list(range(shares.shape[1])),
        y=list(range(len(shares))),
        zmin=0,
        zmax=100,
        colorscale=[[0.0, look.empty], [1.0, look.colours[0]]],
        showscale=False,
        xgap=2,
        ygap=2,
        customdata=[[(shown(str(title)), shown(str(run))) for run in shares.columns] for title in shares.index],
        hovertemplate="%{customdata[0]}: in %{z:.1f} % of the top tens of %{customdata[1]}<extra></extra>",
    )
    rows, columns = np.indices(percent.shape)
    made.add_scatter(
        x=columns.ravel(),
        y=rows.ravel(),
        text=[f"{value:.0f}" for value in percent.ravel()],
        mode="text",
        textfont={"color": [readable_on(value / 100, look) for value in percent.ravel()]},
        hoverinfo="skip",
        showlegend=False,
    )
    made.update_yaxes(
        tickvals=list(range(len(shares))),
        ticktext=[short(str(title), 30) for title in shares.index],
        autorange="reversed",
        showgrid=False,
    )
    made.update_xaxes(
        tickvals=list(range(shares.shape[1])),
        ticktext=[short(str(run)) for run in shares.columns],
        side="top",
        showgrid=False,
    )
    return made


def _add_band(made: go.Figure, look: Look, band: Sequence[tuple[float, float, float]]) -> None:
    epochs = [epoch for epoch, _, _ in band]
    edges = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    made.add_scatter(x=epochs, y=[low for _, low, _ in band], showlegend=False, **edges)
    made.add_scatter(
        x=epochs,
        y=[high for _, _, high in band],
        fill="tonexty",
        name="expected of the weighted trainer",
        opacity=0.5,
        **edges,
    )
    made.data[-1].fillcolor = "rgba(128,128,128,0.22)"


def _add_reference(made: go.Figure, look: Look, name: str, place: int, x: Sequence[float], y: Sequence[float]) -> None:
    dash = DASHES[1:][place % len(DASHES[1:])]
    made.add_scatter(
        x=x,
        y=y,
        mode="lines",
        name=shown(name),
        line={"color": look.faint, "dash": dash, "width": 1.5},
        hoverinfo="name",
    )


def _error(look: Look, values: Sequence[float], lows: Sequence[float], highs: Sequence[float]) -> dict[str, object]:
    """Whiskers from the lows to the highs."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value for value, high in zip(values, highs, strict=True)],
        "arrayminus": [value - low for value, low in zip(values, lows, strict=True)],
        "color": look.text,
        "thickness": 1.3,
        "width": 4,
    }
