"""Example -> Item -> Batch: token ids, catalogue indices, dynamic padding. Training and queries share this road."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from recommender.config import DataConfig
from recommender.data.catalog import Catalog
from recommender.data.engagement import FACTS, Engagement, numbers_of
from recommender.data.examples import Example

PADDING = -1  # in `mentioned` and `targets`; never a catalogue index

Tokenize = Callable[[Sequence[str], int, str], Sequence[Sequence[int]]]


class Batch(TypedDict, total=False):
    """What models read. A text is either tokens or, for a frozen encoder, the vector computed once.

    A model of whole texts reads one text a wish. A model of messages reads a row of slots a dialogue, each a message or
    a movie named in the message before it; the inputs that are answered are beginnings of such rows: input p is
    the first `ends[p]` slots of row `rows[p]`.
    """

    input_ids: Tensor  # [B, L] int64
    attention_mask: Tensor  # [B, L] int64
    text_vectors: Tensor  # [B, D]
    mentioned: Tensor  # [B, H] int64, padded with -1 on the right, in order of mention
    targets: Tensor  # [B, T] int64, padded with -1; [P, T] for a model of messages
    columns: Tensor  # [C] int64, ascending, each once: the movies to score; without it all
    engagement: Tensor  # [B, T, F] or [P, T, F] float32, what is known of each target, NaN where nothing is
    message_ids: Tensor  # [M, L] int64, the messages of all rows
    message_mask: Tensor  # [M, L]
    message_vectors: Tensor  # [M, D]
    slot_message: Tensor  # [R, S] int64, which of the M messages; -1 for a movie or padding
    slot_movie: Tensor  # [R, S] int64, which movie; -1 for a message or padding
    slot_speaker: Tensor  # [R, S] int64, 0 the seeker, 1 the recommender
    slot_turn: Tensor  # [R, S] int64, the number of the message in its dialogue
    rows: Tensor  # [P] int64
    ends: Tensor  # [P] int64
    by_recommender: Tensor  # [P] bool, who gave the answer
    tag_input_ids: Tensor  # [G, L]
    tag_attention_mask: Tensor  # [G, L]
    tag_text_vectors: Tensor  # [G, D]
    tag_targets: Tensor  # [G, 1]


@dataclass(slots=True)
class Spoken:
    """One message in numbers. `vector` as in `Item`."""

    tokens: Sequence[int]
    mentioned: list[int]
    speaker: int = 0
    vector: Tensor | None = None  # [D]


@dataclass(frozen=True, slots=True)
class Answer:
    """The targets after the first `after` messages, named by the recommender or, to learn from, by the seeker."""

    after: int
    targets: list[int]
    by_recommender: bool = True
    engagement: Sequence[Engagement] = ()


@dataclass(slots=True)
class Item:
    """One example (or tag row) in numbers. `vector` replaces the tokens once a frozen encoder has seen them.

    The model reads `mentioned`, which may be cut; a ranking of new movies leaves out all of `exclude`. `engagement` is
    what is known of each target, or empty. For a model of
    messages `messages` takes the place of the tokens, and a training item may hold several inputs of one dialogue, each
    with its answer.
    """

    tokens: Sequence[int]
    mentioned: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    exclude: list[int] = field(default_factory=list)
    dialogue: str = ""  # the dialogue it comes from
    vector: Tensor | None = None  # [D]
    tags: Sequence["Item"] = ()
    messages: Sequence[Spoken] = ()
    answers: Sequence[Answer] = ()
    engagement: Sequence[Engagement] = ()

    @property
    def length(self) -> int:
        """Word pieces."""
        return len(self.tokens) + sum(len(message.tokens) for message in self.messages)

    @property
    def target_lists(self) -> list[list[int]]:
        """The targets of each input that it holds."""
        return [answer.targets for answer in self.answers] or [self.targets]

    @property
    def engagement_lists(self) -> list[Sequence[Engagement]]:
        """What is known of those, each as long as its targets or empty."""
        return [answer.engagement for answer in self.answers] or [self.engagement]


def to_items(examples: Sequence[Example], catalog: Catalog, config: DataConfig, tokenize: Tokenize) -> list[Item]:
    """Tokenise all texts at once and turn movie ids into catalogue indices."""
    texts = [example.text for example in examples]
    tokens = tokenize(texts, config.max_tokens, config.keep_tokens)
    items = []
    for example, ids in zip(examples, tokens, strict=True):
        mentioned = catalog.indices(example.mentioned)
        first = config.keep_mentioned == "first"
        kept = mentioned[: config.max_mentioned] if first else mentioned[-config.max_mentioned :]
        known = example.target_engagement
        targets = catalog.indices(example.targets)
        items.append(Item(ids, kept, targets, mentioned, example.dialogue_id, engagement=known))
    return items


def collate(items: Sequence[Item]) -> Batch:
    """Pad to the longest text and history of this batch, and no further."""
    batch: Batch = {
        "mentioned": _pad([item.mentioned for item in items], PADDING),
        "targets": _pad([targets for item in items for targets in item.target_lists], PADDING),
    }
    known = [facts for item in items for facts in item.engagement_lists]
    if any(known):
        batch["engagement"] = _engagement(known, batch["targets"].shape[1])
    if any(item.answers for item in items):
        return batch | _slots(items)
    text = _texts(items)
    if len(text) == 1:
        batch["text_vectors"] = text[0]
    else:
        batch["input_ids"], batch["attention_mask"] = text
    tags = [tag for item in items for tag in item.tags]
    if tags:
        text = _texts(tags)
        batch["tag_targets"] = _pad([tag.targets for tag in tags], PADDING)
        if len(text) == 1:
            batch["tag_text_vectors"] = text[0]
        else:
            batch["tag_input_ids"], batch["tag_attention_mask"] = text
    return batch


def _engagement(rows: Sequence[Sequence[Engagement]], width: int) -> Tensor:
    """[B, width, F], NaN where nothing is known."""
    table = torch.full((len(rows), width, len(FACTS)), torch.nan)
    for place, row in enumerate(rows):
        if row:
            table[place, : len(row)] = torch.tensor(numbers_of(row))
    return table


def _slots(items: Sequence[Item]) -> Batch:
    """What a model of messages reads."""
    messages = [message for item in items for message in item.messages]
    rows: list[list[tuple[int, int, int, int]]] = []  # a row's slots: message, movie, speaker, turn
    first = 0
    ends = []  # how many slots the first n messages of each row take
    for item in items:
        slots, taken = [], [0]
        for turn, message in enumerate(item.messages):
            slots.append((first + turn, PADDING, message.speaker, turn))
            slots += [(PADDING, movie, message.speaker, turn) for movie in message.mentioned]
            taken.append(len(slots))
        rows.append(slots)
        ends.append(taken)
        first += len(item.messages)
    answers = [(row, answer) for row, item in enumerate(items) for answer in item.answers]
    batch: Batch = {
        "slot_message": _pad([[slot[0] for slot in row] for row in rows], PADDING),
        "slot_movie": _pad([[slot[1] for slot in row] for row in rows], PADDING),
        "slot_speaker": _pad([[slot[2] for slot in row] for row in rows], 0),
        "slot_turn": _pad([[slot[3] for slot in row] for row in rows], 0),
        "rows": torch.tensor([row for row, _ in answers]),
        "ends": torch.tensor([ends[row][answer.after] for row, answer in answers]),
        "by_recommender": torch.tensor([answer.by_recommender for _, answer in answers]),
    }
    if not messages:
        return batch | {"message_ids": torch.zeros(0, 1, dtype=torch.long), "message_mask": torch.zeros(0, 1)}
    text = _texts(messages)
    if len(text) == 1:
        batch["message_vectors"] = text[0]
    else:
        batch["message_ids"], batch["message_mask"] = text
    return batch


def _texts(items: Sequence[Item] | Sequence[Spoken]) -> tuple[Tensor] | tuple[Tensor, Tensor]:
    """([B, D] vectors,) or ([B, L] token ids, [B, L] mask)."""
    vectors = [item.vector for item in items if item.vector is not None]
    if vectors:
        return (torch.stack(vectors),)
    # The padding value is hidden by the mask, so any id does.
    return _pad([i.tokens for i in items], 0), _pad([[1] * len(i.tokens) for i in items], 0)


def _pad(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    """Rows of different lengths -> [N, longest] int64; at least one column, so that an empty history has a shape."""
    padded = pad_sequence([torch.tensor(r, dtype=torch.long) for r in rows], batch_first=True, padding_value=value)
    return padded if padded.shape[1] else torch.full((len(rows), 1), value)
