"""Draws figures in the reader's theme, and the page again when that changes: a figure carries the colours of one."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from recommender.charts.style import Look, look_of

if TYPE_CHECKING:
    import plotly.graph_objects as go


def draw(make: "Callable[[Look], go.Figure]", key: str, alt: str) -> None:
    """Draw what `make` makes in the look of the reader's theme. `alt` says in one sentence what the picture shows."""
    dark = st.context.theme.type == "dark"
    st.plotly_chart(
        make(look_of(dark)),
        key=key,
        alt=alt,
        config={
            "displaylogo": False,
            "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
            "toImageButtonOptions": {"format": "svg", "filename": key},
        },
    )


# Streamlit calls this again after each change of theme. A state, unlike a trigger, cannot go round in circles.
_compare_with_browser = st.components.v2.component(
    "reelwish.theme",
    js="""
export default function ({ data, setStateValue }) {
  const shown = getComputedStyle(document.querySelector("[data-testid=stApp]")).colorScheme;
  if (data && shown !== data) setStateValue("shown", shown);
}
""",
)


def follow_theme() -> None:
    """Adds an element of no height: call it after all else."""
    _compare_with_browser(data=st.context.theme.type, key="theme")
