"""Charts of the data: histograms, the long tail, genres, decades, and earlier scores."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from recommender.charts.style import Look, figure
from recommender.config import Protocol
from recommender.data.facts import Group

SMALL, MEDIUM = 240, 300  # heights, pixels
ROW = 26  # of a bar with its gap
HATCHED = "/"
LABELLED = 1.35  # an axis so much longer than the longest bar has room for the bar's label


@dataclass(frozen=True)
class Score:
    """A score of a system. `trained` is False for counts and copies, which learn nothing."""

    system: str
    protocol: Protocol
    value: float
    trained: bool


def histogram(counts: Mapping[int, int], last: int, unit: str, look: Look) -> go.Figure:
    """Histogram of `counts` (value -> number of conversations). Values from `last` on share one bar."""
    within = {value: count for value, count in counts.items() if value < last}
    beyond = sum(count for value, count in counts.items() if value >= last)
    made = figure(look, SMALL, xaxis_title=unit, yaxis_title="conversations", showlegend=False, bargap=0.1)
    made.add_bar(
        x=[*within, last],
        y=[*within.values(), beyond],
        customdata=[*map(str, within), f"{last} or more"],
        hovertemplate=f"%{{customdata}} {unit}: %{{y:,}} conversations<extra></extra>",
        marker_color=look.colours[0],
    )
    ticks = range(0, last, 10 if last > 20 else 2)
    made.update_xaxes(tickvals=[*ticks, last], ticktext=[*map(str, ticks), f"{last}+"], ticklabeloverflow="allow")
    return made


def long_tail(popularity: Mapping[int, int], look: Look) -> go.Figure:
    """The cumulative share of mentions, by number of movies, most named first."""
    movies, shares = cumulative_shares(popularity)
    half = movies_for(popularity, 0.5)
    made = figure(look, MEDIUM, xaxis_title="movies, the most named first", showlegend=False)
    made.add_scatter(
        x=movies,
        y=shares,
        mode="lines",
        fill="tozeroy",
        line={"color": look.colours[0], "width": 2.5},
        hovertemplate="%{x:,} movies: %{y:.0%} of all mentions<extra></extra>",
    )
    marker = {"color": look.colours[1], "size": 11, "symbol": "diamond"}
    made.add_scatter(x=[half], y=[0.5], mode="markers", marker=marker, hoverinfo="skip")
    label = f"{half:,} movies: half of all mentions"
    made.add_annotation(x=half, y=0.5, text=label, showarrow=False, xanchor="left", xshift=12, font_color=look.text)
    made.update_xaxes(range=[0, movies[-1]], tickformat=",")
    made.update_yaxes(title_text="share of all mentions", range=[0, 1.02], tickformat=".0%")
    return made


def cumulative_shares(popularity: Mapping[int, int]) -> tuple[list[int], list[float]]:
    """The points of the curve, from (0, 0.0) to (all, 1.0). `popularity`: mentions -> number of movies."""
    total = _mentions(popularity)
    movies, shares = [0], [0.0]
    held = 0
    for mentions, count in sorted(popularity.items(), reverse=True):
        held += mentions * count
        movies.append(movies[-1] + count)
        shares.append(held / total)
    return movies, shares


def movies_for(popularity: Mapping[int, int], share: float) -> int:
    """How many of the most named movies account for at least this share of all mentions."""
    missing = share * _mentions(popularity)
    taken = 0
    for mentions, count in sorted(popularity.items(), reverse=True):
        if mentions * count >= missing:
            return taken + math.ceil(missing / mentions)
        missing -= mentions * count
        taken += count
    return taken


def _mentions(popularity: Mapping[int, int]) -> int:
    return sum(mentions * count for mentions, count in popularity.items())


def genres(groups: Mapping[str, Group], total: int, look: Look) -> go.Figure:
    """The share of all mentions (`total`) that each genre has. A movie counts for each of its genres."""
    names = list(groups)
    shares = [groups[name].mentions / total for name in names]
    made = figure(look, ROW * len(names) + 40, showlegend=False, bargap=0.25)
    made.add_bar(
        x=shares,
        y=names,
        orientation="h",
        customdata=[groups[name].movies for name in names],
        texttemplate="%{x:.0%}",
        textposition="outside",
        hovertemplate="%{y}: %{x:.1%} of all mentions, %{customdata:,} movies<extra></extra>",
        marker_color=look.colours[0],
    )
    made.update_xaxes(visible=False, range=[0, LABELLED * max(shares)])
    made.update_yaxes(autorange="reversed")
    return made


def decades(groups: Mapping[int, Group], look: Look) -> go.Figure:
    """Movies and mentions by decade; the first bar includes all earlier decades."""
    made = figure(look, ROW * len(groups) + 66, bargap=0.25, bargroupgap=0.1)
    names = [f"{decade}s" for decade in groups]
    names[0] = f"to the {names[0]}"
    for place, kind in enumerate(("movies", "mentions")):
        counts = [getattr(group, kind) for group in groups.values()]
        made.add_bar(
            x=[count / sum(counts) for count in counts],
            y=names,
            orientation="h",
            name=f"of all {kind}",
            marker={"color": look.colours[place], "pattern_shape": HATCHED if place else ""},
            hovertemplate=f"%{{y}}: %{{x:.1%}} of all {kind}<extra></extra>",
        )
    made.update_xaxes(tickformat=".0%")
    made.update_yaxes(autorange="reversed")
    return made


def scores(rows: Sequence[Score], metric: str, look: Look) -> go.Figure:
    """One bar per score, grouped by protocol; hatched if nothing was trained."""
    made = figure(look, ROW * len(rows) + 80, bargap=0.3, barmode="overlay")
    order = [[row.protocol for row in rows], [row.system for row in rows]]
    for trained, name in ((True, "trained models"), (False, "no training")):
        made.add_bar(
            x=[row.value if row.trained == trained else None for row in rows],
            y=order,
            orientation="h",
            name=name,
            text=[f"{row.value:.3f}" if row.trained == trained else "" for row in rows],
            textposition="outside",
            hovertemplate=f"%{{y}}: {metric} %{{x:.4f}}<extra></extra>",
            marker={"color": look.colours[not trained], "pattern_shape": "" if trained else HATCHED},
        )
    made.update_yaxes(autorange="reversed")
    made.update_xaxes(range=[0, LABELLED * max(row.value for row in rows)])
    return made
