"""Examples -> items of messages, those of one dialogue in one; items -> a batch of slots."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from recommender.data.catalog import Catalog
from recommender.data.collate import PADDING, Batch, Item, Text, collate_shared, pad
from recommender.data.engagement import Engagement
from recommender.data.examples import Example, Said
from recommender.models.texts import text_tensors

SPEAKERS = {"seeker": 0, "recommender": 1}


@dataclass(slots=True)
class Spoken(Text):
    """One message, and the movies that it names."""

    mentioned: list[int] = field(default_factory=list)
    speaker: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """The targets after the first `after` messages, named by the recommender or, to learn from, by the seeker."""

    after: int
    targets: list[int]
    by_recommender: bool = True
    engagement: Sequence[Engagement] = ()


@dataclass(slots=True)
class DialogueItem(Item):
    """A dialogue, its texts being its messages. Every turn is a row; an item for ranking has one."""

    texts: Sequence[Spoken] = ()
    turns: Sequence[Turn] = ()

    @property
    def length(self) -> int:
        """All word pieces, whether encoded or not: a long dialogue has many slots."""
        return sum(len(text.tokens) for text in self.texts)

    @property
    def target_lists(self) -> list[list[int]]:
        return [turn.targets for turn in self.turns]

    @property
    def engagement_lists(self) -> list[Sequence[Engagement]]:
        return [turn.engagement for turn in self.turns]


class DialogueBatch(Batch, total=False):
    """A row of slots a dialogue, each a message or a movie named in the message before it. Turn p is what follows the
    first `ends[p]` slots of dialogue `rows[p]`. N dialogues, S slots, M messages."""

    message_ids: Tensor  # [M, L] int64, the messages of all dialogues
    message_mask: Tensor  # [M, L]
    message_vectors: Tensor  # [M, D], in place of both
    slot_message: Tensor  # [N, S] int64, which of the M messages; -1 for a movie or padding
    slot_movie: Tensor  # [N, S] int64, which movie; -1 for a message or padding
    slot_speaker: Tensor  # [N, S] int64, 0 the seeker, 1 the recommender
    slot_turn: Tensor  # [N, S] int64, the number of the message in its dialogue
    rows: Tensor  # [R] int64
    ends: Tensor  # [R] int64
    by_recommender: Tensor  # [R] bool, who named the targets


def dialogue_item(example: Example, made: dict[Said, Spoken], catalog: Catalog, with_movies: bool) -> DialogueItem:
    """`made` are the example's messages in numbers. Without movies only the words are read."""
    named, targets = catalog.indices(example.mentioned), catalog.indices(example.targets)
    turn = Turn(len(example.said), targets, example.answered_by == "recommender", example.target_engagement)
    return DialogueItem(
        texts=[made[message] for message in example.said],
        mentioned=named if with_movies else [],
        targets=targets,
        named=named,
        dialogue=example.dialogue_id,
        turns=[turn],
    )


def message_of(message: Said, text: Text, catalog: Catalog, with_movies: bool) -> Spoken:
    mentioned = catalog.indices(message.mentioned) if with_movies else []
    return Spoken(text.tokens, mentioned=mentioned, speaker=SPEAKERS[message.role])


def packed(items: Sequence[DialogueItem]) -> list[DialogueItem]:
    """The items of each dialogue as one: the longest, of which the others are beginnings, with the turns of all.

    A model that sees only what stands before scores them all in one pass, and each message is read once. Items that do
    not begin with the same message, as those of a person's events, stay apart.
    """
    dialogues: dict[tuple[str, tuple[int, ...]], list[DialogueItem]] = {}
    for item in items:
        dialogues.setdefault((item.dialogue, tuple(map(id, item.texts[:1]))), []).append(item)
    return [_one(parts) for parts in dialogues.values()]


def _one(parts: list[DialogueItem]) -> DialogueItem:
    longest = max(parts, key=lambda item: len(item.texts))
    return replace(longest, turns=[turn for part in parts for turn in part.turns])


def collate_dialogues(items: Sequence[DialogueItem]) -> DialogueBatch:
    messages = [message for item in items for message in item.texts]
    rows: list[list[tuple[int, int, int, int]]] = []  # a dialogue's slots: message, movie, speaker, turn
    first = 0
    ends = []  # how many slots the first n messages of each dialogue take
    for item in items:
        slots, taken = [], [0]
        for turn, message in enumerate(item.texts):
            slots.append((first + turn, PADDING, message.speaker, turn))
            slots += [(PADDING, movie, message.speaker, turn) for movie in message.mentioned]
            taken.append(len(slots))
        rows.append(slots)
        ends.append(taken)
        first += len(item.texts)
    turns = [(row, turn) for row, item in enumerate(items) for turn in item.turns]
    batch: DialogueBatch = {
        **collate_shared(items),  # type: ignore[typeddict-item]  # the keys of the texts come below
        "slot_message": pad([[slot[0] for slot in row] for row in rows], PADDING),
        "slot_movie": pad([[slot[1] for slot in row] for row in rows], PADDING),
        "slot_speaker": pad([[slot[2] for slot in row] for row in rows], 0),
        "slot_turn": pad([[slot[3] for slot in row] for row in rows], 0),
        "rows": torch.tensor([row for row, _ in turns]),
        "ends": torch.tensor([ends[row][turn.after] for row, turn in turns]),
        "by_recommender": torch.tensor([turn.by_recommender for _, turn in turns]),
    }
    if not messages:
        batch["message_ids"], batch["message_mask"] = torch.zeros(0, 1, dtype=torch.long), torch.zeros(0, 1)
        return batch
    text = text_tensors(messages)
    if len(text) == 1:
        batch["message_vectors"] = text[0]
    else:
        batch["message_ids"], batch["message_mask"] = text
    return batch
