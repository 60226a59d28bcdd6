"""The same wish answered by two runs, and how the movies move from one ranking to the other."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.recommend.cards import draw_bar, draw_title
from pages.shared.charts import draw
from pages.shared.conversation import Conversation
from pages.shared.models import engine_of
from pages.shared.text import plain
from recommender.charts.ranking import moves_in_words, slope
from recommender.errors import RecommenderError

if TYPE_CHECKING:
    from recommender.query.engine import Answer, Engine
    from recommender.runs.folder import Run


def draw_comparison(conversation: Conversation, engine: "Engine", run: "Run", answer: "Answer") -> None:
    """`answer` is the engine's; the run's is asked for here."""
    try:
        with st.spinner(plain(f"Loading {run.run_id}…")):
            other = engine_of(run)
        if other.trained.fingerprint != engine.trained.fingerprint:
            raise RecommenderError(f"{run.run_id} knows other movies than {engine.run.run_id}: choose another model.")
        with st.spinner("Ranking the movies…"):
            beside = conversation.ask(other)
    except RecommenderError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    draw_moves(engine.run.run_id, answer, run.run_id, beside)
    for column, asked, shown in zip(st.columns(2, gap="medium"), (engine, other), (answer, beside), strict=True):
        with column:
            st.markdown(f"**{plain(asked.run.run_id)}**")
            st.caption(plain(asked.config.description))
            draw_list(shown)
    st.caption("To rate movies or to see why one is here, stop comparing: Models, at the top.")


def draw_moves(left: str, answer: "Answer", right: str, beside: "Answer") -> None:
    ours, theirs = ([item.movie.name for item in shown.recommendations] for shown in (answer, beside))
    sentence = moves_in_words(ours, theirs, left, right)
    draw(lambda look: slope(ours, theirs, left, right, look), "moves", sentence)
    st.caption(plain(sentence))


def draw_list(answer: "Answer") -> None:
    for item in answer.recommendations:
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            with st.container(width="stretch"):
                draw_title(item)
            draw_bar(item)
