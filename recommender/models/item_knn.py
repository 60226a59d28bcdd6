"""Item-based nearest neighbours: movies score by how often they were named together with the movies of the wish."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from recommender.config import DIALOGUE_PROTOCOLS
from recommender.config.models import ItemKnnSettings
from recommender.data.collate import PADDING, Batch, Item
from recommender.data.examples import distinct_ids
from recommender.data.task import Task
from recommender.models.base import Context, Recommender
from recommender.models.histories import memberships, recency


class ItemKnn(Recommender):
    """Asymmetric cosine with shrinkage (Sarwar et al. 2001; Aiolli 2013), recency and a popularity prior.

        score(j) = prior * p(j) + sum over the mentioned movies i of decay ** (movies mentioned after i) * s(i, j)
        s(i, j)  = n(i, j) / ((n(i) + shrinkage) ** mentioned_power * (n(j) + shrinkage) ** candidate_power)

    n(i, j) is the number of training dialogues that name both movies (or of people who watched both), n(i) of those
    that name i, and p(j) = n(j) / max n. A wish that names no movie is ranked by popularity.

    The similarities are kept sparse: `rows[i]` to `rows[i + 1]` are the places in `columns` and `values` of the
    neighbours of movie i. Weights of older versions hold raw counts there, and no `decay` and `popularity`: they go on
    scoring as the plain sum of counts.
    """

    settings = ItemKnnSettings
    rows: Tensor
    columns: Tensor
    values: Tensor
    popularity: Tensor
    decay: Tensor

    def __init__(self, config: ItemKnnSettings, context: Context) -> None:
        super().__init__(config, context)
        movies = len(context.catalog)
        self.shrinkage, self.prior = config.shrinkage, config.prior
        self.mentioned_power, self.candidate_power = config.mentioned_power, config.candidate_power
        self.register_buffer("rows", torch.zeros(movies + 1, dtype=torch.int32))
        self.register_buffer("columns", torch.zeros(0, dtype=torch.int32))
        self.register_buffer("values", torch.zeros(0))
        self.register_buffer("popularity", torch.zeros(movies))  # with the prior's weight
        self.register_buffer("decay", torch.tensor(config.decay))

    def training_items(self, task: Task) -> list[Item]:
        """One item a training dialogue, with every movie that either speaker names, whatever the protocol asks for; of
        ratings one an example."""
        if task.protocol not in DIALOGUE_PROTOCOLS:
            return super().training_items(task)
        catalog = self.context.catalog
        named = ((dialogue.dialogue_id, distinct_ids(dialogue.messages)) for dialogue in task.split("train"))
        return [
            Item((), targets=catalog.indices(filter(catalog.has, movie_ids)), dialogue=dialogue_id)
            for dialogue_id, movie_ids in named
        ]

    def fit(self, items: Sequence[Item]) -> None:
        groups = memberships(items, len(self.rows) - 1)
        together = sparse.csr_array(groups.T @ groups)  # [V, V]
        named = together.diagonal()  # [V]
        together.setdiag(0)
        together.eliminate_zeros()
        together.sort_indices()
        size = np.maximum(named + self.shrinkage, 1.0)
        mentioned, candidates = (sparse.diags_array(size**-p) for p in (self.mentioned_power, self.candidate_power))
        self._keep(
            sparse.csr_array(mentioned @ together @ candidates), self.prior * named / max(named.max(initial=0.0), 1.0)
        )

    def _keep(self, similarities: sparse.csr_array, popularity: np.ndarray) -> None:
        device = self.rows.device
        self.rows = torch.tensor(similarities.indptr, dtype=torch.int32, device=device)
        self.columns = torch.tensor(similarities.indices, dtype=torch.int32, device=device)
        self.values = torch.tensor(similarities.data, dtype=torch.float32, device=device)
        self.popularity = torch.tensor(popularity, dtype=torch.float32, device=device)

    def add(self, movies: int, like: Sequence[int]) -> None:
        """Movies at the end that were named with no other, as popular as the movies `like` on average."""
        self.rows = torch.cat([self.rows, self.rows[-1:].expand(movies)])
        self.popularity = torch.cat([self.popularity, self.popularity[like].mean().expand(movies)])

    def make_room(self, weights: dict[str, Tensor], prefix: str = "") -> None:
        """Take the length of the saved similarities, and complete the weights of older versions."""
        for name in ("columns", "values"):
            if prefix + name in weights:
                own: Tensor = getattr(self, name)
                setattr(self, name, own.new_empty(weights[prefix + name].shape))
        if prefix + "values" in weights:
            weights.setdefault(prefix + "popularity", torch.zeros_like(self.popularity))
            weights.setdefault(prefix + "decay", torch.ones_like(self.decay))

    def forward(self, batch: Batch) -> Tensor:
        mentioned = batch["mentioned"]  # [B, H]
        named = mentioned != PADDING
        wishes, movies = named.nonzero()[:, 0], mentioned[named]  # both [N], a row each mention
        weights = recency(mentioned, self.decay)[named]  # [N]
        lengths = self.rows.diff()[movies]  # [N]
        # C neighbours, those of one mention after the other.
        mention = torch.arange(len(movies), device=movies.device).repeat_interleave(lengths)  # [C]
        shift = self.rows[movies] - (lengths.cumsum(0) - lengths)  # [N], from a neighbour's place to that in `values`
        places = torch.arange(len(mention), device=movies.device) + shift[mention]  # [C]
        scores = self.popularity.repeat(len(mentioned), 1)  # [B, V]
        cells = wishes[mention] * scores.shape[1] + self.columns[places]
        scores.view(-1).index_add_(0, cells, self.values[places] * weights[mention])
        return scores


class WeightedCounts(ItemKnn):
    """weight * log(1 + score / floor), score being that of item-kNN: what a model that learns by gradient adds to its
    scores. It adds nothing to a wish that names no movie: how popular movies are the model knows itself.

    Not while it trains: the counts hold the targets of the very examples that are being learned.
    """

    def __init__(self, context: Context, weight: float, floor: float = 0.02) -> None:
        # Popular candidates are held back more than in the baseline, since the model's own scores favour them.
        super().__init__(ItemKnnSettings(mentioned_power=0.9, candidate_power=0.4, prior=0.01), context)
        self.weight, self.floor = weight, floor

    def fit(self, items: Sequence[Item]) -> None:
        super().fit(items)
        self.values /= self.floor
        self.popularity /= self.floor

    def forward(self, batch: Batch) -> Tensor:
        named = (batch["mentioned"] != PADDING).any(dim=1, keepdim=True)  # [B, 1]
        return self.weight * torch.log1p(super().forward(batch)) * named
