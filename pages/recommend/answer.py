"""The answer: what was left out because of the wish, the ranking or two of them, and earlier rankings."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.recommend.cards import draw_card
from pages.recommend.compare import draw_comparison
from pages.shared.conversation import Conversation
from pages.shared.text import plain
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
    draw_notices(answer)
    other = next((run for run in runs if run.run_id == conversation.beside), None) if conversation.comparing else None
    if other and other != engine.run:
        draw_comparison(conversation, engine, other, answer)
    elif answer.recommendations:
        st.caption(legend())
        for item in answer.recommendations:
            draw_card(conversation, engine, item)
    draw_earlier(conversation)


def draw_notices(answer: "Answer") -> None:
    with st.container(gap=None):
        for sentence in answer.filters:
            st.caption(f":material/filter_alt: {plain(sentence)}")
    for notice in answer.notices:
        st.info(plain(notice))


def legend() -> str:
    """What the bars and the words over them mean."""
    from recommender.query.engine import STRENGTHS

    *steps, (_, weakest) = STRENGTHS
    scale = ", ".join(f"{name.lower()} from {least:.0%}" for least, name in steps)
    return f"Best first. A bar shows a movie's strength beside the first one's: {scale}, {weakest.lower()} below."


def draw_earlier(conversation: Conversation) -> None:
    answered = [turn for turn in conversation.turns[:-1] if turn.answer and turn.answer.recommendations]
    if answered:
        with st.expander("Earlier answers"):
            for turn in answered:
                st.caption(plain(turn.utterance.text))
                st.text("\n".join(f"{item.rank}. {item.movie.name}" for item in turn.answer.recommendations))
