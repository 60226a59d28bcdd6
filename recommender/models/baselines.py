"""Popularity, copy and item-kNN: what a model has to beat. They read the same batches and save the same way."""

from collections.abc import Sequence

import torch
from torch import Tensor

from recommender.data.collate import PADDING, Batch, Item
from recommender.models.base import Recommender


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

    def __init__(self, movies: int) -> None:
        super().__init__()
        self.register_buffer("movies", torch.tensor(movies))

    def forward(self, batch: Batch) -> Tensor:
        mentioned = batch["mentioned"]  # [B, H]
        scores = torch.zeros(len(mentioned), int(self.movies) + 1, device=mentioned.device)
        position = torch.arange(1, mentioned.shape[1] + 1, device=mentioned.device, dtype=scores.dtype)
        columns = mentioned.masked_fill(mentioned == PADDING, int(self.movies))  # padding goes to a spare column
        return scores.scatter_(1, columns, position.expand_as(columns))[:, :-1]  # [B, V]


class ItemKnn(Recommender):
    """How often each movie was a target after the mentioned movies had been named, over all training examples.

    The counts are kept sparse: row i of `[V, V]` holds the targets that followed a mention of movie i.
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
        pairs = [(i, j) for item in items for i in item.mentioned for j in item.targets if i != j]
        size = len(self.rows) - 1
        indices = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).T
        counts = torch.sparse_coo_tensor(indices, torch.ones(len(pairs)), (size, size)).coalesce().to_sparse_csr()
        self.rows, self.columns = counts.crow_indices().int(), counts.col_indices().int()
        self.values = counts.values()

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        for name in ("columns", "values"):  # their length is only known from the file
            if name in weights:
                setattr(self, name, torch.empty_like(weights[name]))
        super().load_weights(weights)

    def forward(self, batch: Batch) -> Tensor:
        mentioned = batch["mentioned"]  # [B, H]
        size = len(self.rows) - 1
        counts = torch.sparse_csr_tensor(self.rows, self.columns, self.values, (size, size))
        one_hot = torch.zeros(len(mentioned), size + 1, device=mentioned.device)
        one_hot.scatter_(1, mentioned.masked_fill(mentioned == PADDING, size), 1.0)
        return (counts.T @ one_hot[:, :-1].T).T.contiguous()  # [B, V]
