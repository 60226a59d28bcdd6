"""A wish and a movie -> will the person like it, have they seen it? (ReDial asks both: Li et al. 2018, sec. 3.)"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recommender.data.collate import PADDING
from recommender.models.movie_embedding import MovieEmbedding


class OpinionHead(nn.Module):
    """One logit an opinion for pairs of a wish and a movie: what the wish asks of a movie's vector, plus what speaks
    for the movie whatever the wish. It teaches the layers that it shares with the ranking; nothing of it enters the
    scores."""

    def __init__(self, inputs: int, movies: MovieEmbedding, opinions: Sequence[str]) -> None:
        super().__init__()
        self.movies, self.opinions = movies, tuple(opinions)
        self.query = nn.Linear(inputs, len(self.opinions) * movies.width)
        self.bias = nn.Linear(movies.width, len(self.opinions))

    def forward(self, wish: Tensor, movies: Tensor) -> dict[str, Tensor]:
        """Wishes [B, inputs] and item indices [B, T] padded with -1 -> logits [B, T] of each opinion; those of padding
        mean nothing."""
        vectors = self.movies(movies.where(movies != PADDING, 0))  # [B, T, W]
        queries = self.query(wish).unflatten(1, (len(self.opinions), -1))  # [B, opinions, W]
        logits = torch.einsum("btw,bow->bto", vectors, queries) + self.bias(vectors)
        return dict(zip(self.opinions, logits.unbind(dim=-1), strict=True))
