"""Popularity, copy and item-kNN: what a model has to beat. They read the same batches and save the same way."""

from array import array
from collections.abc import Sequence
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from recommender.data.collate import PADDING, Batch, Item
from recommender.models.base import Recommender

PAIRS = 4_000_000  # of movies named together that are counted at a time


class Popularity(Recommender):
    """How often each movie is a target in the training data, whatever the wish."""

    learns_by_gradient = False
    counts: Tensor

    def __init__(self, movies: int) -> None:
        super().__init__()
        self.register_buffer("counts", torch.zeros(movies))

    def fit(self, items: Sequence[Item]) -> None:
        targets = torch.tensor([index for item in items for index in item.targets], dtype=torch.long)
        self.counts = torch.bincount(targets, minlength=len(self.counts)).float()

    def forward(self, batch: Batch) -> Tensor:
        return self.counts.expand(len(batch["mentioned"]), -1).clone()  # [B, V]


class Copy(Recommender):
    """The mentioned movies, latest first; every other movie scores nothing."""

    learns_by_gradient = False
    movies: Tensor

    def __init__(self, movies: int) -> None:
        super().__init__()
        self.register_buffer("movies", torch.tensor(movies))  # saved, so that the checkpoint is not empty

    def forward(self, batch: Batch) -> Tensor:
        mentioned = batch["mentioned"]  # [B, H]
        scores = torch.zeros(len(mentioned), int(self.movies) + 1, device=mentioned.device)
        position = torch.arange(1, mentioned.shape[1] + 1, device=mentioned.device, dtype=scores.dtype)
        columns = mentioned.masked_fill(mentioned == PADDING, int(self.movies))  # padding goes to a spare column
        return scores.scatter_(1, columns, position.expand_as(columns))[:, :-1]  # [B, V]


class ItemKnn(Recommender):
    """In how many training dialogues each movie was named together with the mentioned movies, summed over them.

    The counts are kept sparse: `rows[i]` to `rows[i + 1]` are the places in `columns` and `values` of the movies that
    were named with movie i.
    """

    learns_by_gradient = False
    rows: Tensor
    columns: Tensor
    values: Tensor

    def __init__(self, movies: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(movies + 1, dtype=torch.int32))
        self.register_buffer("columns", torch.zeros(0, dtype=torch.int32))
        self.register_buffer("values", torch.zeros(0))

    def fit(self, items: Sequence[Item]) -> None:
        size = len(self.rows) - 1
        cells, counts = torch.zeros(0, dtype=torch.long), torch.zeros(0, dtype=torch.long)
        pairs = array("q")  # eight bytes each, a fifth of what a list of numbers takes
        ordered = sorted(items, key=lambda item: item.dialogue)
        for _, parts in groupby(ordered, key=lambda item: item.dialogue):
            movies = {movie for item in parts for movie in (*item.exclude, *item.targets)}
            pairs.extend(i * size + j for i in movies for j in movies if i != j)
            if len(pairs) > PAIRS:
                cells, counts = _added_up(cells, counts, pairs)
                pairs = array("q")
        cells, counts = _added_up(cells, counts, pairs)
        self.rows[1:] = torch.bincount(cells // size, minlength=size).cumsum(0)
        self.columns, self.values = (cells % size).int(), counts.float()

    def add(self, movies: int) -> None:
        """Movies at the end that were named with no other."""
        self.rows = torch.cat([self.rows, self.rows[-1:].expand(movies)])

    def make_room(self, weights: dict[str, Tensor]) -> None:
        for name in ("columns", "values"):
            if name in weights:
                own: Tensor = getattr(self, name)
                setattr(self, name, own.new_empty(weights[name].shape))

    def forward(self, batch: Batch) -> Tensor:
        mentioned = batch["mentioned"]  # [B, H]
        scores = torch.zeros(len(mentioned), len(self.rows) - 1, device=mentioned.device)  # [B, V]
        for row, movies in zip(scores, mentioned.tolist(), strict=True):
            for movie in movies:
                if movie != PADDING:
                    part = slice(int(self.rows[movie]), int(self.rows[movie + 1]))
                    row.index_add_(0, self.columns[part], self.values[part])
        return scores


def _added_up(cells: Tensor, counts: Tensor, more: "array[int]") -> tuple[Tensor, Tensor]:
    """Cells in ascending order and how often each was met, with those of `more`."""
    found, places = torch.unique(torch.cat([cells, torch.from_numpy(np.asarray(more))]), return_inverse=True)
    times = torch.cat([counts, counts.new_ones(len(more))])
    return found, counts.new_zeros(len(found)).index_add(0, places, times)


class WeightedCounts(ItemKnn):
    """The logarithm of the counts, times a weight: what a model that learns by gradient adds to its scores.

    Not while it trains: the counts hold the answers of the very examples that are being learned.
    """

    def __init__(self, movies: int, weight: float) -> None:
        super().__init__(movies)
        self.weight = weight

    def forward(self, batch: Batch) -> Tensor:
        return self.weight * torch.log1p(super().forward(batch))

    def make_room(self, weights: dict[str, Tensor], prefix: str = "") -> None:
        super().make_room({n.removeprefix(prefix): t for n, t in weights.items() if n.startswith(prefix)})
