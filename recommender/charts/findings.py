"""Pictures of the experiments: what each cause adds, and how much seeds differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import plotly.graph_objects as go

from recommender.charts.style import Look, figure, shown

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
    changes = [steps[0].value, *(after.value - before.value for before, after in pairwise(steps))]
    made = figure(look, ROW * len(steps) + 120, showlegend=False, xaxis_title=shown(measure))
    made.add_waterfall(
        x=changes,
        y=[shown(step.name) for step in steps],
        orientation="h",
        measure=["absolute", *["relative"] * (len(steps) - 1)],
        text=[f"{steps[0].value:.3f}", *(f"{change:+.3f}" for change in changes[1:])],
        textposition="outside",
        textfont={"color": look.text},
        customdata=[(step.value, step.low, step.high) for step in steps],
        hovertemplate="%{customdata[0]:.4f} (seeds %{customdata[1]:.4f} to %{customdata[2]:.4f})<extra></extra>",
        connector={"line": {"color": look.faint, "width": 1}},
        totals={"marker": {"color": look.faint}},
        increasing={"marker": {"color": look.colours[0]}},
        decreasing={"marker": {"color": look.colours[1]}},
        cliponaxis=False,
    )
    highest = max([step.value for step in steps] + list(lines.values()))
    for name, value in lines.items():
        made.add_vline(value, line={"color": look.faint, "dash": "dash", "width": 1.5})
        made.add_annotation(
            x=value, y=1, yref="paper", yanchor="bottom", text=shown(f"{name} {value:.3f}"), showarrow=False
        )
    made.update_xaxes(range=[0, 1.2 * highest])
    made.update_yaxes(autorange="reversed", showgrid=False)
    return made


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
    for name, value in lines.items():
        made.add_vline(value, line={"color": look.faint, "dash": "dash", "width": 1.5})
        made.add_annotation(
            x=value, y=1, yref="paper", yanchor="bottom", text=shown(f"{name} {value:.3f}"), showarrow=False
        )
    made.update_yaxes(
        tickvals=list(range(len(groups))),
        ticktext=[shown(name) for name in groups],
        range=[len(groups) - 0.5, -0.5],
    )
    return made
