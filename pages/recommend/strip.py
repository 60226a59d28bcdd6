"""What the app knows about the user, as removable chips, and controls to add to it."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import streamlit as st

from pages.recommend.data import mark, undo, unmark
from pages.shared.callback import whole
from pages.shared.conversation import Conversation, Turn
from pages.shared.text import plain
from recommender.data.catalog import Catalog, Movie
from recommender.query.titles import Match
from recommender.ranking.adjustments import duplicates

if TYPE_CHECKING:
    from recommender.query.engine import Engine

# Before a movie: an icon and words, so that either is enough.
SAID = {"liked": "", "seen": ":material/visibility: seen ", "refused": ":material/block: not like "}
MARKED = {
    "liked": ":material/thumb_up: more like ",
    "seen": ":material/visibility: seen ",
    "disliked": ":material/thumb_down: not for me: ",
}
LASTING = ("seen", "disliked")
UNFOLDED = 6  # seen and disliked movies that are shown at once


def draw_strip(conversation: Conversation, catalog: Catalog) -> None:
    """Chips of the movies, genres and marks that influence the ranking."""
    taste = conversation.taste
    lasting = [(movie_id, kind) for kind in LASTING for movie_id in getattr(taste, kind)]
    said = any(turn.utterance.matches or turn.utterance.refused_genres for turn in conversation.turns)
    if not conversation.begun or not (said or taste.liked or lasting):
        return
    with st.container(gap="xsmall"):
        st.caption("What I know about you")
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            for number, turn in enumerate(conversation.turns):
                draw_said(conversation, number, turn)
            for movie_id in taste.liked:
                draw_marked(conversation, catalog, movie_id, "liked")
            if len(lasting) <= UNFOLDED:
                draw_lasting(conversation, catalog, lasting)
            else:
                label = f"{len(lasting)} movies seen or not for me"
                with st.popover(label, icon=":material/visibility:", key="lasting"):
                    draw_lasting(conversation, catalog, lasting)
            draw_wrong(conversation, catalog)


def draw_tools(conversation: Conversation, engine: "Engine") -> None:
    """The picker for liked movies, and undo."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        like, back = (st.container(width="content") for _ in range(2))
    with like:
        draw_picker(conversation, engine)
    if conversation.past:
        back.button(
            plain(f"Undo “{conversation.past[-1].action}”"),
            type="tertiary",
            icon=":material/undo:",
            wrap=True,
            key="undo",
            on_click=undo,
            args=(conversation,),
        )


def draw_said(conversation: Conversation, number: int, turn: Turn) -> None:
    for match in turn.utterance.matches:
        words = SAID[match.stance] + plain(match.movie.name)
        chip(words, f"chip-{number}-{match.start}-{match.movie.movie_id}", conversation.remove, number, match)
    for genre in turn.utterance.refused_genres:
        words = f":material/block: no {plain(genre)}"
        chip(words, f"chip-{number}-no-{genre}", conversation.allow_genre, number, genre)


def draw_lasting(conversation: Conversation, catalog: Catalog, lasting: list[tuple[int, str]]) -> None:
    for movie_id, kind in lasting:
        draw_marked(conversation, catalog, movie_id, kind)


def draw_marked(conversation: Conversation, catalog: Catalog, movie_id: int, kind: str) -> None:
    if catalog.has(movie_id):
        movie = catalog.by_id(movie_id)
        chip(MARKED[kind] + plain(movie.name), f"chip-{kind}-{movie_id}", unmark, conversation, movie)


def chip(words: str, key: str, remove: Callable[..., None], *args: object) -> None:
    st.button(
        words,
        icon=":material/close:",
        icon_position="right",
        wrap=True,
        help="Remove",
        key=key,
        on_click=remove,
        args=args,
    )


def draw_picker(conversation: Conversation, engine: "Engine") -> None:
    label = "I also like…" if conversation.begun else "Pick a movie I like"
    menu = st.popover(label, type="tertiary", icon=":material/add:", on_change="rerun", key="also")
    if not menu.open:  # 7,000 titles are sent to the browser only when needed
        return
    key, movies = f"also-{conversation.changes}", by_name(engine.catalog)

    @whole
    def choose() -> None:
        mark(conversation, engine.run.run_id, movies[st.session_state[key]], "liked", "more like this")

    with menu:
        draw_titles("A movie you like", movies, key, choose)


def draw_wrong(conversation: Conversation, catalog: Catalog) -> None:
    matches = [(number, match) for number, turn in enumerate(conversation.turns) for match in turn.utterance.matches]
    if not matches:
        return
    key = f"change-{conversation.changes}"
    menu = st.popover("Wrong movie?", type="tertiary", on_change="rerun", key=key)
    if menu.open:
        with menu:
            draw_replacements(conversation, matches, by_name(catalog))


def draw_replacements(conversation: Conversation, matches: list[tuple[int, Match]], movies: dict[str, Movie]) -> None:
    place = 0
    if len(matches) > 1:
        names = [plain(match.movie.name) for _, match in matches]
        key = f"which-{conversation.changes}"
        place = st.radio("Which one?", range(len(matches)), format_func=names.__getitem__, key=key)
    turn, match = matches[place]
    if match.alternatives:
        st.caption(plain(f"“{match.text}” could also be"))
    with st.container(horizontal=True, gap="xsmall"):
        for other in match.alternatives:
            st.button(
                plain(other.name),
                wrap=True,
                key=f"other-{place}-{other.movie_id}",
                on_click=conversation.replace,
                args=(turn, match, other),
            )
    key = f"search-{place}-{conversation.changes}"

    @whole
    def choose() -> None:
        conversation.replace(turn, match, movies[st.session_state[key]])

    draw_titles("Any other title", movies, key, choose)


def draw_titles(label: str, movies: dict[str, Movie], key: str, choose: Callable[[], None]) -> None:
    st.selectbox(label, list(movies), index=None, placeholder="Type to search the catalogue", key=key, on_change=choose)


@lru_cache(maxsize=4)
def by_name(catalog: Catalog) -> dict[str, Movie]:
    """Titles with years, best known first; of duplicates only the best-known entry."""
    second = {catalog[item].movie_id for item in duplicates(catalog)}
    known = sorted(catalog, key=lambda movie: movie.mentions)
    movies = {movie.name: movie for movie in known if movie.movie_id not in second}
    return dict(reversed(movies.items()))
