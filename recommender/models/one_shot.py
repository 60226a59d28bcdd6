"""Text encoder + history encoder + head. The four experiments of Nguyen 2024 are four settings of this one class."""

from collections.abc import Sequence

import torch
from torch import Tensor

from recommender.config.models import AttentionSettings, CatalogueSettings, FfnSettings, GruSettings, OneShotSettings
from recommender.data.catalog import Catalog
from recommender.data.collate import PADDING, Batch, Item, collate_shared, pad
from recommender.data.examples import Example
from recommender.data.task import Task
from recommender.losses.objective import Objective
from recommender.losses.weighting import MOVIES, TAGS
from recommender.models.base import Context, ItemVectors, Recommender
from recommender.models.heads import CatalogueHead, FfnHead
from recommender.models.history_encoder import AttentionHistory, GruHistory
from recommender.models.item_knn import WeightedCounts
from recommender.models.movie_embedding import MovieEmbedding
from recommender.models.opinions import OpinionHead
from recommender.models.text_encoder import TextEncoder
from recommender.models.texts import text_tensors


class OneShotBatch(Batch, total=False):
    """One text a wish, and G tags: each either tokens or, of a frozen encoder, vectors."""

    input_ids: Tensor  # [B, L] int64
    attention_mask: Tensor  # [B, L] int64
    text_vectors: Tensor  # [B, D]
    tag_input_ids: Tensor  # [G, L]
    tag_attention_mask: Tensor  # [G, L]
    tag_text_vectors: Tensor  # [G, D]


