"""The Recommend page: a chat that turns a wish into ten movies with reasons; feedback changes the next ten."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.recommend.add import draw_add
from pages.recommend.answer import draw_answer
from pages.recommend.data import draw_data, know_person
from pages.recommend.messages import draw_examples, draw_input, draw_messages
from pages.recommend.models import draw_models, draw_other_models
from pages.recommend.share import draw_share, draw_shared, open_address, went_through_history, write_address
from pages.recommend.strip import draw_strip, draw_tools
from pages.shared.conversation import Conversation
from pages.shared.models import describe, engine_of, offered_runs
from pages.shared.person import keep_person
from pages.shared.setup import Key, set_up
from pages.shared.text import plain
from recommender.device import describe_device
from recommender.errors import RecommenderError

if TYPE_CHECKING:  # they import torch, and the page is drawn before that is done
    from recommender.query.engine import Engine
    from recommender.runs.folder import Run

# Looks that Streamlit has no option for. In the buttons of a card, the title in italics is for screen readers only.
# Streamlit darkens the label of an open menu, which leaves too little contrast on a dark page.
STYLE = """
<style>
[class*="st-key-actions-"] button em {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
[class*="st-key-actions-"] button { min-height: 0; padding: 0.15rem 0; }
[class*="st-key-actions-"] button p { font-size: 0.875rem; }
.st-key-also button, .st-key-data button, [class*="st-key-change-"] button { color: inherit !important; }
</style>
"""


def main() -> None:
    set_up("Recommend")
    st.html(STYLE)
    runs = offered_runs()
    conversation = current_conversation([run.run_id for run in runs])
    chosen = chosen_run(runs)
    # Every place is reserved before anything is drawn: what comes and goes moves nothing else in the page's tree, so
    # that React keeps its elements and no click goes astray.
    head, messages, strip, prompt, tools, notices, examples, answer, foot = (st.container() for _ in range(9))
    with head:
        share = draw_head(conversation, runs, chosen)
    with messages:
        draw_messages(conversation)
    with prompt:
        draw_input(conversation)
    if not conversation.begun:
        with examples:
            draw_examples(conversation)
    with notices:
        engine = open_engine(runs, chosen, conversation)
        if engine:
            process(conversation, engine)
        draw_problem(conversation)
        draw_shared(conversation)
    if engine:
        with strip:
            draw_strip(conversation, engine.catalog)
        with tools:
            draw_tools(conversation, engine)
        with answer:
            draw_answer(conversation, engine, runs)
        with foot:
            draw_source(engine)
            draw_add(engine)
            draw_data(conversation, engine)
        params = write_address(conversation, engine.run.run_id)
        with share:
            draw_share(conversation, params)
    keep_person()


def current_conversation(run_ids: list[str]) -> Conversation:
    """The session's conversation; at its start, and after Back or Forward, the one in the page's address."""
    conversation: Conversation | None = st.session_state.get(Key.CONVERSATION)
    if conversation is None:
        conversation = Conversation()
        open_address(conversation, run_ids)
        st.session_state[Key.CONVERSATION] = conversation  # last: a run that is cut short here begins again
    elif went_through_history():
        open_address(conversation, run_ids)
    return conversation


def chosen_run(runs: "list[Run]") -> "Run | None":
    return next((run for run in runs if run.run_id == st.session_state.get(Key.RUN_ID)), runs[0] if runs else None)


def draw_head(conversation: Conversation, runs: "list[Run]", chosen: "Run | None") -> DeltaGenerator:
    """The heading, the introduction and the tools; returns the container for Share, which needs the ranking."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title("Your wish" if conversation.begun else "Find your next movie", anchor=False, width="content")
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall", width="content"):
            new, models, share = (st.container(width="content") for _ in range(3))
    if conversation.begun:
        new.button("New wish", icon=":material/add:", on_click=conversation.start_over)
    else:
        st.write("Say what you feel like watching, and name movies you like. You get ten movies, each with a reason.")
    if chosen:
        with models:
            draw_models(conversation, runs, chosen)
    return share


def open_engine(runs: "list[Run]", chosen: "Run | None", conversation: Conversation) -> "Engine | None":
    """The chosen run's engine; None if there is none, with a message that says why."""
    if chosen is None:
        st.info(plain("There is no model yet. Train one: python -m recommender train --preset frozen --run-id frozen"))
        return None
    try:
        with st.spinner("Loading the model…"):
            return engine_of(chosen)
    except RecommenderError as error:
        st.error(plain(str(error)), icon=":material/error:")
        draw_other_models(conversation, [run for run in runs if run != chosen])
        return None


def process(conversation: Conversation, engine: "Engine") -> None:
    """Process an opened link and a new message."""
    if conversation.begun:
        know_person(conversation)
    try:
        if conversation.fit(engine):
            st.rerun()  # the messages above were drawn with the previous matches
        if conversation.opened:
            conversation.open(engine)
        if conversation.typed is not None:
            text, conversation.typed = conversation.typed, None
            conversation.say(text, engine)
    except RecommenderError as error:
        conversation.problem = str(error)
        st.rerun()  # the page was drawn for a wish that turned out invalid


def draw_problem(conversation: Conversation) -> None:
    if conversation.problem:
        st.warning(plain(conversation.problem), icon=":material/info:")
    for turn in conversation.turns[-1:]:
        for notice in turn.notices:
            st.caption(plain(notice))


def draw_source(engine: "Engine") -> None:
    """The model, data and device behind the ranking."""
    device = describe_device(engine.device)
    st.caption(plain(f"Ranked by {describe(engine.run)}. Data: {engine.source}. Runs on {device}."))


main()
