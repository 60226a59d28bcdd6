"""Popularity and copy: the two simplest baselines. They read the same batches as the models and save the same way."""

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
    movies: Tensor

    def __init__(self, movies: int) -> None:
        super().__init__()
        self.register_buffer("movies", torch.tensor(movies))  # saved, so that the checkpoint is not empty

    def forward(self, batch: Batch) -> Tensor:
        mentioned = batch["mentioned"]  # [B, H]
        scores = torch.zeros(len(mentioned), int(self.movies) + 1, device=mentioned.device)
        position = torch.arange(1, mentioned.shape[1] + 1, device=mentioned.device, dtype=scores.dtype)
        indices = mentioned.masked_fill(mentioned == PADDING, int(self.movies))  # padding goes to a spare column
        return scores.scatter_(1, indices, position.expand_as(indices))[:, :-1]  # [B, V]
