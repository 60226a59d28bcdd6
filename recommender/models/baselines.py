"""Popularity and copy: the two simplest baselines. They read the same batches as the models and save the same way."""

from collections.abc import Sequence

import torch
from torch import Tensor

from recommender.config.models import CopySettings, PopularitySettings
from recommender.data.collate import PADDING, Batch, Item
from recommender.models.base import Context, Recommender


class Popularity(Recommender):
    """How often each movie is a target in the training data, whatever the wish."""

    settings = PopularitySettings
    counts: Tensor

    def __init__(self, config: PopularitySettings, context: Context) -> None:
        super().__init__(config, context)
        self.register_buffer("counts", torch.zeros(len(context.catalog)))

    def fit(self, items: Sequence[Item]) -> None:
        targets = torch.tensor(
            [index for item in items for targets in item.target_lists for index in targets], dtype=torch.long
        )
        self.counts = torch.bincount(targets, minlength=len(self.counts)).float()

    def forward(self, batch: Batch) -> Tensor:
        return self.counts.expand(len(batch["mentioned"]), -1).clone()  # [B, V]


class Copy(Recommender):
    """The mentioned movies, latest first; every other movie scores nothing."""

    settings = CopySettings
    movies: Tensor

    def __init__(self, config: CopySettings, context: Context) -> None:
        super().__init__(config, context)
        self.register_buffer("movies", torch.tensor(len(context.catalog)))  # saved, so that the checkpoint is not empty

    def forward(self, batch: Batch) -> Tensor:
        mentioned = batch["mentioned"]  # [B, H]
        scores = torch.zeros(len(mentioned), int(self.movies) + 1, device=mentioned.device)
        position = torch.arange(1, mentioned.shape[1] + 1, device=mentioned.device, dtype=scores.dtype)
        indices = mentioned.masked_fill(mentioned == PADDING, int(self.movies))  # padding goes to a spare column
        return scores.scatter_(1, indices, position.expand_as(indices))[:, :-1]  # [B, V]
