"""Dialogue -> Example, one function for each protocol of dialogues. A typed wish becomes the same `Example`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from recommender.config import DIALOGUE_PROTOCOLS, Protocol
from recommender.data.catalog import Catalog
from recommender.data.dialogue import MENTION, Dialogue, Message, Role
from recommender.data.engagement import UNKNOWN, Engagement
from recommender.errors import UnknownNameError

SEPARATOR = " [SEP] "
ROLE_NAMES = {"seeker": "Seeker", "recommender": "Recommender"}

Stance = Literal["liked", "seen", "refused"]  # what a seeker says of a movie; without a word on it, "liked"


@dataclass(frozen=True, slots=True)
class Said:
    """One message of an input: whose it is, its text as the protocol shows it, and the movies that it names.

    `titles` says where in the text each movie stands, as (start, end, movie id) in the order of the text.
    """

    role: Role
    text: str
    mentioned: tuple[int, ...] = ()
    titles: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A wish, and the movies that answered it.

    `mentioned` and `targets` are movie ids in the order of mention, each once. `turn` is the number of the message
    that answers (0 for the protocols with one example a dialogue), or of the event. `dialogue_id` is the person, where
    there are no dialogues. `said` is the input message by message, `text` the same in one string. `engagement` holds
    what is known of the person and single movies; nothing of it is input. `person` is who asks, empty where that is not
    known; `time` is when the target was watched, in seconds since 1970, None for dialogues, which have no dates.

    `seen`, `refused` (movie ids) and `refused_genres` are what the seeker does not want to be recommended. They are
    read from the words by `query.wish`, and no model reads them; the `Ranker` does.
    """

    example_id: str
    dialogue_id: str
    turn: int
    text: str
    mentioned: tuple[int, ...] = ()
    targets: tuple[int, ...] = ()
    said: tuple[Said, ...] = ()
    answered_by: Role = "recommender"
    engagement: Mapping[int, Engagement] = field(default_factory=dict)
    person: str = ""
    time: float | None = None
    seen: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    refused_genres: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[int, ...]:
        """Every movie that came up before, whatever was said of it."""
        return (*self.mentioned, *self.seen, *self.refused)

    @property
    def target_engagement(self) -> tuple[Engagement, ...]:
        """What is known of each target; empty if nothing is known of any."""
        known = tuple(self.engagement.get(movie_id, UNKNOWN) for movie_id in self.targets)
        return () if all(facts == UNKNOWN for facts in known) else known

    @property
    def new_targets(self) -> tuple[int, ...]:
        """The targets that had not been mentioned before: the `new` evaluation."""
        named = self.named
        return tuple(movie_id for movie_id in self.targets if movie_id not in named)


def distinct_ids(messages: Iterable[Message]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(movie_id for message in messages for movie_id in message.movie_ids))


def what_was_said(protocol: Protocol, messages: Iterable[Message], names: Callable[[int], str]) -> tuple[Said, ...]:
    """The messages as a protocol shows them, for training and for a typed wish alike.

    `notebook` and `paper` hide the movie (`@id` -> `@`), as the paper does; the others put the titles back.
    """
    name = (lambda _: "@") if protocol in ("notebook", "paper") else names
    return tuple(_said(message, name) for message in messages)


def _said(message: Message, name: Callable[[int], str]) -> Said:
    """The message with names in place of `@id`."""
    text, end, titles = "", 0, []
    for found in MENTION.finditer(message.text):
        text += message.text[end : found.start()]
        start, end = len(text), found.end()
        text += name(int(found[1]))
        titles.append((start, len(text), int(found[1])))
    return Said(message.role, text + message.text[end:], message.movie_ids, tuple(titles))


def in_one_text(protocol: Protocol, said: Iterable[Said]) -> str:
    """`conversational` marks the roles, one message after the other; `next_movie` is a list with commas; the others
    join with [SEP]."""
    if protocol == "conversational":
        return " ".join(f"{ROLE_NAMES[message.role]}: {message.text}" for message in said)
    if protocol == "next_movie":
        return ", ".join(message.text for message in said)
    return SEPARATOR.join(message.text for message in said)


def _whole_dialogue(dialogue: Dialogue, protocol: Protocol, writer: str, names: Callable[[int], str]) -> Example:
    own = [message for message in dialogue.messages if message.role == writer]
    other = [message for message in dialogue.messages if message.role != writer]
    said = what_was_said(protocol, own, names)
    text = in_one_text(protocol, said)
    return Example(dialogue.dialogue_id, dialogue.dialogue_id, 0, text, distinct_ids(own), distinct_ids(other), said)