class OneShotRecommender(Recommender):
    """The whole text of a wish at once, and the movies mentioned in it."""

    settings = OneShotSettings
    config: OneShotSettings
    text: TextEncoder

    def __init__(self, config: OneShotSettings, context: Context) -> None:
        super().__init__(config, context)
        self.text = TextEncoder(config.text)
        movies = len(context.catalog)
        embedding = MovieEmbedding(movies, config.embedding, context.movie_text if config.reads_movie_text else None)
        self.history = self._history(config, embedding)
        width = self.text.width + (self.history.width if self.history is not None else 0)
        if isinstance(config.head, CatalogueSettings):
            # One table for the movies that were named and the movies that are ranked.
            self.head: CatalogueHead | FfnHead = CatalogueHead(width, embedding, config.head.dropout)
        else:
            assert isinstance(config.head, FfnSettings)
            self.head = FfnHead(width, movies, config.head)
        self.empty_in_use = getattr(config.history, "empty_in_use", False)
        self.counts = WeightedCounts(context, config.counts_weight) if config.counts_weight else None
        self.opinions = OpinionHead(width, embedding, config.opinions) if config.opinions else None
        self.tag_head = FfnHead(self.text.width, movies, _tag_head(config)) if config.tags else None

    def _history(self, config: OneShotSettings, embedding: MovieEmbedding) -> GruHistory | AttentionHistory | None:
        if isinstance(config.history, GruSettings):
            return GruHistory(config.history, embedding)
        if isinstance(config.history, AttentionSettings):
            return AttentionHistory(config.history, embedding, self.text.width)
        return None

    def items(self, examples: Sequence[Example]) -> list[Item]:
        items, data = super().items(examples), self.context.data
        texts = self.text.texts([example.text for example in examples], data.max_tokens, data.keep_tokens)
        for item, text in zip(items, texts, strict=True):
            item.texts = (text,)
        return items

    def tag_items(self, task: Task) -> list[Item]:
        if self.tag_head is None:
            return []
        rows = task.tags()
        texts = self.text.texts([row.tag for row in rows], self.context.data.tag_max_tokens, "first")
        targets = self.context.catalog.indices(row.movie_id for row in rows)
        return [Item((text,), targets=[target]) for text, target in zip(texts, targets, strict=True)]

    def collate(self, items: Sequence[Item]) -> OneShotBatch:
        batch = OneShotBatch(**collate_shared(items))  # type: ignore[typeddict-item]  # whose own keys come below
        text = text_tensors([item.texts[0] for item in items])
        if len(text) == 1:
            batch["text_vectors"] = text[0]
        else:
            batch["input_ids"], batch["attention_mask"] = text
        if tags := [tag for item in items for tag in item.tags]:
            text = text_tensors([tag.texts[0] for tag in tags])
            batch["tag_targets"] = pad([tag.targets for tag in tags], PADDING)
            if len(text) == 1:
                batch["tag_text_vectors"] = text[0]
            else:
                batch["tag_input_ids"], batch["tag_attention_mask"] = text
        return batch

    def forward(self, batch: OneShotBatch) -> Tensor:  # type: ignore[override]  # of its own `collate`
        return self._scores(self._wish(batch), batch)

    def losses(self, batch: OneShotBatch, objective: Objective) -> dict[str, Tensor]:  # type: ignore[override]
        candidates = objective.candidates(batch["targets"])
        if candidates is not None:
            batch = {**batch, "candidates": candidates.indices}
        wish = self._wish(batch)
        scores = self._scores(wish, batch)
        opinions = {} if self.opinions is None else self.opinions(wish, batch["targets"])
        losses = {MOVIES: objective.ranking(scores, batch["targets"], batch.get("engagement"), candidates)}
        if self.tag_head is not None and "tag_targets" in batch:
            losses[TAGS] = objective.tags(self.tag_head(self._tag_texts(batch)), batch["tag_targets"])
        return losses | objective.opinions(opinions, batch)

    def _wish(self, batch: OneShotBatch) -> Tensor:
        """What the head reads [B, inputs]."""
        if "text_vectors" in batch:
            text = batch["text_vectors"]
        else:
            text = self.text(batch["input_ids"], batch["attention_mask"])  # [B, D]
        mentioned = batch["mentioned"]
        if self.empty_in_use and not self.training:
            mentioned = torch.full_like(mentioned, PADDING)
        return self.wish(text, mentioned)

    def _tag_texts(self, batch: OneShotBatch) -> Tensor:
        """Through the same encoder as the wishes [G, D]."""
        if "tag_text_vectors" in batch:
            return batch["tag_text_vectors"]
        found: Tensor = self.text(batch["tag_input_ids"], batch["tag_attention_mask"])
        return found

    def _scores(self, wish: Tensor, batch: OneShotBatch) -> Tensor:
        candidates = batch.get("candidates")
        scores: Tensor = self.head(wish, candidates)
        if self.counts is not None and not self.training:
            counted = self.counts(batch)
            scores = scores + (counted if candidates is None else counted[:, candidates])
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

    def add_movies(self, catalog: Catalog, texts: Tensor, like: Sequence[int]) -> None:
        super().add_movies(catalog, texts, like)
        assert isinstance(self.head, CatalogueHead)
        nothing = torch.tensor(self.text.tokenize([""], 8, "last"), device=texts.device)  # [1, L]
        wish = self.wish(self.text(nothing, torch.ones_like(nothing)), torch.full_like(nothing[:, :1], PADDING))
        self.head.add(texts, wish, like)
        if self.counts is not None:
            self.counts.add(len(texts), like)

    @torch.no_grad()
    def item_vectors(self) -> ItemVectors:
        """The rows that a wish's vector is multiplied with."""
        vectors, bias = self.head.item_vectors()
        return ItemVectors(vectors.detach(), bias.detach())

    @property
    def scores_by_vectors(self) -> bool:
        """Not where counts join the scores."""
        return self.counts is None

    def encode(self, batch: OneShotBatch) -> Tensor:  # type: ignore[override]
        queries: Tensor = self.head.query(self._wish(batch))
        return queries


def _tag_head(config: OneShotSettings) -> FfnSettings:
    """The tag task has a feed-forward head whatever the movies' head is."""
    return config.head if isinstance(config.head, FfnSettings) else FfnSettings(dropout=config.head.dropout)
