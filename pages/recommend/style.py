"""The few looks that Streamlit has no option for. Without them the page says the same, only louder."""

import streamlit as st

# Buttons of a card: what stands in italics is the movie's title, which is read aloud and not shown. Quiet menus: while
# one is open, Streamlit darkens its name, which leaves no contrast on a dark page.
STYLE = """
<style>
[class*="st-key-actions-"] button em {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
[class*="st-key-actions-"] button { min-height: 0; padding: 0.15rem 0; }
[class*="st-key-actions-"] button p { font-size: 0.875rem; }
.st-key-also button, .st-key-data button, [class*="st-key-change-"] button { color: inherit !important; }
</style>
"""


def apply_style() -> None:
    st.html(STYLE)
