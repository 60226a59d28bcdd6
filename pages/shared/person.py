"""The random id of a browser, under which its remarks are stored."""

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

# A browser without an id stores the session's. One that comes back sends its own id, once; the session then uses that.
# Where nothing can be stored, the session's id remains.
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
    """The id of this browser; until the browser has sent a stored one, a new id of the session."""
    return st.session_state.setdefault(PERSON, uuid4().hex)


def keep_person() -> None:
    """Store the id in the browser, or adopt the one it has stored. Call this last: it adds an element without height.

    In read-only mode no remark is stored, so no id is either.
    """
    if not settings().read_only:
        _ask_browser(data=person(), key=BROWSER, on_person_change=_adopt)


@whole
def _adopt() -> None:
    named, until_now = st.session_state[BROWSER].get("person"), person()
    if not (isinstance(named, str) and ID.fullmatch(named)):
        return
    st.session_state[PERSON] = named
    with suppress(RecommenderError):  # the page reports a failing database when it reads the remarks
        feedback().hand_over(until_now, named)


@st.cache_resource(show_spinner=False)
def feedback() -> "Feedback":
    """The database of remarks, shared by all sessions. Raises `FeedbackError` if its URL is wrong."""
    import_slow()
    from recommender.query.feedback import Feedback

    return Feedback(settings().database_url, settings().read_only)
