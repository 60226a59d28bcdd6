"""A wish's vector -> one score a movie."""

import torch
from torch import Tensor, nn

from recommender.config import HeadConfig
from recommender.models.movie_embedding import MovieEmbedding


def ffn_head(inputs: int, movies: int, config: HeadConfig) -> nn.Sequential:
    """The paper's head (Nguyen 2024): [B, inputs] -> [B, V]. The tag head is another of the same shape."""
    return nn.Sequential(
        nn.Dropout(config.dropout),
        nn.Linear(inputs, config.hidden),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, movies),
    )


class CatalogueHead(nn.Module):
    """Dot product of the wish with every movie's vector, plus a bias that learns the movie's popularity."""

    def __init__(self, inputs: int, movies: MovieEmbedding, config: HeadConfig) -> None:
        super().__init__()
        self.movies = movies
        self.query = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(inputs, movies.width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(movies.width, movies.width),
        )
        self.bias = nn.Parameter(torch.zeros(movies.learned.num_embeddings))

    def forward(self, wish: Tensor) -> Tensor:
        return self.movies.scores(self.query(wish)) + self.bias  # [B, V]
