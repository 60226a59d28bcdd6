"""Dialogue -> Example, one function for each protocol. A typed wish becomes the same `Example`."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from recommender.config import PROTOCOLS, Protocol
from recommender.data.catalog import Catalog
from recommender.data.redial import MENTION, Dialogue, Message
from recommender.errors import UnknownNameError

SEPARATOR = " [SEP] "
ROLE_NAMES = {"seeker": "Seeker", "recommender": "Recommender"}


@dataclass(frozen=True, slots=True)
class Example:
    """A wish, and the movies that answered it.

    `mentioned` and `targets` are movie ids in the order of mention, each once. `turn` is the number of the message
    that answers (0 for the protocols with one example a dialogue).
    """

    example_id: str
    dialogue_id: str
    turn: int
    text: str
    mentioned: tuple[int, ...] = ()
    targets: tuple[int, ...] = ()

    @property
    def new_targets(self) -> tuple[int, ...]:
        """The targets that had not been mentioned before: the `new` evaluation."""
        return tuple(movie_id for movie_id in self.targets if movie_id not in self.mentioned)


def distinct_ids(messages: Iterable[Message]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(movie_id for message in messages for movie_id in message.movie_ids))


def wish_text(protocol: Protocol, messages: Iterable[Message], names: Callable[[int], str]) -> str:
    """The input text of a protocol, for training and for a typed wish alike.

    `notebook` and `paper` join with [SEP] and hide the movie (`@id` -> `@`), as the paper does; `one_shot` puts the
    titles back; `conversational` marks the roles too, one message after the other.
    """
    if protocol in ("notebook", "paper"):
        return SEPARATOR.join(MENTION.sub("@", message.text) for message in messages)
    with_titles = ((m.role, MENTION.sub(lambda found: names(int(found[1])), m.text)) for m in messages)
    if protocol == "one_shot":
        return SEPARATOR.join(text for _, text in with_titles)
    return " ".join(f"{ROLE_NAMES[role]}: {text}" for role, text in with_titles)


def _whole_dialogue(dialogue: Dialogue, protocol: Protocol, writer: str, names: Callable[[int], str]) -> Example:
    own = [message for message in dialogue.messages if message.role == writer]
    other = [message for message in dialogue.messages if message.role != writer]
    text = wish_text(protocol, own, names)
    return Example(dialogue.dialogue_id, dialogue.dialogue_id, 0, text, distinct_ids(own), distinct_ids(other))


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
    text = wish_text("one_shot", own, names)
    if text:
        yield Example(dialogue.dialogue_id, dialogue.dialogue_id, 0, text, distinct_ids(own), tuple(targets))


def conversational(dialogue: Dialogue, names: Callable[[int], str]) -> Iterator[Example]:
    """One example for each recommender message with movies, given everything said before it (which is not nothing)."""
    for turn, message in enumerate(dialogue.messages):
        if turn and message.role == "recommender" and message.movie_ids:
            before = dialogue.messages[:turn]
            text = wish_text("conversational", before, names)
            example_id = f"{dialogue.dialogue_id}:{turn}"
            yield Example(example_id, dialogue.dialogue_id, turn, text, distinct_ids(before), message.movie_ids)


BUILDERS: dict[Protocol, Callable[[Dialogue, Callable[[int], str]], Iterator[Example]]] = {
    "notebook": notebook,
    "paper": paper,
    "one_shot": one_shot,
    "conversational": conversational,
}


def build_examples(dialogues: Iterable[Dialogue], protocol: str, catalog: Catalog) -> list[Example]:
    """Every example of a protocol that has a target. Movies outside the catalogue keep their name in the text and
    are left out of mentions and targets. Raises `UnknownNameError` for an unknown protocol."""
    if protocol not in PROTOCOLS:
        raise UnknownNameError("protocol", protocol, PROTOCOLS)
    examples = []
    for dialogue in dialogues:
        names = _names_of(dialogue, catalog)
        for example in BUILDERS[protocol](dialogue, names):
            known = _within(example, catalog)
            if known.targets:
                examples.append(known)
    return examples


def _names_of(dialogue: Dialogue, catalog: Catalog) -> Callable[[int], str]:
    def name(movie_id: int) -> str:
        return catalog.by_id(movie_id).name if catalog.has(movie_id) else dialogue.names.get(movie_id, "a movie")

    return name


def _within(example: Example, catalog: Catalog) -> Example:
    mentioned = tuple(movie_id for movie_id in example.mentioned if catalog.has(movie_id))
    targets = tuple(movie_id for movie_id in example.targets if catalog.has(movie_id))
    return Example(example.example_id, example.dialogue_id, example.turn, example.text, mentioned, targets)
