"""A wish's vector -> one score a movie."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recommender.config.models import FfnSettings
from recommender.data.indices import rows_of
from recommender.models.movie_embedding import MovieEmbedding


class FfnHead(nn.Sequential):
    """The paper's head (Nguyen 2024): [B, inputs] -> [B, V]. The tag head is another of the same shape."""

    def __init__(self, inputs: int, movies: int, config: FfnSettings) -> None:
        super().__init__(
            nn.Dropout(config.dropout),
            nn.Linear(inputs, config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, movies),
        )

    def forward(self, wish: Tensor, candidates: Tensor | None = None) -> Tensor:
        """With `candidates` [C] the scores of those movies alone [B, C]."""
        weight, bias = self.item_vectors()
        return nn.functional.linear(self.query(wish), rows_of(weight, candidates), rows_of(bias, candidates))

    def query(self, wish: Tensor) -> Tensor:
        """What the movies' vectors are multiplied with [B, W]."""
        for layer in list(self)[:-1]:
            wish = layer(wish)
        return wish

    def item_vectors(self) -> tuple[Tensor, Tensor]:
        """Vectors [V, W] and biases [V]."""
        last: nn.Linear = self[-1]  # type: ignore[assignment]
        return last.weight, last.bias


class CatalogueHead(nn.Module):
    """Dot product of the wish with every movie's vector, plus a bias that learns the movie's popularity."""

    def __init__(self, inputs: int, movies: MovieEmbedding, dropout: float) -> None:
        super().__init__()
        self.movies = movies
        self.query = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(inputs, movies.width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(movies.width, movies.width),
        )
        self.bias = nn.Parameter(torch.zeros(movies.learned.num_embeddings))
        # How popular a movie is of which nothing is known; learned from those that item dropout hides, if any.
        self.unknown = nn.Parameter(torch.zeros(())) if movies.dropout else None

    @torch.no_grad()
    def add(self, texts: Tensor, wish: Tensor, like: Sequence[int]) -> None:
        """Movies at the end that nothing was learned of, as popular as those in `like` (item indices): for a wish that
        says nothing [1, inputs] their texts' part is lifted by what is learned of those, on average."""
        items = torch.tensor(like, device=wish.device)
        self.movies.sample_dropout()
        learned = self(wish)[0, items] - self.movies.scores_by_text(self.query(wish))[0, items]
        self.movies.add(texts)
        self.bias = nn.Parameter(torch.cat([self.bias, learned.mean().expand(len(texts))]))

    def forward(self, wish: Tensor, candidates: Tensor | None = None) -> Tensor:
        """[B, V], or the scores of the movies in `candidates` [C] alone [B, C]."""
        known = self.movies.known
        bias = rows_of(self.bias, candidates)
        if known is not None and self.unknown is not None:
            bias = torch.where(rows_of(known, candidates) > 0, bias, self.unknown)
        return self.movies.scores(self.query(wish), candidates) + bias

    def item_vectors(self) -> tuple[Tensor, Tensor]:
        """Vectors [V, W] and biases [V]."""
        return self.movies.table(), self.bias
