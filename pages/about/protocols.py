"""The protocols, shown on one made-up conversation, or on one made-up person's movies."""

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

Part = Literal["input", "targets", "ignored", "later"]
FIRST: Protocol = "conversational"  # shown at first

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
    "notebook": "**Input:** all words of whoever wrote first. **Targets:** all movies of the other person. Used by the "
    "2025 reproduction. Usually the recommender writes first, so the roles are swapped.",
    "paper": "**Input:** all words of the seeker, from beginning to end. **Targets:** all movies the recommender "
    "names. Used by Nguyen (2024). “I have seen it” comes after a recommendation and gives the target away.",
    "one_shot": "**Input:** what the seeker said before the first recommended movie. **Targets:** the movies "
    "recommended from then on that nobody had named. An honest first wish: nothing in the input comes after a target.",
    "conversational": "**Input:** everything both said before a turn of the recommender. **Targets:** the movies of "
    "that turn; “new” targets leave out those named before. The field's benchmark.",
    "next_movie": "**Input:** the movies that one person watched, in order of time; the text is the title of the "
    "latest. **Target:** the movie watched next. Uses MovieLens' ratings, not conversations. A wish that names titles "
    "is read the same way.",
}
BADGES: dict[Part, str] = {
    "input": ":blue-badge[:material/input: input]",
    "targets": ":orange-badge[:material/star: targets]",
    "ignored": ":gray-badge[:material/block: ignored]",
    "later": ":gray-badge[:material/schedule: not said yet]",
}
AVATARS = {"seeker": ":material/person:", "recommender": ":material/theaters:"}


@dataclass(frozen=True)
class Line:
    """A message, how the protocol uses it, and which of its movies are targets."""

    message: Message
    part: Part
    targets: tuple[int, ...] = ()


@st.fragment
def draw_protocols(facts: Facts | None) -> None:
    st.header("Five protocols", anchor=False)
    st.markdown(
        "A conversation, or the movies a person watched, becomes examples with known targets, and a model is measured "
        "by the targets it finds. What counts as input and as target is a choice, called a protocol. Figures under "
        "different protocols cannot be compared."
    )
    protocol = st.radio("Protocol", PROTOCOLS, format_func=name_of, index=PROTOCOLS.index(FIRST), horizontal=True)
    st.markdown(PLAIN[protocol])
    if protocol not in DIALOGUE_PROTOCOLS:
        draw_watched(example_of_watched())
        return
    examples = build_examples([DIALOGUE], protocol, MOVIES)
    number = 1
    if len(examples) > 1:
        numbers = range(1, len(examples) + 1)
        label = f"This conversation gives {len(examples)} examples"
        number = st.radio(label, numbers, index=1, format_func="Example {}".format, horizontal=True)
    example = examples[number - 1]
    draw_dialogue(read_by(protocol, example))
    draw_question(example)
    if facts:
        draw_size(facts, protocol)


def example_of_watched() -> Example:
    """The last movie is the target, as for the test split under leave-one-out."""
    asked = np.arange(len(WATCHED)) == len(WATCHED) - 1
    [example] = next_movies(WATCHED, asked, MOVIES, DataConfig(), latest=0, whole=True)
    return example


def draw_watched(example: Example) -> None:
    with st.container(border=True, gap="small"):
        st.caption("Made up for this page.")
        for part, movie_ids in (("input", example.mentioned), ("targets", example.targets)):
            for movie_id in movie_ids:
                st.markdown(f"{plain(MOVIES.by_id(movie_id).name)} {BADGES[part]}")
    draw_question(example)


def name_of(protocol: Protocol) -> str:
    return protocol.replace("_", " ").capitalize()


def read_by(protocol: Protocol, example: Example) -> list[Line]:
    """How the protocol uses each message of the made-up conversation."""
    messages = DIALOGUE.messages
    writer = messages[0].role if protocol == "notebook" else "seeker"
    start, end = 0, len(messages)  # of the messages that may hold targets
    if protocol == "one_shot":
        start = next(turn for turn, message in enumerate(messages) if message.role != writer and message.movie_ids)
    if protocol == "conversational":
        start, end = example.turn, example.turn + 1
    lines = []
    for turn, message in enumerate(messages):
        asked = start <= turn < end and message.role != writer
        targets = tuple(movie_id for movie_id in message.movie_ids if asked and movie_id in example.targets)
        if targets:
            lines.append(Line(message, "targets", targets))
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
    """Markdown of a message: titles in place of ids, targets with a star."""

    def title(found: re.Match[str]) -> str:
        name = plain(MOVIES.by_id(int(found[1])).name)
        return f":orange-badge[:material/star: {name}]" if int(found[1]) in line.targets else f"**{name}**"

    return MENTION.sub(title, line.message.text)


def draw_question(example: Example) -> None:
    """The example that the code builds from the conversation."""
    st.caption("What the model reads:")
    st.code(example.text, language=None, wrap_lines=True)
    leaked = [movie_id for movie_id in example.targets if movie_id in example.mentioned]
    st.markdown(
        f"Mentioned movies: {names(example.mentioned)}.  \n"
        f"Targets: {names(example.targets)}.  \n"
        f"Targets that the input already contains: {names(leaked)}."
    )


def names(movie_ids: Iterable[int]) -> str:
    return ", ".join(plain(MOVIES.by_id(movie_id).name) for movie_id in movie_ids) or "none"


def draw_size(facts: Facts, protocol: Protocol) -> None:
    asked = facts.questions[protocol]
    st.caption(
        f"On ReDial's test conversations: {asked.examples:,} examples with {asked.answers:,} targets; "
        f"{asked.in_input:,} of the targets ({asked.in_input / asked.answers:.0%}) are in the input."
    )
