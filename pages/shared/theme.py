"""Draws the page again when the reader changes between light and dark, since figures carry the colours of one."""

import streamlit as st

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
