"""The training items and the order in which they are read."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers.trainer_pt_utils import LengthGroupedSampler

from recommender.data.collate import Item


class WishSet(Dataset[Item]):
    """The training items, each with its share of the tag rows.

    Step by step the tag task walks through a fresh permutation an epoch; which rows belong to an item depends on
    the seed, the epoch and the item alone, so that a resumed run sees the same ones.
    """

    def __init__(self, items: list[Item], tags: list[Item], tags_per_item: int, seed: int) -> None:
        self.items, self.tags, self.tags_per_item, self.seed = items, tags, tags_per_item, seed
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        self.order = np.random.default_rng((self.seed, epoch)).permutation(len(self.tags))

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Item:
        item = self.items[index]
        if not self.tags:
            return item
        first = index * self.tags_per_item
        rows = [self.order[i % len(self.tags)] for i in range(first, first + self.tags_per_item)]
        return replace(item, tags=[self.tags[row] for row in rows])


class SharedOrder(LengthGroupedSampler):
    """Batches of like length in an order that depends on the seed and the epoch alone: the same in every process."""

    def __init__(self, wishes: WishSet, batch_size: int) -> None:
        self.wishes = wishes
        super().__init__(batch_size, lengths=[item.length for item in wishes.items], generator=torch.Generator())

    def __iter__(self) -> Iterator[int]:
        state = np.random.SeedSequence((self.wishes.seed, self.wishes.epoch)).generate_state(1)
        self.generator.manual_seed(int(state[0]))
        return iter(super().__iter__())  # type: ignore[no-untyped-call]
