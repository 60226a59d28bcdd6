"""Text encoder + history encoder + head. The four experiments of Nguyen 2024 are four settings of this one class."""

from collections.abc import Sequence

import torch
from torch import Tensor

from recommender.config.models import AttentionSettings, CatalogueSettings, FfnSettings, GruSettings, OneShotSettings
from recommender.data.collate import PADDING, Batch, Item
from recommender.models.base import DotProducts, Outputs, Recommender
from recommender.models.baselines import WeightedCounts
from recommender.models.heads import CatalogueHead, FfnHead
from recommender.models.history_encoder import AttentionHistory, GruHistory
from recommender.models.movie_embedding import MovieEmbedding
from recommender.models.opinions import OpinionHead
from recommender.models.text_encoder import TextEncoder


class OneShotRecommender(Recommender):
    """`movies` is V; `movie_text` [V, D] holds the vectors of the movies' texts, which the catalogue head needs."""

    text: TextEncoder

    def __init__(self, config: OneShotSettings, movies: int, movie_text: Tensor | None = None) -> None:
        super().__init__()
        if config.head.kind == "catalogue" and movie_text is None:
            raise ValueError("the catalogue head needs movie_text [V, D]")
        self.text = TextEncoder(config.text)
        catalogue = config.head.kind == "catalogue"
        embedding = MovieEmbedding(movies, config.embedding, movie_text if catalogue else None)
        self.history = self._history(config, embedding)
        width = self.text.width + (self.history.width if self.history is not None else 0)
        if isinstance(config.head, CatalogueSettings):
            # One table for the movies that were named and the movies that are ranked.
            self.head: CatalogueHead | FfnHead = CatalogueHead(width, embedding, config.head.dropout)
        else:
            assert isinstance(config.head, FfnSettings)
            self.head = FfnHead(width, movies, config.head)
        self.empty_in_use = getattr(config.history, "empty_in_use", False)
        self.counts = WeightedCounts(movies, config.counts_weight) if config.counts_weight else None
        self.opinions = OpinionHead(width, embedding, config.opinions) if config.opinions else None
        self.tag_head = FfnHead(self.text.width, movies, _tag_head(config)) if config.tags else None

    def _history(self, config: OneShotSettings, embedding: MovieEmbedding) -> GruHistory | AttentionHistory | None:
        if isinstance(config.history, GruSettings):
            return GruHistory(config.history, embedding)
        if isinstance(config.history, AttentionSettings):
            return AttentionHistory(config.history, embedding, self.text.width)
        return None

    def forward(self, batch: Batch) -> Tensor:
        return self._scores(self._wish(batch), batch)

    def outputs(self, batch: Batch) -> Outputs:
        wish = self._wish(batch)
        scores = self._scores(wish, batch)
        return Outputs(scores, self.opinions(wish, batch["targets"])) if self.opinions is not None else Outputs(scores)

    def _wish(self, batch: Batch) -> Tensor:
        """What the head reads [B, inputs]."""
        if "text_vectors" in batch:
            text = batch["text_vectors"]
        else:
            text = self.text(batch["input_ids"], batch["attention_mask"])  # [B, D]
        mentioned = batch["mentioned"]
        if self.empty_in_use and not self.training:
            mentioned = torch.full_like(mentioned, PADDING)
        return self.wish(text, mentioned)

    def _scores(self, wish: Tensor, batch: Batch) -> Tensor:
        columns = batch.get("columns")
        scores: Tensor = self.head(wish, columns)
        if self.counts is not None and not self.training:
            counted = self.counts(batch)
            scores = scores + (counted if columns is None else counted[:, columns])
        return scores

    def fit(self, items: Sequence[Item]) -> None:
        if self.counts is not None:
            self.counts.fit(items)

    def make_room(self, weights: dict[str, Tensor]) -> None:
        if self.counts is not None:
            self.counts.make_room(weights, "counts.")

    def wish(self, text: Tensor, mentioned: Tensor) -> Tensor:
        """Text vectors [B, D] and mentioned movies [B, H] -> [B, inputs]."""
        return text if self.history is None else torch.cat([text, self.history(mentioned, text)], dim=1)

    def tag_scores(self, batch: Batch) -> Tensor:
        """Through the same encoder as the wishes."""
        if self.tag_head is None:
            return super().tag_scores(batch)
        if "tag_text_vectors" in batch:
            text = batch["tag_text_vectors"]
        else:
            text = self.text(batch["tag_input_ids"], batch["tag_attention_mask"])
        scores: Tensor = self.tag_head(text)
        return scores

    def add_movies(self, texts: Tensor, like: Sequence[int]) -> None:
        if not isinstance(self.head, CatalogueHead):
            super().add_movies(texts, like)
            return
        nothing = torch.tensor(self.tokenize([""], 8, "last"), device=texts.device)  # [1, L]
        wish = self.wish(self.text(nothing, torch.ones_like(nothing)), torch.full_like(nothing[:, :1], PADDING))
        self.head.add(texts, wish, like)
        if self.counts is not None:
            self.counts.add(len(texts))

    @torch.no_grad()
    def dot_products(self) -> DotProducts | None:
        """None where counts join the scores."""
        if self.counts is not None:
            return None
        vectors, bias = self.head.dot_products()
        return DotProducts(vectors.detach(), bias.detach())

    def queries(self, batch: Batch) -> Tensor:
        queries: Tensor = self.head.query(self._wish(batch))
        return queries

    @torch.no_grad()
    def movie_vectors(self) -> Tensor:
        """The rows that a wish's vector is multiplied with."""
        if isinstance(self.head, CatalogueHead):
            return self.head.movies.table()
        return self.head.dot_products()[0].detach()


def _tag_head(config: OneShotSettings) -> FfnSettings:
    """The tag task has a feed-forward head whatever the movies' head is."""
    return config.head if isinstance(config.head, FfnSettings) else FfnSettings(dropout=config.head.dropout)
