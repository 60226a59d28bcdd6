"""Who is using this browser: a random id and nothing else, so that remarks are found again; and where they are kept."""

import re
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

import streamlit as st

from pages.shared.callback import whole
from pages.shared.imports import import_slow
from recommender.errors import RecommenderError
from recommender.settings import settings

if TYPE_CHECKING:
    from recommender.query.feedback import Feedback

PERSON, BROWSER = "person", "browser"  # keys of the session
ID = re.compile(r"[0-9a-f]{32}")

# A browser without an id takes the session's, so that only one that comes back has something to say. It says it once:
# after that the session's id is its own. Where nothing can be stored, the session's id stands.
_ask_browser = st.components.v2.component(
    "reelwish.person",
    js="""
export default function ({ data, setStateValue }) {
  try {
    const kept = localStorage.getItem("reelwish-person");
    if (!/^[0-9a-f]{32}$/.test(kept)) localStorage.setItem("reelwish-person", data);
    else if (kept !== data) setStateValue("person", kept);
  } catch {
    // Storage is switched off.
  }
}
""",
)


def person() -> str:
    """The id under which this browser's remarks are kept; the session's own until the browser has named another."""
    return st.session_state.setdefault(PERSON, uuid4().hex)


def keep_person() -> None:
    """Have the browser keep its id, or name the one it kept. A page calls this last: it adds an element of no height.

    In a read-only demo no remark is kept, so that no id is either.
    """
    if not settings().read_only:
        _ask_browser(data=person(), key=BROWSER, on_person_change=_adopt)


@whole
def _adopt() -> None:
    named, until_now = st.session_state[BROWSER].get("person"), person()
    if not (isinstance(named, str) and ID.fullmatch(named)):
        return
    st.session_state[PERSON] = named
    with suppress(RecommenderError):  # the page tells of a database that fails when it reads the remarks
        feedback().hand_over(until_now, named)


@st.cache_resource(show_spinner=False)
def feedback() -> "Feedback":
    """The remarks of everybody, for all sessions. Raises `FeedbackError` where the database's address is wrong."""
    import_slow()
    from recommender.query.feedback import Feedback

    return Feedback(settings().database_url, settings().read_only)
