"""The protocols, shown on one conversation, or one person's movies, that were made up for this page."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import streamlit as st

from pages.shared.text import plain
from recommender.config import DIALOGUE_PROTOCOLS, PROTOCOLS, DataConfig, Protocol
from recommender.data.catalog import Catalog, Movie
from recommender.data.dialogue import MENTION, Dialogue, Message
from recommender.data.examples import Example, build_examples
from recommender.data.facts import Facts
from recommender.data.interaction import Interaction, as_events
from recommender.data.next_movie import next_movies

Part = Literal["input", "answers", "ignored", "later"]
FIRST: Protocol = "conversational"  # the one that is shown at first

MOVIES = Catalog(
    [
        Movie(1, "Alien", 1979),
        Movie(2, "Gravity", 2013),
        Movie(3, "The Martian", 2015),
        Movie(4, "Sunshine", 2007),
        Movie(5, "Event Horizon", 1997),
    ]
)
DIALOGUE = Dialogue(
    "made-up",
    (
        Message("recommender", "Hi! What are you in the mood for tonight?"),
        Message("seeker", "Something tense in space. I loved @1 and @2."),
        Message("recommender", "Then try @3."),
        Message("seeker", "I have seen @3, it was fun. Is there anything darker?"),
        Message("recommender", "How about @4? Or @5, if you dare."),
        Message("seeker", "@4 it is, thank you!"),
    ),
)
WATCHED = as_events(Interaction("made-up", movie_id, day) for day, movie_id in enumerate((1, 5, 2, 3)))
PLAIN = {
    "notebook": "**Input:** every word of whoever wrote first. **Answers:** every movie of the other person. The 2025 "
    "reproduction asked like this. Mostly the recommender writes first, so the roles are swapped.",
    "paper": "**Input:** every word of the seeker, from beginning to end. **Answers:** every movie the recommender "
    "names. Nguyen (2024) asked like this. “I have seen it” comes after an answer and gives it away.",
    "one_shot": "**Input:** what the seeker said before the first recommended movie. **Answers:** the movies "
    "recommended from then on that nobody had named. An honest first wish: nothing in the input comes after an answer.",
    "conversational": "**Input:** everything both said before one turn of the recommender. **Answers:** the movies of "
    "that turn; scores for “new” answers leave out those named before. The field's benchmark.",
    "next_movie": "**Input:** the movies that one person watched, in order of time; the text is the latest's title. "
    "**Answer:** the movie watched next. Asked of MovieLens' ratings, not of conversations. A wish that names titles "
    "is read the same way.",
}
BADGES: dict[Part, str] = {
    "input": ":blue-badge[:material/input: input]",
    "answers": ":orange-badge[:material/star: answers]",
    "ignored": ":gray-badge[:material/block: ignored]",
    "later": ":gray-badge[:material/schedule: not said yet]",
}
AVATARS = {"seeker": ":material/person:", "recommender": ":material/theaters:"}


@dataclass(frozen=True)
class Line:
    """A message, what becomes of its words, and which of its movies are answers."""

    message: Message
    part: Part
    answers: tuple[int, ...] = ()


@st.fragment
def draw_protocols(facts: Facts | None) -> None:
    st.header("Five ways to ask", anchor=False)
    st.markdown(
        "A conversation, or what a person watched, becomes questions with known answers; a model is measured by the "
        "answers it finds. What counts as input and as answer is a choice, called a protocol. Figures under different "
        "protocols cannot be compared."
    )
    protocol = st.radio("Protocol", PROTOCOLS, format_func=name_of, index=PROTOCOLS.index(FIRST), horizontal=True)
    st.markdown(PLAIN[protocol])
    if protocol not in DIALOGUE_PROTOCOLS:
        draw_watched(question_of_watched())
        return
    examples = build_examples([DIALOGUE], protocol, MOVIES)
    number = 1
    if len(examples) > 1:
        numbers = range(1, len(examples) + 1)
        label = f"This conversation gives {len(examples)} questions"
        number = st.radio(label, numbers, index=1, format_func="Question {}".format, horizontal=True)
    example = examples[number - 1]
    draw_dialogue(read_by(protocol, example))
    draw_question(example)
    if facts:
        draw_size(facts, protocol)


def question_of_watched() -> Example:
    """The last movie asked for, as for the test under leave-one-out."""
    asked = np.arange(len(WATCHED)) == len(WATCHED) - 1
    [example] = next_movies(WATCHED, asked, MOVIES, DataConfig(), latest=0, whole=True)
    return example


def draw_watched(example: Example) -> None:
    with st.container(border=True, gap="small"):
        st.caption("Made up for this page.")
        for part, movie_ids in (("input", example.mentioned), ("answers", example.targets)):
            for movie_id in movie_ids:
                st.markdown(f"{plain(MOVIES.by_id(movie_id).name)} {BADGES[part]}")
    draw_question(example)


def name_of(protocol: Protocol) -> str:
    return protocol.replace("_", " ").capitalize()


def read_by(protocol: Protocol, example: Example) -> list[Line]:
    """What the protocol makes of each message of the made-up conversation."""
    messages = DIALOGUE.messages
    writer = messages[0].role if protocol == "notebook" else "seeker"
    start, end = 0, len(messages)  # of the messages that may hold answers
    if protocol == "one_shot":
        start = next(turn for turn, message in enumerate(messages) if message.role != writer and message.movie_ids)
    if protocol == "conversational":
        start, end = example.turn, example.turn + 1
    lines = []
    for turn, message in enumerate(messages):
        asked = start <= turn < end and message.role != writer
        answers = tuple(movie_id for movie_id in message.movie_ids if asked and movie_id in example.targets)
        if answers:
            lines.append(Line(message, "answers", answers))
        elif turn >= end:
            lines.append(Line(message, "later"))
        elif protocol == "conversational" or (message.role == writer and (turn < start or start == 0)):
            lines.append(Line(message, "input"))
        else:
            lines.append(Line(message, "ignored"))
    return lines


def draw_dialogue(lines: list[Line]) -> None:
    with st.container(border=True, gap="small"):
        st.caption("Made up for this page; no conversation of ReDial is shown.")
        for line in lines:
            role = line.message.role
            with st.chat_message(role, avatar=AVATARS[role]):
                st.markdown(f"**{role.capitalize()}** {BADGES[line.part]}  \n{with_titles(line)}")


def with_titles(line: Line) -> str:
    """Markdown of a message: titles in place of ids, answers with a star."""

    def title(found: re.Match[str]) -> str:
        name = plain(MOVIES.by_id(int(found[1])).name)
        return f":orange-badge[:material/star: {name}]" if int(found[1]) in line.answers else f"**{name}**"

    return MENTION.sub(title, line.message.text)


def draw_question(example: Example) -> None:
    """What the code makes of the conversation, word for word."""
    st.caption("What the model reads:")
    st.code(example.text, language=None, wrap_lines=True)
    leaked = [movie_id for movie_id in example.targets if movie_id in example.mentioned]
    st.markdown(
        f"Movies it is told of: {names(example.mentioned)}.  \n"
        f"Movies it has to find: {names(example.targets)}.  \n"
        f"Of these the input already holds: {names(leaked)}."
    )


def names(movie_ids: Iterable[int]) -> str:
    return ", ".join(plain(MOVIES.by_id(movie_id).name) for movie_id in movie_ids) or "none"


def draw_size(facts: Facts, protocol: Protocol) -> None:
    asked = facts.questions[protocol]
    st.caption(
        f"On ReDial's test conversations: {asked.examples:,} questions with {asked.answers:,} answers; "
        f"{asked.in_input:,} of the answers ({asked.in_input / asked.answers:.0%}) stand in the input."
    )
