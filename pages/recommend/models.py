"""The menu that chooses the model, and the one to compare it with."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.callback import whole
from pages.shared.conversation import Conversation
from pages.shared.models import describe
from pages.shared.setup import Key
from pages.shared.text import plain

if TYPE_CHECKING:
    from recommender.runs.folder import Run

ONE_MODEL = (
    "To compare, you need a second model. Train one on the Train page, or copy a run into the checkpoints folder."
)


def draw_models(conversation: Conversation, runs: "list[Run]", chosen: "Run") -> None:
    with st.popover("Models", icon=":material/tune:", key="models"):
        names = {run.run_id: describe(run) for run in runs}
        st.session_state["comparing"] = conversation.comparing  # the address may have changed it
        if len(runs) > 1:
            draw_choice("Model", names, chosen.run_id)
        st.toggle(
            "Compare two models",
            key="comparing",
            disabled=len(runs) < 2,
            on_change=choose_comparing,
            args=(conversation,),
        )
        others = {run_id: name for run_id, name in names.items() if run_id != chosen.run_id}
        if not others:
            st.caption(ONE_MODEL)
        elif conversation.comparing:
            draw_beside(conversation, others)


def draw_choice(label: str, names: dict[str, str], chosen: str) -> None:
    @whole
    def choose() -> None:
        st.session_state[Key.RUN_ID] = st.session_state["model"]

    st.session_state["model"] = chosen  # it may have been chosen on another page
    st.radio(label, list(names), format_func=lambda run_id: plain(names[run_id]), key="model", on_change=choose)


@whole
def choose_comparing(conversation: Conversation) -> None:
    conversation.comparing = st.session_state["comparing"]


def draw_beside(conversation: Conversation, others: dict[str, str]) -> None:
    if conversation.beside not in others:
        conversation.beside = next(iter(others))

    @whole
    def choose() -> None:
        conversation.beside = st.session_state[key]

    key = f"beside-{'-'.join(others)}"  # other models, another menu
    st.session_state[key] = conversation.beside
    st.selectbox("Compare with", list(others), format_func=others.__getitem__, key=key, on_change=choose)


def draw_other_models(conversation: Conversation, runs: "list[Run]") -> None:
    """Buttons for the other models, for when the chosen one cannot be loaded."""

    @whole
    def choose(run_id: str) -> None:
        st.session_state[Key.RUN_ID] = run_id

    with st.container(horizontal=True, gap="xsmall"):
        for run in runs:
            st.button(
                plain(f"Use {run.run_id} instead"), key=f"instead-{run.run_id}", on_click=choose, args=(run.run_id,)
            )
