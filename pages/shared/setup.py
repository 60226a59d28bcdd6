"""The pages' navigation, titles and session keys."""

from enum import StrEnum

import streamlit as st
from streamlit.navigation.page import Page
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.shared.imports import import_slow
from recommender.settings import ROOT

APP_NAME = "Reelwish"
MARK = ROOT / "pages" / "shared" / "mark.svg"  # its colour has contrast on both backgrounds
LOGO = ROOT / "pages" / "shared" / "logo.svg"


class Key(StrEnum):
    """The session's keys."""

    CONVERSATION = "conversation"
    RUN_ID = "run_id"
    COMPARE_RUNS = "compare_runs"  # run ids to begin a comparison with
    TRAIN_TAB = "train_tab"
    TRAIN_RUN = "train_run"  # the run whose curves are shown
    TRAIN_STUDY = "train_study"  # the study that is shown
    TRAIN_SAVED = "train_saved"  # the preset that was made just now
    TRAIN_PROBLEM = "train_problem"  # why the last action on Train failed
    TRAIN_NEXT = "train_next"  # session values to set before Train is drawn, left by a callback
    TRAIN_ASKED = "train_asked"  # settings whose trial the user asked for
    TRAIN_STOPPING = "train_stopping"  # runs that were asked to stop


def navigation() -> Page:
    """The page that was asked for. A default page has no address but `/`, so it is a hidden twin of `/recommend`."""
    # Before the navigation: without an icon of its own a page would fetch the one of its link from a server abroad.
    st.set_page_config(page_icon=MARK)
    st.logo(LOGO)
    recommend = ROOT / "pages" / "recommend.py"
    return st.navigation(
        [
            st.Page(recommend, title="Recommend", url_path="home", default=True, visibility="hidden"),
            st.Page(recommend, title="Recommend", url_path="recommend", icon=":material/movie:"),
            st.Page(ROOT / "pages" / "train.py", title="Train", url_path="train", icon=":material/show_chart:"),
            st.Page(ROOT / "pages" / "compare.py", title="Compare", url_path="compare", icon=":material/balance:"),
            st.Page(ROOT / "pages" / "about.py", title="About", url_path="about", icon=":material/info:"),
        ],
        position="top",
    )


def set_up(title: str) -> None:
    """Every page calls this first."""
    st.set_page_config(page_title=f"{title} · {APP_NAME}")


def finish_imports() -> None:
    """Wait for the slow imports; a page calls this below its heading. Only the first visitors after a start wait."""
    with st.spinner("Starting…"):
        import_slow()


def went_through_history() -> bool:
    """Whether Back or Forward led here, so that the address is older than the session's state."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation
