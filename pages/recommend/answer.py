"""The answer: the filters applied, one ranking or two side by side, and earlier rankings."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.recommend.cards import draw_bar, draw_card, draw_title
from pages.shared.charts import draw
from pages.shared.conversation import Conversation
from pages.shared.models import engine_of
from pages.shared.text import plain
from recommender.charts.ranking import moves_in_words, slope
from recommender.errors import RecommenderError

if TYPE_CHECKING:
    from recommender.query.engine import Answer, Engine
    from recommender.runs.folder import Run


def draw_answer(conversation: Conversation, engine: "Engine", runs: "list[Run]") -> None:
    if not conversation.begun:
        return
    try:
        with st.spinner("Ranking the movies…"):
            answer = conversation.answer(engine)
    except RecommenderError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    draw_filters(answer)
    other = next((run for run in runs if run.run_id == conversation.beside), None) if conversation.comparing else None
    if other and other != engine.run:
        draw_comparison(conversation, engine, other, answer)
    elif answer.recommendations:
        st.caption(legend())
        for item in answer.recommendations:
            draw_card(conversation, engine, item)
    draw_earlier(conversation)


def draw_filters(answer: "Answer") -> None:
    with st.container(gap=None):
        for sentence in answer.filters:
            st.caption(f":material/filter_alt: {plain(sentence)}")
    for notice in answer.notices:
        st.info(plain(notice))


def legend() -> str:
    """Explains the bars and the words above them."""
    from recommender.query.engine import STRENGTHS

    *steps, (_, weakest) = STRENGTHS
    scale = ", ".join(f"{name.lower()} from {least:.0%}" for least, name in steps)
    return f"Best first. A bar shows how strong a movie is compared with the first: {scale}, {weakest.lower()} below."


def draw_comparison(conversation: Conversation, engine: "Engine", run: "Run", answer: "Answer") -> None:
    """The ranking `answer` of the engine beside that of `run`."""
    try:
        with st.spinner(plain(f"Loading {run.run_id}…")):
            other = engine_of(run)
        if other.trained.fingerprint != engine.trained.fingerprint:
            raise RecommenderError(f"{run.run_id} has not the catalogue of {engine.run.run_id}: choose another model.")
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
    st.caption("To rate movies or to see why one is recommended, turn off the comparison in the Models menu.")


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


def draw_earlier(conversation: Conversation) -> None:
    answered = [turn for turn in conversation.turns[:-1] if turn.answer and turn.answer.recommendations]
    if answered:
        with st.expander("Earlier rankings"):
            for turn in answered:
                st.caption(plain(turn.utterance.text))
                st.text("\n".join(f"{item.rank}. {item.movie.name}" for item in turn.answer.recommendations))
