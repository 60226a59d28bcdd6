"""Pictures of the experiments: what each cause adds, how much seeds differ, and which loss pulls at the encoder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap

import plotly.graph_objects as go

from recommender.charts.style import Look, figure, shown
from recommender.charts.training import Floats

ROW = 34  # pixels of a row with its gap


@dataclass(frozen=True)
class Step:
    """One thing that was put right, and the figure after it: the mean of the seeds, the lowest and the highest."""

    name: str
    value: float
    low: float
    high: float


def waterfall(steps: Sequence[Step], lines: Mapping[str, float], measure: str, look: Look) -> go.Figure:
    """From the first figure step by step to the last. `lines` are drawn across."""
    values = [step.value for step in steps]
    changes = [values[0], *(after - before for before, after in pairwise(values))]
    names = [_in_lines(shown(step.name)) for step in steps]
    made = figure(look, ROW * len(steps) + 150, showlegend=False, xaxis_title=shown(measure))
    made.add_waterfall(
        x=changes,
        y=names,
        orientation="h",
        measure=["absolute", *["relative"] * (len(steps) - 1)],
        customdata=[(step.value, step.low, step.high) for step in steps],
        hovertemplate="%{customdata[0]:.4f} (seeds %{customdata[1]:.4f} to %{customdata[2]:.4f})<extra></extra>",
        connector={"line": {"color": look.faint, "width": 1}},
        totals={"marker": {"color": look.faint}},
        increasing={"marker": {"color": look.colours[0]}},
        decreasing={"marker": {"color": look.colours[1]}},
    )
    made.add_scatter(
        x=[values[0], *(max(pair) for pair in pairwise(values))],
        y=names,
        text=[f" {values[0]:.3f}", *(f" {_signed(change)}" for change in changes[1:])],
        mode="text",
        textposition="middle right",
        textfont={"color": look.text},
        hoverinfo="skip",
        cliponaxis=False,
    )
    _draw_lines(made, lines, look)
    made.update_xaxes(range=[0, 1.3 * max([*values, *lines.values()])])
    made.update_yaxes(autorange="reversed", showgrid=False)
    return made


def _signed(change: float) -> str:
    return f"{change:+.3f}" if abs(change) >= 0.0005 else "±0"


def _in_lines(name: str) -> str:
    """In two lines where it is long, so that a phone has room for the bars."""
    return "<br>".join(wrap(name, 20))


def _draw_lines(made: go.Figure, lines: Mapping[str, float], look: Look) -> None:
    """Each across the bars, its name above; one name a row, since they may stand close together."""
    for place, (name, value) in enumerate(lines.items()):
        made.add_vline(value, line={"color": look.faint, "dash": "dash", "width": 1.5})
        made.add_annotation(
            x=value,
            y=1,
            yref="paper",
            yanchor="bottom",
            yshift=16 * place,
            text=shown(f"{name} {value:.3f}"),
            showarrow=False,
        )


def seeds(groups: Mapping[str, Sequence[float]], lines: Mapping[str, float], measure: str, look: Look) -> go.Figure:
    """A dot for each seed of each group, in its row. `lines` are drawn across."""
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
    _draw_lines(made, lines, look)
    made.update_yaxes(
        tickvals=list(range(len(groups))),
        ticktext=[shown(name) for name in groups],
        range=[len(groups) - 0.5, -0.5],
    )
    return made


def pulls(curves: Mapping[str, tuple[Floats, Floats]], look: Look) -> go.Figure:
    """The norm of each loss's gradient at the encoder over the epochs, on a logarithmic axis."""
    made = figure(look, 360, xaxis_title="epoch", yaxis_title="gradient norm at the encoder")
    for place, (name, (epochs, norms)) in enumerate(curves.items()):
        made.add_scatter(
            x=epochs,
            y=norms,
            mode="lines",
            name=shown(name),
            line={"color": look.colours[place % len(look.colours)], "width": 2, "dash": ("solid", "dash")[place % 2]},
            hovertemplate="%{y:.2g}",
        )
    made.update_yaxes(type="log", exponentformat="power")
    return made
