"""EASE: a linear item-to-item model in closed form (Steck 2019, "Embarrassingly shallow autoencoders")."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy import linalg
from torch import Tensor

from recommender.config.models import EaseSettings
from recommender.data.collate import PADDING, Batch, Item
from recommender.errors import RecommenderError
from recommender.models.base import Context, Recommender
from recommender.models.histories import memberships, recency

MOST_MOVIES = 20_000  # the weights of so many take 1.6 GB, fitting them four times that


class Ease(Recommender):
    """score(j) = sum over the mentioned movies i of decay ** (movies mentioned after i) * weights[i, j].

    The weights [M, M] are the ridge regression of each movie on all others, `l2` being the penalty; `movies` [M] are
    the indices of the movies that occur in the training data, and `place` [V] where each movie stands among them.
    """

    settings = EaseSettings
    movies: Tensor
    weights: Tensor

    def __init__(self, config: EaseSettings, context: Context) -> None:
        super().__init__(config, context)
        self.size, self.l2, self.decay = len(context.catalog), config.l2, config.decay
        self.register_buffer("movies", torch.zeros(0, dtype=torch.int32))
        self.register_buffer("weights", torch.zeros(0, 0))

    def fit(self, items: Sequence[Item]) -> None:
        """Raises `RecommenderError` when more movies occur than `MOST_MOVIES`."""
        groups = memberships(items, self.size)
        movies = np.unique(groups.indices)  # [M]
        if len(movies) > MOST_MOVIES:
            raise RecommenderError(
                f"EASE keeps a weight for every pair of movies: {len(movies):,} movies would take "
                f"{len(movies) ** 2 * 4 / 2**30:.0f} GiB. At most {MOST_MOVIES:,} movies can be fitted; "
                "use item_knn for larger data."
            )
        occurring = groups[:, movies]
        gram = (occurring.T @ occurring).toarray()  # [M, M]
        gram[np.diag_indices_from(gram)] += self.l2
        precision = linalg.inv(gram, overwrite_a=True, check_finite=False)
        weights = precision / -precision.diagonal()
        np.fill_diagonal(weights, 0.0)
        device = self.movies.device
        self.movies = torch.tensor(movies, dtype=torch.int32, device=device)
        self.weights = torch.tensor(weights, dtype=torch.float32, device=device)

    def make_room(self, weights: dict[str, Tensor]) -> None:
        for name in ("movies", "weights"):
            if name in weights:
                own: Tensor = getattr(self, name)
                setattr(self, name, own.new_empty(weights[name].shape))

    def forward(self, batch: Batch) -> Tensor:
        mentioned = batch["mentioned"]  # [B, H]
        scores = self.weights.new_zeros(len(mentioned), self.size)  # [B, V]
        movies = self.movies.long()
        # Movies that do not occur take part in nothing; padding goes to a spare column.
        wishes = scores.new_zeros(len(mentioned), self.size + 1)
        wishes.scatter_(1, mentioned.where(mentioned != PADDING, self.size), recency(mentioned, self.decay))
        scores[:, movies] = wishes[:, movies] @ self.weights
        return scores
