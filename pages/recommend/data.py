"""A person's stored feedback: read when needed, written with every mark, exported and deleted on request."""

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.callback import whole
from pages.shared.conversation import MARKS, Conversation, Mark, Taste
from pages.shared.person import feedback, person
from pages.shared.text import plain
from recommender.data.catalog import Movie
from recommender.errors import RecommenderError
from recommender.settings import settings

if TYPE_CHECKING:
    from recommender.query.engine import Engine
    from recommender.query.feedback import Kind

KIND: "dict[Mark, Kind]" = {"liked": "more", "seen": "seen", "disliked": "not_for_me"}
WHAT_IS_STORED = (
    "When you press “More like this”, “Seen it” or “Not for me”, the movie is stored under a random number that only "
    "this browser knows. Your messages are not stored."
)


def know_person(conversation: Conversation) -> None:
    """Load the person's seen and disliked movies; once, and only when there is a wish."""
    who = person()
    if conversation.own_of == who:
        return
    try:
        said = feedback().of(who)
    except RecommenderError as error:
        conversation.problem = conversation.problem or str(error)  # a mark that was not stored matters more
        return  # tried again with the next wish or mark
    seen = [movie_id for movie_id, kinds in said.items() if "seen" in kinds and "not_for_me" not in kinds]
    disliked = [movie_id for movie_id, kinds in said.items() if "not_for_me" in kinds]
    stored = own = Taste((), tuple(seen), tuple(disliked))
    for kind in ("seen", "disliked"):  # marked while nothing could be read
        for movie_id in getattr(conversation.own, kind):
            own = own.marked(movie_id, kind)
    conversation.use_own(who, own)
    keep(conversation, who, "", replace(stored, liked=conversation.taste.liked))  # a link's picks are not this person's


@whole
def mark(conversation: Conversation, run_id: str, movie: Movie, kind: Mark, action: str) -> None:
    who, before = person(), conversation.kept
    conversation.mark(movie, kind, action)
    keep(conversation, who, run_id, before)


@whole
def unmark(conversation: Conversation, movie: Movie) -> None:
    who, before = person(), conversation.kept
    conversation.unmark(movie)
    keep(conversation, who, "", before)


@whole
def undo(conversation: Conversation) -> None:
    who, before = person(), conversation.kept
    conversation.undo()
    keep(conversation, who, "", before)


def keep(conversation: Conversation, who: str, run_id: str, before: Taste) -> None:
    """Store what changed. If that fails, the mark still applies while the page is open."""
    try:
        for kind in MARKS:
            old, new = set(getattr(before, kind)), set(getattr(conversation.kept, kind))
            for movie_id in old - new:
                feedback().remove(who, movie_id, KIND[kind])
            for movie_id in new - old:
                feedback().put(who, movie_id, KIND[kind], run_id)
    except RecommenderError as error:
        conversation.problem = f"{error} Your marks apply until you close this page."


def draw_data(conversation: Conversation, engine: "Engine") -> None:
    menu = st.popover("Your data", type="tertiary", icon=":material/database:", on_change="rerun", key="data")
    if menu.open:  # the database is read when somebody asks
        with menu:
            draw_kept(conversation, engine)


def draw_kept(conversation: Conversation, engine: "Engine") -> None:
    if settings().read_only:
        st.write("This is a public demo: your marks are not stored.")
        return
    st.write(WHAT_IS_STORED)
    try:
        number = sum(map(len, feedback().of(person()).values()))
        table = feedback().csv(person(), engine.catalog)
    except RecommenderError as error:
        st.error(plain(str(error)))
        return
    st.write(f"Stored so far: {number} marks." if number != 1 else "Stored so far: one mark.")
    st.download_button(
        "Export as CSV", table, "reelwish.csv", "text/csv", icon=":material/download:", on_click="ignore", key="export",
        disabled=not number,
    )  # fmt: skip
    if st.button("Delete everything…", icon=":material/delete:", key="forget", disabled=not number):
        confirm(conversation, number)


@st.dialog("Delete everything?", icon=":material/delete:")
def confirm(conversation: Conversation, number: int) -> None:
    st.write(f"This deletes all your stored marks ({number}). It cannot be undone.")
    with st.container(horizontal=True):
        forget = st.button(
            "Delete everything", type="primary", key="forget-all", on_click=forget_all, args=(conversation,)
        )
        if st.button("Keep it", key="forget-nothing") or forget:
            st.rerun()


@whole
def forget_all(conversation: Conversation) -> None:
    who = person()
    try:
        feedback().wipe(who)
    except RecommenderError as error:
        conversation.problem = str(error)
    else:
        conversation.forget_marks()
