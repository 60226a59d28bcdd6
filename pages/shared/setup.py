"""What every page does first, and the names that the pages share."""

from enum import StrEnum

import streamlit as st
from streamlit.navigation.page import Page

from recommender.settings import ROOT

APP_NAME = "Reelwish"
ICON = "🎬"


class Key(StrEnum):
    """The session's keys."""

    NAVIGATED = "navigated"
    CONVERSATION = "conversation"
    TYPED = "typed"
    RUN_ID = "run_id"


def navigation() -> Page:
    """The pages. A default page has no address but `/`, so that page is a hidden twin of `/recommend`."""
    st.session_state[Key.NAVIGATED] = True
    recommend = ROOT / "pages" / "recommend.py"
    return st.navigation(
        [
            st.Page(recommend, title="Recommend", url_path="home", default=True, visibility="hidden"),
            st.Page(recommend, title="Recommend", url_path="recommend", icon=":material/movie:"),
        ]
    )


def set_up(title: str) -> None:
    """Every page calls this first; calling it again changes nothing.

    When the first request after a server start asks for a page by its address, Streamlit runs that page alone, with a
    navigation made of file names. `st.navigation` puts an end to that, for this run and every later one.
    """
    st.set_page_config(page_title=f"{title} · {APP_NAME}", page_icon=ICON)
    if Key.NAVIGATED not in st.session_state:
        navigation()
