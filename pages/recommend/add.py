"""The form for a movie that the catalogue lacks: added by its text, ranked from the next wish on."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.text import plain
from recommender.errors import RecommenderError
from recommender.query.additions import MAX_TEXT, YEARS, add_movie, load_added, remove_movie
from recommender.settings import settings

if TYPE_CHECKING:
    from recommender.query.engine import Engine


def draw_add(engine: "Engine") -> None:
    """The button; only for models that read movie texts, and not in read-only mode."""
    if settings().read_only or not engine.config.model.reads_movie_text:
        return
    if st.button(
        "Add a movie", icon=":material/add_circle:", help="For example one newer than the model.", type="tertiary"
    ):
        _dialog(engine)


@st.dialog("Add a movie")
def _dialog(engine: "Engine") -> None:
    st.write(
        "The model reads a description of each movie, so it can rank a new one at once. Say what the movie is about. "
        "Do not expect it at the top: in a test with 500 movies, an added movie that was the right one reached the "
        "top ten in one case of sixteen, a movie from the training data in one of six."
    )
    with st.form("add-movie", border=False):
        title = st.text_input("Title", max_chars=200)
        year = st.number_input("Year", *YEARS, value=None, step=1, placeholder="unknown")
        genres = st.multiselect("Genres", sorted({genre for movie in engine.catalog for genre in movie.genres}))
        text = st.text_area("What it is about", max_chars=MAX_TEXT, placeholder="Plot, director, actors")
        sent = st.form_submit_button("Add", type="primary")
    if not sent:
        _draw_added()
        return
    try:
        with st.spinner("Reading the text…"):
            movie = add_movie(title, None if year is None else int(year), genres, text, engine.catalog, settings())
    except RecommenderError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.toast(plain(f"{movie.name} is in the catalogue now. Movies added so far: {len(load_added(settings()).movies)}."))
    st.rerun()


def _draw_added() -> None:
    """The movies added so far, each with a button to remove it."""
    added = load_added(settings()).movies
    if not added:
        return
    with st.expander(f"Added so far: {len(added)}"):
        for movie in added:
            name, button = st.columns([3, 1], vertical_alignment="center")
            name.text(movie.name)
            if button.button("Remove", key=f"remove-{movie.movie_id}", type="tertiary"):
                try:
                    remove_movie(movie.movie_id, settings())
                except RecommenderError as error:
                    st.error(plain(str(error)), icon=":material/error:")
                    return
                st.rerun()
