"""Draws figures in the reader's theme, and redraws the page when the theme changes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from recommender.charts.style import Look, look_of

if TYPE_CHECKING:
    import plotly.graph_objects as go


def draw(make: "Callable[[Look], go.Figure]", key: str, alt: str) -> None:
    """Draw the figure that `make` returns for the reader's theme. `alt` describes it in one sentence."""
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
    """Rerun when the reader switches between light and dark. Adds an element without height: call it last."""
    _compare_with_browser(data=st.context.theme.type, key="theme")
