"""The chat input, the messages and the example wishes."""

import streamlit as st

from pages.shared.callback import whole
from pages.shared.conversation import Conversation
from pages.shared.text import plain
from recommender.query.wish import clean_wish
from recommender.settings import settings

EXAMPLES = (
    "something like Inception and The Matrix but funnier",
    "a feel-good animated movie for the whole family",
    "I loved Get Out and It (2017), something scary",
    "somthing like Incepton but funnier, no horror",
)
FOLDED = 300  # characters of a message that are shown at once


def draw_messages(conversation: Conversation) -> None:
    for number, text in enumerate(conversation.texts):
        text, _ = clean_wish(text, settings().max_wish_chars)
        with st.chat_message("user", avatar=":material/person:"):
            if len(text) <= FOLDED:
                st.text(text)
            else:
                st.text(f"{text[:FOLDED]}…")
                with st.expander(f"Show all {len(text):,} characters", type="compact", key=f"whole-{number}"):
                    st.text(text)


def draw_input(conversation: Conversation) -> None:
    @whole
    def send() -> None:
        conversation.take(st.session_state["wish"], settings().max_wish_chars)

    label = "Refine your wish" if conversation.begun else "What do you feel like watching?"
    # An input inside a container stays where it is. At the foot of the page it would scroll the tenth movie into view.
    st.chat_input(label, key="wish", on_submit=send)


def draw_examples(conversation: Conversation) -> None:
    limit = settings().max_wish_chars
    with st.container(gap="xsmall"):
        st.caption("Or start with one of these:")
        for example in EXAMPLES:
            st.button(plain(example), on_click=conversation.take, args=(example, limit))
