"""The chat: a wish in, ten movies with reasons out."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.conversation import Conversation, Turn
from pages.shared.models import describe, engine_of, offered_runs
from pages.shared.setup import APP_NAME, Key, set_up
from pages.shared.text import plain
from recommender.errors import RecommenderError

if TYPE_CHECKING:  # they import torch, and the page is drawn before that is done
    from recommender.data.catalog import Catalog
    from recommender.query.engine import Answer, Engine
    from recommender.runs import Run

EXAMPLES = (
    "something like Inception and The Matrix but funnier",
    "a feel-good animated movie for the whole family",
    "I loved Get Out and It (2017), something scary",
    "somthing like Incepton but funnier, no horror",
)
BAR_WIDTH = 88  # pixels


def main() -> None:
    set_up("Recommend")
    conversation: Conversation = st.session_state.setdefault(Key.CONVERSATION, Conversation())
    head, chat, foot = st.container(), st.container(), st.container()
    begun = bool(conversation.turns)
    typed = st.chat_input("Refine your wish" if begun else "What do you feel like watching?", key="wish")
    if typed:
        st.session_state[Key.TYPED] = typed  # kept until a model has answered it
    with head:
        tools = draw_head()
    with chat:
        if not begun and Key.TYPED not in st.session_state:
            draw_welcome()
        talk = st.container()
    with foot:
        engine = open_engine(tools, conversation)
    with talk:
        if engine:
            hear(conversation, engine)
        draw_conversation(conversation, engine)
    with foot:
        if engine:
            draw_source(engine)
    with tools:
        if conversation.turns:
            st.button("New wish", icon=":material/add:", on_click=start_over)


def draw_head() -> "st.delta_generator.DeltaGenerator":
    """The name; returns the place for the page's tools."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(APP_NAME, anchor=False, width="content")
        return st.container(horizontal=True, horizontal_alignment="right", width="content")


def draw_welcome() -> None:
    st.write("Say in your own words what you feel like watching, and name movies you like. You get ten, each with a reason.")
    st.caption("For example:")
    for example in EXAMPLES:
        st.button(example, on_click=type_in, args=(example,))


def type_in(text: str) -> None:
    st.session_state[Key.TYPED] = text


def start_over() -> None:
    st.session_state[Key.CONVERSATION] = Conversation()


def open_engine(tools: "st.delta_generator.DeltaGenerator", conversation: Conversation) -> "Engine | None":
    """The chosen run's engine, or None after saying why there is none."""
    with st.spinner("Loading the model…"):
        runs = offered_runs()
        if not runs:
            st.info(plain("There is no model yet. Train one: python -m recommender train --preset default"))
            return None
        chosen = next((run for run in runs if run.run_id == st.session_state.get(Key.RUN_ID)), runs[0])
        try:
            engine, problem = engine_of(chosen), None
        except RecommenderError as error:
            engine, problem = None, str(error)
    if problem:
        st.error(plain(problem), icon=":material/error:")
        if len(runs) > 1:
            draw_models(runs, chosen, conversation, "Choose another model")
    elif len(runs) > 1:
        with tools.popover("Model", icon=":material/tune:"):
            draw_models(runs, chosen, conversation, "Which model answers")
    return engine


def draw_models(runs: "list[Run]", chosen: "Run", conversation: Conversation, label: str) -> None:
    names = {run.run_id: plain(describe(run)) for run in runs}

    def choose() -> None:
        st.session_state[Key.RUN_ID] = st.session_state["model"]
        conversation.ask_again()

    st.radio(label, list(names), runs.index(chosen), format_func=names.__getitem__, key="model", on_change=choose)


def hear(conversation: Conversation, engine: "Engine") -> None:
    """Take in what was typed, if anything was."""
    text = st.session_state.pop(Key.TYPED, None)
    if text is None:
        return
    try:
        conversation.say(text, engine)
    except RecommenderError as error:
        st.warning(plain(str(error)))


def draw_conversation(conversation: Conversation, engine: "Engine | None") -> None:
    for number, turn in enumerate(conversation.turns):
        with st.chat_message("user"):
            st.text(turn.utterance.text)
            draw_matches(conversation, number, turn, engine.catalog if engine else None)
            for notice in turn.notices:
                st.caption(plain(notice))
        latest = number == len(conversation.turns) - 1
        if not latest and turn.answer and turn.answer.recommendations:
            with st.expander("Earlier answer"):
                st.text("\n".join(f"{item.rank}. {item.movie.name}" for item in turn.answer.recommendations))
    if conversation.turns and engine:
        with st.chat_message("assistant"):
            draw_latest(conversation, engine)


def draw_latest(conversation: Conversation, engine: "Engine") -> None:
    try:
        with st.spinner("Ranking the movies…"):
            answer = conversation.answer(engine)
    except RecommenderError as error:
        st.error(plain(str(error)))
        return
    for notice in answer.notices:
        st.info(plain(notice))
    draw_ranking(answer)


def draw_matches(conversation: Conversation, number: int, turn: Turn, catalog: "Catalog | None") -> None:
    matches = turn.utterance.matches
    if not matches:
        return
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        for place, match in enumerate(matches):
            st.button(
                plain(match.movie.name),
                icon=":material/close:",
                icon_position="right",
                help="Read from your words. Press to remove it.",
                key=f"chip-{number}-{place}-{conversation.changes}",
                on_click=conversation.remove,
                args=(number, place),
            )
        menu = st.popover(
            "Wrong movie?", type="tertiary", on_change="rerun", key=f"change-{number}-{conversation.changes}"
        )
    if menu.open and catalog:  # 7,000 titles travel to the browser only when they are asked for
        with menu:
            draw_replacements(conversation, number, turn, catalog)


def draw_replacements(conversation: Conversation, number: int, turn: Turn, catalog: "Catalog") -> None:
    matches = turn.utterance.matches
    place = 0
    if len(matches) > 1:
        names = [match.movie.name for match in matches]
        place = st.radio("Which one?", range(len(matches)), format_func=lambda i: plain(names[i]))
    match = matches[place]
    if match.alternatives:
        st.caption(plain(f"“{match.text}” could also be"))
    for other in match.alternatives:
        st.button(
            plain(other.name),
            key=f"other-{number}-{place}-{other.movie_id}",
            on_click=conversation.replace,
            args=(number, place, other),
        )
    # Of two movies with the same title and year the list offers the better known.
    movies = {movie.name: movie for movie in sorted(catalog, key=lambda movie: movie.mentions)}
    key = f"search-{number}-{place}"
    st.selectbox(
        "Any other title",
        list(reversed(movies)),
        index=None,
        placeholder="Type to search the catalogue",
        key=key,
        on_change=lambda: conversation.replace(number, place, movies[st.session_state[key]]),
    )


def draw_ranking(answer: "Answer") -> None:
    for item in answer.recommendations:
        movie = item.movie
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            with st.container(gap=None):
                year = f" ({movie.year})" if movie.year else ""
                st.markdown(f"{item.rank}\\. **{plain(movie.title)}**{plain(year)}")
                st.caption(plain(", ".join(movie.genres)))
                st.text(". ".join(item.reasons))
            st.progress(item.bar, f"{item.bar:.0%}", width=BAR_WIDTH)


def draw_source(engine: "Engine") -> None:
    """Which model and data answer."""
    from recommender.device import describe_device

    st.caption(
        plain(
            f"Answered by {describe(engine.run)}. Trained on {engine.source}. Runs on {describe_device(engine.device)}. "
            "The bars compare each movie's score with the first one's."
        )
    )


main()
