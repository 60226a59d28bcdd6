"""The wish in the page's address: read when a session starts, updated with every ranking, shown for copying."""

from dataclasses import replace

import streamlit as st

from pages.shared.conversation import Conversation
from pages.shared.link import Link, LinkError, address, from_params, to_params
from pages.shared.setup import Key, went_through_history
from pages.shared.text import plain


def open_address(conversation: Conversation, run_ids: list[str]) -> None:
    """Keep the wish in the address until a model can read it. An address without a wish changes nothing."""
    try:
        link = from_params({name: st.query_params.get_all(name) for name in st.query_params})
    except LinkError as error:
        conversation.problem = str(error)
        return
    if link is None:
        return
    if link.said or link.liked:
        conversation.start_over()
        conversation.opened = link
    conversation.comparing = link.beside in run_ids
    if conversation.comparing:
        conversation.beside = link.beside
    if link.run in run_ids:
        st.session_state[Key.RUN_ID] = link.run
    elif link.run:
        conversation.problem = f"This link was made with the model {link.run}, which is not here. Another one is used."


def write_address(conversation: Conversation, run_id: str) -> dict[str, list[str]] | None:
    """Update the address, so that a reload or a copy of it finds the wish; None if the wish is too long for one.

    If there are too many marked movies, the address holds the wish without them.
    """
    link = conversation.link(run_id)
    params: dict[str, list[str]] | None = {}
    try:
        if conversation.begun:
            params = to_params(link)
    except LinkError:
        params = _without_marks(link)
    if went_through_history() and not st.query_params:
        return params  # a new address here would trap the Back button on this page
    if (params or {}) != {name: st.query_params.get_all(name) for name in st.query_params}:
        st.query_params.from_dict(params or {})
    return params


def _without_marks(link: Link) -> dict[str, list[str]] | None:
    try:
        return to_params(replace(link, seen=(), disliked=()))
    except LinkError:
        return None


def draw_share(conversation: Conversation, params: dict[str, list[str]] | None) -> None:
    if not conversation.begun:
        return
    with st.popover("Share", icon=":material/share:", key="share"):
        if params is None:
            st.write("This wish is too long for a link.")
            return
        marked = len(conversation.taste.seen) + len(conversation.taste.disliked)
        complete = not marked or any(mark in params for mark in ("seen", "disliked"))
        if complete:
            st.write("Whoever opens this link sees your wish and this ranking.")
        else:
            st.write(f"Whoever opens this link sees your wish. Your {marked} marked movies are too many for a link.")
        st.code(address(st.context.url or "", params), language=None, wrap_lines=True)
        if marked and complete:
            movies = "the movie" if marked == 1 else f"the {marked} movies"
            st.caption(f"It contains your messages and {movies} you marked as seen or not for you.")
        else:
            st.caption("It contains your messages and the movies you named.")


def draw_shared(conversation: Conversation) -> None:
    if conversation.shared and not conversation.opened:
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.caption(
                plain("Opened from a link: the seen and disliked movies of the link apply, not yours."),
                width="content",
            )
            st.button("Use mine", type="tertiary", key="mine", on_click=conversation.make_mine)
