"""The card of a recommended movie: title, reason, strength and feedback buttons."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.recommend.data import mark
from pages.recommend.why import explain
from pages.shared.conversation import Conversation, Mark
from pages.shared.text import plain

if TYPE_CHECKING:
    from recommender.query.engine import Engine, Recommendation

BAR_WIDTH = 112  # pixels
ACTIONS: tuple[tuple[Mark, str, str], ...] = (
    ("liked", "More like this", ":material/thumb_up:"),
    ("seen", "Seen it", ":material/visibility:"),
    ("disliked", "Not for me", ":material/thumb_down:"),
)


def draw_card(conversation: Conversation, engine: "Engine", item: "Recommendation") -> None:
    with st.container(gap="xxsmall", key=f"card-{item.rank}"):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            with st.container(gap=None):
                draw_title(item)
                if item.reasons:
                    st.markdown(f":small[{plain('. '.join(item.reasons))}]")
            draw_bar(item)
        with st.container(horizontal=True, horizontal_alignment="distribute", gap="xsmall", key=f"actions-{item.rank}"):
            draw_actions(conversation, engine, item)


def draw_title(item: "Recommendation") -> None:
    movie = item.movie
    year = plain(f"({movie.year})") if movie.year else ""
    genres = f":small[:gray[{plain(', '.join(movie.genres))}]]" if movie.genres else ""
    st.markdown(f"**{item.rank}\\. {plain(movie.title)}** {year} {genres}")


def draw_bar(item: "Recommendation") -> None:
    st.progress(round(100 * item.bar), plain(item.strength), width=BAR_WIDTH)


def draw_actions(conversation: Conversation, engine: "Engine", item: "Recommendation") -> None:
    movie, run_id = item.movie, engine.run.run_id
    with st.container(horizontal=True, gap="xsmall", width="content"):
        for kind, words, icon in ACTIONS:
            st.button(
                f"{words} *{plain(movie.name)}*",
                type="tertiary",
                icon=icon,
                key=f"{kind}-{movie.movie_id}",
                on_click=mark,
                args=(conversation, run_id, movie, kind, words.lower()),
            )
    if st.button(f"Why? *{plain(movie.name)}*", type="tertiary", key=f"why-{movie.movie_id}"):
        explain(conversation.wish(engine.catalog), engine, item)
