"""Popularity, copy and item-kNN: what a model has to beat. They read the same batches and save the same way."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import torch
from torch import Tensor

from recommender.data.collate import PADDING, Batch, Item
from recommender.models.base import Recommender

PAIRS_AT_ONCE = 2**23


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
    """In how many training dialogues each movie was named together with the mentioned movies (or watched by how many
    people who watched these), summed over them.

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
        ordered = sorted(items, key=lambda item: item.dialogue)
        groups = (
            {movie for item in parts for movie in (*item.exclude, *item.targets)}
            for _, parts in groupby(ordered, key=lambda item: item.dialogue)
        )
        cells, counts = _pairs(groups, size)
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


def _pairs(groups: Iterable[set[int]], size: int) -> tuple[Tensor, Tensor]:
    """How many groups hold columns i and j both, i and j not the same: cells i * size + j [C] in order, counts [C].

    Added up some millions of pairs at a time: those of people who rated hundreds of movies each would not fit at once.
    """
    cells = counts = torch.zeros(0, dtype=torch.long)
    waiting: list[Tensor] = []
    length = 0
    for group in groups:
        columns = torch.tensor(list(group), dtype=torch.long)
        pairs = columns.unsqueeze(1) * size + columns  # [G, G]
        waiting.append(pairs[~torch.eye(len(columns), dtype=torch.bool)])
        length += len(waiting[-1])
        if length > PAIRS_AT_ONCE:
            cells, counts = _added(cells, counts, waiting)
            waiting, length = [], 0
    return _added(cells, counts, waiting)


def _added(cells: Tensor, counts: Tensor, more: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    found, places = torch.unique(torch.cat([cells, *more]), return_inverse=True)  # sorted: row by row
    ones = torch.ones(len(places) - len(cells), dtype=torch.long)
    return found, torch.zeros_like(found).index_add_(0, places, torch.cat([counts, ones]))


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
