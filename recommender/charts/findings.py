"""Charts of the experiments: the effect of each cause, the spread over seeds, gradient norms of the losses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean
from textwrap import wrap

import plotly.graph_objects as go

from recommender.charts.style import Look, figure, shown
from recommender.charts.training import Floats

ROW = 34  # pixels of a row with its gap
LINE = 20  # letters of a row's name, so that a phone has room for the bars


@dataclass(frozen=True)
class Step:
    """One correction: the score of each seed after it, and that of popularity under the same protocol."""

    name: str
    values: tuple[float, ...]
    popularity: float

    @property
    def value(self) -> float:
        """The mean of the seeds."""
        return mean(self.values)


def waterfall(steps: Sequence[Step], measure: str, look: Look) -> go.Figure:
    """Waterfall from the first score to the last, with popularity as a mark in each row."""
    values = [step.value for step in steps]
    changes = [values[0], *(after - before for before, after in pairwise(values))]
    names = ["<br>".join(wrap(shown(step.name), LINE)) for step in steps]
    made = figure(look, ROW * len(steps) + 160, xaxis_title=shown(measure))
    made.add_waterfall(
        x=changes,
        y=names,
        orientation="h",
        measure=["absolute", *["relative"] * (len(steps) - 1)],
        customdata=[(step.value, min(step.values), max(step.values)) for step in steps],
        hovertemplate="%{customdata[0]:.4f} (seeds %{customdata[1]:.4f} to %{customdata[2]:.4f})<extra></extra>",
        connector={"line": {"color": look.faint, "width": 1}},
        totals={"marker": {"color": look.faint}},
        increasing={"marker": {"color": look.colours[0]}},
        decreasing={"marker": {"color": look.colours[1]}},
        showlegend=False,
    )
    made.add_scatter(
        x=[step.popularity for step in steps],
        y=names,
        mode="markers",
        name="popularity, same protocol",
        marker={"symbol": "line-ns-open", "size": 26, "color": look.text, "line": {"width": 2}},
        hovertemplate="%{x:.4f}",
    )
    made.add_scatter(
        x=[max(values[0], steps[0].popularity), *(max(pair) for pair in pairwise(values))],
        y=names,
        text=[f"  {values[0]:.3f}", *(f"  {_signed(change)}" for change in changes[1:])],
        mode="text",
        textposition="middle right",
        textfont={"color": look.text},
        hoverinfo="skip",
        cliponaxis=False,
        showlegend=False,
    )
    made.update_xaxes(range=[0, 1.3 * max(values)])
    made.update_yaxes(autorange="reversed", showgrid=False)
    return made


def _signed(change: float) -> str:
    return f"{change:+.3f}" if abs(change) >= 0.0005 else "±0"


def seeds(groups: Mapping[str, Sequence[float]], popularity: float, measure: str, look: Look) -> go.Figure:
    """One dot per seed, one row per group; popularity as a line."""
    made = figure(look, ROW * len(groups) + 110, showlegend=False, xaxis_title=shown(measure))
    for place, (name, values) in enumerate(groups.items()):
        made.add_scatter(
            x=list(values),
            y=[place] * len(values),
            mode="markers",
            name=shown(name),
            marker={"color": look.colours[0], "size": 10, "opacity": 0.8},
            hovertemplate="%{x:.4f}",
        )
    made.add_vline(popularity, line={"color": look.faint, "dash": "dash", "width": 1.5})
    made.add_annotation(
        x=popularity, y=1, yref="paper", yanchor="bottom", text=f"popularity {popularity:.3f}", showarrow=False
    )
    made.update_yaxes(
        tickvals=list(range(len(groups))),
        ticktext=[shown(name) for name in groups],
        range=[len(groups) - 0.5, -0.5],
    )
    return made


def gradient_norms(curves: Mapping[tuple[str, str], tuple[Floats, Floats]], look: Look) -> go.Figure:
    """Gradient norms at the encoder by epoch, logarithmic. `curves`: (loss, run) -> epochs and norms. One colour per
    loss, one dash per run."""
    made = figure(look, 360, xaxis_title="epoch", yaxis_title="gradient norm at the encoder")
    losses, runs = (list(dict.fromkeys(key[part] for key in curves)) for part in (0, 1))
    for (loss, run), (epochs, norms) in curves.items():
        made.add_scatter(
            x=epochs,
            y=norms,
            mode="lines",
            name=shown(f"{loss}, {run}"),
            line={"color": look.colours[losses.index(loss)], "width": 2, "dash": ("solid", "dot")[runs.index(run)]},
            hovertemplate="%{y:.2g}",
        )
    made.update_yaxes(type="log", exponentformat="power")
    return made