def notebook(dialogue: Dialogue, names: Callable[[int], str]) -> Iterator[Example]:
    """The 2025 reproduction's: whoever wrote first is taken for the seeker. Wrong in two dialogues of three."""
    yield _whole_dialogue(dialogue, "notebook", dialogue.messages[0].role, names)


def paper(dialogue: Dialogue, names: Callable[[int], str]) -> Iterator[Example]:
    """Nguyen 2024: the seeker's words of the whole dialogue, all movies of the recommender. It leaks answers."""
    yield _whole_dialogue(dialogue, "paper", "seeker", names)


def one_shot(dialogue: Dialogue, names: Callable[[int], str]) -> Iterator[Example]:
    """What the seeker said before the recommender's first movie; the movies the recommender then brings up."""
    first = next((i for i, m in enumerate(dialogue.messages) if m.role == "recommender" and m.movie_ids), None)
    if first is None:
        return
    own = [message for message in dialogue.messages[:first] if message.role == "seeker"]
    seen = set(distinct_ids(dialogue.messages[:first]))
    targets = []
    for message in dialogue.messages[first:]:
        fresh = [movie_id for movie_id in message.movie_ids if movie_id not in seen]
        if message.role == "recommender":
            targets += fresh
        seen.update(fresh)
    said = what_was_said("one_shot", own, names)
    if text := in_one_text("one_shot", said):
        yield Example(dialogue.dialogue_id, dialogue.dialogue_id, 0, text, distinct_ids(own), tuple(targets), said)


def conversational(
    dialogue: Dialogue, names: Callable[[int], str], answers_of: tuple[Role, ...] = ("recommender",)
) -> Iterator[Example]:
    """One example for each recommender message with movies, given everything said before it (which is not nothing)."""
    said = what_was_said("conversational", dialogue.messages, names)
    for turn, message in enumerate(dialogue.messages):
        if turn and message.role in answers_of and message.movie_ids:
            before = said[:turn]
            mentioned = distinct_ids(dialogue.messages[:turn])
            text = in_one_text("conversational", before)
            example_id = f"{dialogue.dialogue_id}:{turn}"
            yield Example(
                example_id, dialogue.dialogue_id, turn, text, mentioned, message.movie_ids, before, message.role
            )


def conversational_of_both(dialogue: Dialogue, names: Callable[[int], str]) -> Iterator[Example]:
    """The same with the seeker's movies as answers too: twice as much to learn from. Nothing is measured on these."""
    return conversational(dialogue, names, answers_of=("seeker", "recommender"))


BUILDERS: dict[Protocol, Callable[[Dialogue, Callable[[int], str]], Iterator[Example]]] = {
    "notebook": notebook,
    "paper": paper,
    "one_shot": one_shot,
    "conversational": conversational,
}


def build_examples(
    dialogues: Iterable[Dialogue], protocol: str, catalog: Catalog, of_both: bool = False
) -> list[Example]:
    """Every example of a protocol that has a target. Movies outside the catalogue keep their name in the text and
    are left out of mentions and targets. `of_both`: see `conversational_of_both`.

    Raises `UnknownNameError` for a protocol that dialogues do not have.
    """
    if protocol not in DIALOGUE_PROTOCOLS:
        raise UnknownNameError("protocol of dialogues", protocol, DIALOGUE_PROTOCOLS)
    build = conversational_of_both if of_both and protocol == "conversational" else BUILDERS[protocol]
    examples = []
    for dialogue in dialogues:
        names = _names_of(dialogue, catalog)
        for example in build(dialogue, names):
            known = replace(_within(example, catalog), engagement=dialogue.engagement, person=dialogue.seeker)
            if known.targets:
                examples.append(known)
    return examples


def _names_of(dialogue: Dialogue, catalog: Catalog) -> Callable[[int], str]:
    def name(movie_id: int) -> str:
        return catalog.by_id(movie_id).name if catalog.has(movie_id) else dialogue.names.get(movie_id, "a movie")

    return name


def _within(example: Example, catalog: Catalog) -> Example:
    def known(movie_ids: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(movie_id for movie_id in movie_ids if catalog.has(movie_id))

    return replace(
        example,
        mentioned=known(example.mentioned),
        targets=known(example.targets),
        said=tuple(replace(message, mentioned=known(message.mentioned)) for message in example.said),
    )
