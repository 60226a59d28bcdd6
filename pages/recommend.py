"""The chat: a wish in, ten movies with reasons out."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

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
    begun = bool(conversation.turns) or Key.TYPED in st.session_state
    tools = draw_head(begun)
    said = st.container()
    # An input inside a container stays where it is. At the foot of the page it would scroll the tenth movie into view.
    with st.container():
        st.chat_input("Refine your wish" if begun else "What do you feel like watching?", key="wish", on_submit=send)
    if not begun:
        draw_examples()
    answer, foot = st.container(), st.container()
    with foot:
        engine = open_engine(tools, conversation)
    if engine:
        with answer:
            hear(conversation, engine)
            if begun and not conversation.turns:
                draw_examples()
            draw_answer(conversation, engine)
        with foot:
            draw_source(engine)
    with said:
        draw_messages(conversation, engine.catalog if engine else None)


def draw_head(begun: bool) -> DeltaGenerator:
    """The name, what to do, and a way to start over; returns the place for more tools."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(APP_NAME, anchor=False, width="content")
        tools = st.container(horizontal=True, horizontal_alignment="right", width="content")
    if begun:
        tools.button("New wish", icon=":material/add:", on_click=start_over)
    else:
        st.write("Say what you feel like watching, and name movies you like. You get ten, each with a reason.")
    return tools


def draw_examples() -> None:
    with st.container(gap="xsmall"):
        st.caption("Or start from one of these:")
        for example in EXAMPLES:
            st.button(example, on_click=take, args=(example,))


def send() -> None:
    take(st.session_state["wish"])


def take(text: str) -> None:
    """Keep a message until a model has answered it."""
    st.session_state[Key.TYPED] = text


def start_over() -> None:
    st.session_state[Key.CONVERSATION] = Conversation()
    st.session_state.pop(Key.TYPED, None)


def open_engine(tools: DeltaGenerator, conversation: Conversation) -> "Engine | None":
    """The chosen run's engine, or None after saying why there is none."""
    with st.spinner("Loading the model…"):
        runs = offered_runs()
        if not runs:
            st.info(
                plain("There is no model yet. Train one: python -m recommender train --preset frozen --run-id frozen")
            )
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


def draw_messages(conversation: Conversation, catalog: "Catalog | None") -> None:
    for number, turn in enumerate(conversation.turns):
        with st.chat_message("user", avatar=":material/person:"):
            st.text(turn.utterance.text)
            draw_matches(conversation, number, turn, catalog)
            for notice in turn.notices:
                st.caption(plain(notice))


def draw_answer(conversation: Conversation, engine: "Engine") -> None:
    if not conversation.turns:
        return
    try:
        with st.spinner("Ranking the movies…"):
            answer = conversation.answer(engine)
    except RecommenderError as error:
        st.error(plain(str(error)))
        return
    for notice in answer.notices:
        st.info(plain(notice))
    if answer.recommendations:
        st.caption("Best first. A bar compares a movie's score with the first one's.")
        draw_ranking(answer)
    draw_earlier(conversation.turns[:-1])


def draw_earlier(turns: list[Turn]) -> None:
    answered = [turn for turn in turns if turn.answer and turn.answer.recommendations]
    if answered:
        with st.expander("Earlier answers"):
            for turn in answered:
                st.caption(plain(turn.utterance.text))
                st.text("\n".join(f"{item.rank}. {item.movie.name}" for item in turn.answer.recommendations))


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
                wrap=True,
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
        key = f"which-{number}-{conversation.changes}"
        place = st.radio("Which one?", range(len(matches)), format_func=lambda i: plain(names[i]), key=key)
    match = matches[place]
    if match.alternatives:
        st.caption(plain(f"“{match.text}” could also be"))
    with st.container(horizontal=True, gap="xsmall"):
        for other in match.alternatives:
            st.button(
                plain(other.name),
                wrap=True,
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
        year = plain(f"({movie.year})") if movie.year else ""
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            with st.container(gap=None):
                genres = f":small[:gray[{plain(', '.join(movie.genres))}]]" if movie.genres else ""
                st.markdown(f"**{item.rank}\\. {plain(movie.title)}** {year} {genres}")
                st.markdown(f":small[{plain('. '.join(item.reasons))}]")
            percent = round(100 * item.bar)
            st.progress(percent, f"{percent}%", width=BAR_WIDTH)


def draw_source(engine: "Engine") -> None:
    """Which model and data answer."""
    from recommender.device import describe_device

    device = describe_device(engine.device)
    st.caption(plain(f"Answered by {describe(engine.run)}. Data: {engine.source}. Runs on {device}."))


main()
