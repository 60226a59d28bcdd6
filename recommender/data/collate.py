"""Examples in numbers: items, and the part of a batch that every model reads."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from recommender.config import DataConfig
from recommender.data.catalog import Catalog
from recommender.data.engagement import FACTS, Engagement, numbers_of
from recommender.data.examples import Example

PADDING = -1  # in `mentioned` and `targets`; never an item index


class Batch(TypedDict, total=False):
    """B items with R rows: an item has one row for each list of targets. A model adds keys of its own in a subclass."""

    mentioned: Tensor  # [B, H] int64, padded with -1 on the right, in order of mention
    targets: Tensor  # [R, T] int64, padded with -1
    engagement: Tensor  # [R, T, F] float32, what is known of each target, NaN where nothing is; absent if of none
    candidates: Tensor  # [C] int64, ascending, each once: the movies to score; absent for the whole catalogue
    tag_targets: Tensor  # [G, 1] int64, of the tag task


@dataclass(slots=True)
class Text:
    """Token ids, and the vector [D] that a frozen encoder makes of them, where it is computed once."""

    tokens: Sequence[int]
    vector: Tensor | None = None


@dataclass(slots=True)
class Item:
    """One example in numbers. `texts` is what a text encoder reads of it, `mentioned` what the model reads of the
    movies named before, which may be cut, and `named` all of them. `engagement` is what is known of each target, or
    empty. `tags` are items of the tag task that are learned beside it.
    """

    texts: Sequence[Text] = ()
    mentioned: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    named: list[int] = field(default_factory=list)
    dialogue: str = ""  # the dialogue or the person it comes from
    engagement: Sequence[Engagement] = ()
    tags: Sequence["Item"] = ()

    @property
    def length(self) -> int:
        """What padding grows with: the word pieces that are still to be encoded."""
        return sum(len(text.tokens) for text in self.texts if text.vector is None)

    @property
    def target_lists(self) -> list[list[int]]:
        """The targets of each row."""
        return [self.targets]

    @property
    def engagement_lists(self) -> list[Sequence[Engagement]]:
        """What is known of the targets of each row: as long as these, or empty."""
        return [self.engagement]


def to_item(example: Example, catalog: Catalog, config: DataConfig) -> Item:
    """Movie ids -> item indices, without any text."""
    named = catalog.indices(example.mentioned)
    kept = named[: config.max_mentioned] if config.keep_mentioned == "first" else named[-config.max_mentioned :]
    targets = catalog.indices(example.targets)
    return Item((), kept, targets, named, example.dialogue_id, example.target_engagement)


def collate_shared(items: Sequence[Item]) -> Batch:
    """Pad to the longest history and list of targets of this batch, and no further."""
    batch: Batch = {
        "mentioned": pad([item.mentioned for item in items], PADDING),
        "targets": pad([targets for item in items for targets in item.target_lists], PADDING),
    }
    known = [facts for item in items for facts in item.engagement_lists]
    if any(known):
        batch["engagement"] = _engagement(known, batch["targets"].shape[1])
    return batch


def _engagement(rows: Sequence[Sequence[Engagement]], width: int) -> Tensor:
    """[R, width, F], NaN where nothing is known."""
    table = torch.full((len(rows), width, len(FACTS)), torch.nan)
    for place, row in enumerate(rows):
        if row:
            table[place, : len(row)] = torch.tensor(numbers_of(row))
    return table


def pad(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    """Rows of different lengths -> [N, longest] int64; at least one column, so that an empty history has a shape."""
    padded = pad_sequence([torch.tensor(r, dtype=torch.long) for r in rows], batch_first=True, padding_value=value)
    return padded if padded.shape[1] else torch.full((len(rows), 1), value)
