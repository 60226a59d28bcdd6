"""Pictures of rankings: how movies move between two of them, what a score is made of, which words mattered."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from recommender.charts.style import Look, figure, shown
from recommender.data.catalog import YEAR

ROW_HEIGHT = 30  # pixels
LITTLE = 0.01  # of a score
LABEL_LENGTH = 18  # letters of a title: two of them fit beside the lines on a phone
PATTERNS = ("", "/", ".", "x")  # of the parts of a score, so that they differ without colour


def slope(left: Sequence[str], right: Sequence[str], left_name: str, right_name: str, look: Look) -> go.Figure:
    """Slope chart of two rankings, best first: a line for every title in both, a marker for the others.

    Rising, falling and unchanged titles differ in colour and dash.
    """
    rows = max(len(left), len(right), 1)
    places = {title: rank for rank, title in enumerate(right, start=1)}
    pairs = [(title, rank, places[title]) for rank, title in enumerate(left, start=1) if title in places]
    made = figure(look, ROW_HEIGHT * rows + 90, showlegend=True, hovermode="closest")
    kinds = (
        (f"higher in {right_name}", [pair for pair in pairs if pair[2] < pair[1]], look.colours[0], "solid"),
        (f"lower in {right_name}", [pair for pair in pairs if pair[2] > pair[1]], look.colours[1], "dash"),
        ("same rank", [pair for pair in pairs if pair[2] == pair[1]], look.faint, "dot"),
    )
    for name, moved, colour, dash in kinds:
        if moved:
            made.add_trace(_lines(name, moved, colour, dash))
    leaving = [(title, rank) for rank, title in enumerate(left, start=1) if title not in places]
    entering = [(title, rank) for rank, title in enumerate(right, start=1) if title not in left]
    if leaving:
        made.add_trace(_alone(f"only in {left_name}", leaving, 0, "x", look))
    if entering:
        made.add_trace(_alone(f"only in {right_name}", entering, 1, "diamond-open", look))
    made.add_trace(go.Scatter(x=[], y=[], yaxis="y2", showlegend=False))  # an axis without a trace is not drawn
    made.update_xaxes(
        range=[-0.06, 1.06],
        side="top",
        tickvals=[0, 1],
        ticktext=[_short(left_name), _short(right_name)],
        showgrid=False,
    )
    axis = {"range": [rows + 0.5, 0.5], "showgrid": False, "zeroline": False, "automargin": True, "ticks": ""}
    axis |= {"tickfont": {"size": 11, "color": look.text}}
    made.update_layout(
        yaxis={**axis, **_titles(left)}, yaxis2={**axis, **_titles(right), "overlaying": "y", "side": "right"}
    )
    return made


def moves_in_words(left: Sequence[str], right: Sequence[str], left_name: str, right_name: str) -> str:
    """The slope chart in a sentence or two."""
    both = [title for title in left if title in right]
    same = sum(left.index(title) == right.index(title) for title in both)
    sentence = f"{left_name} and {right_name} share {len(both)} of {len(left)} movies, {same} at the same rank."
    if not left or not right:
        return sentence
    if left[0] == right[0]:
        return f"{sentence} Both put {left[0]} first."
    return f"{sentence} {left_name} puts {left[0]} first, {right_name} {right[0]}."


def shares(parts: Mapping[str, float]) -> dict[str, str]:
    """A sentence for each part of a score: its size, and its share of the sum of all absolute contributions.

    >>> shares({"Your words": 3.0, "What you ruled out": -1.0})["What you ruled out"]
    'What you ruled out: -1.00, lowers the score (25%).'
    """
    whole = sum(map(abs, parts.values()))
    return {name: _share(name, value, whole) for name, value in parts.items()}


def _share(name: str, value: float, whole: float) -> str:
    if not value:
        return f"{name}: nothing."
    direction = "raises the score" if value > 0 else "lowers the score"
    share = abs(value) / whole
    if share < LITTLE:
        return f"{name}: {value:+.2f}, negligible."
    percent = f"{share:.0%}"
    return f"{name}: {value:+.2f}, {direction} ({percent})."


def score_bar(parts: Mapping[str, float], look: Look) -> go.Figure:
    """The parts of a score as a stacked bar: positive parts right of zero, negative parts left."""
    # Room below for the legend's four lines on a phone.
    made = figure(look, 160, barmode="relative", showlegend=True, margin={"l": 8, "r": 8, "t": 8, "b": 96})
    for (name, value), colour, pattern in zip(parts.items(), look.colours, PATTERNS, strict=False):
        if value:
            text = f"{name} {value:+.2f}"
            marker = {"color": colour, "pattern": {"shape": pattern, "fillmode": "replace", "size": 6, "solidity": 0.5}}
            hover = f"{text}<extra></extra>"
            made.add_trace(go.Bar(x=[value], y=[""], orientation="h", name=text, marker=marker, hovertemplate=hover))
    made.add_vline(0, line={"color": look.text, "width": 1})
    made.update_layout(legend={"x": 0, "itemclick": False, "itemdoubleclick": False, "maxheight": 100})
    made.update_xaxes(visible=False)
    made.update_yaxes(visible=False)
    return made


def word_bars(words: Sequence[tuple[str, float]], look: Look) -> go.Figure:
    """The contribution of each word to a score, first word on top; negative ones are hatched."""
    made = figure(look, ROW_HEIGHT * len(words) + 40, showlegend=False, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    rows = list(range(len(words)))
    values = [value for _, value in words]
    marker = {
        "color": [look.colours[0] if value > 0 else look.colours[1] for value in values],
        "pattern": {"shape": ["" if value > 0 else "/" for value in values], "fillmode": "replace", "solidity": 0.5},
    }
    made.add_trace(go.Bar(x=values, y=rows, orientation="h", marker=marker, hoverinfo="skip"))
    made.add_vline(0, line={"color": look.text, "width": 1})
    made.update_xaxes(visible=False)
    labels = [f"{_short(word)} {value:+.2f}" for word, value in words]
    made.update_yaxes(tickvals=rows, ticktext=labels, autorange="reversed", showgrid=False)
    return made


def _lines(name: str, moved: Sequence[tuple[str, int, int]], colour: str, dash: str) -> go.Scatter:
    xs: list[int | None] = []
    ys: list[int | None] = []
    texts: list[str] = []
    for title, start, end in moved:
        xs += [0, 1, None]
        ys += [start, end, None]
        texts += [f"{shown(title)}: {start} → {end}"] * 3
    line = {"color": colour, "dash": dash, "width": 2}
    return go.Scatter(
        x=xs, y=ys, name=shown(name), mode="lines+markers", line=line, marker={"size": 8, "color": colour}, text=texts,
        hovertemplate="%{text}<extra></extra>", cliponaxis=False,
    )  # fmt: skip


def _alone(name: str, titles: Sequence[tuple[str, int]], side: int, symbol: str, look: Look) -> go.Scatter:
    return go.Scatter(
        x=[side] * len(titles), y=[rank for _, rank in titles], name=shown(name), mode="markers",
        marker={"symbol": symbol, "size": 9, "color": look.colours[2]}, text=[shown(title) for title, _ in titles],
        hovertemplate="%{text}: " + shown(name) + "<extra></extra>", cliponaxis=False,
    )  # fmt: skip


def _titles(titles: Sequence[str]) -> dict[str, Any]:
    ranks = range(1, len(titles) + 1)
    return {
        "tickvals": list(ranks),
        "ticktext": [f"{rank}. {_short(title)}" for rank, title in zip(ranks, titles, strict=True)],
    }


def _short(text: str) -> str:
    """A label; where it is too long, the year goes first."""
    if len(text) > LABEL_LENGTH:
        text = YEAR.sub("", text)
    return shown(text if len(text) <= LABEL_LENGTH else f"{text[: LABEL_LENGTH - 1].rstrip()}…")
