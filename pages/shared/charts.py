"""Draws a figure in the reader's theme."""

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
