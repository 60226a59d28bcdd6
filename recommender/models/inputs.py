"""Examples and tags -> the items a model reads. With a frozen encoder every text becomes its vector, once."""

from collections.abc import Sequence
from pathlib import Path

from recommender.config import DataConfig
from recommender.data.catalog import Catalog
from recommender.data.collate import Item, to_items
from recommender.data.examples import Example
from recommender.data.movielens import TagRow
from recommender.models.base import Recommender
from recommender.models.vector_cache import cached_vectors


def example_items(
    model: Recommender, examples: Sequence[Example], catalog: Catalog, config: DataConfig, cache: Path
) -> list[Item]:
    return _with_vectors(model, to_items(examples, catalog, config, model.tokenize), cache)


def tag_items(
    model: Recommender, tags: Sequence[TagRow], catalog: Catalog, config: DataConfig, cache: Path
) -> list[Item]:
    """One item a (tag text -> movie) row."""
    tokens = model.tokenize([row.tag for row in tags], config.tag_max_tokens, "first")
    items = [Item(ids, targets=[catalog.index(row.movie_id)]) for ids, row in zip(tokens, tags, strict=True)]
    return _with_vectors(model, items, cache)


def _with_vectors(model: Recommender, items: list[Item], cache: Path) -> list[Item]:
    if model.text is not None and model.text.config.train == "none":
        vectors = cached_vectors(model.text, [item.tokens for item in items], cache)
        for item, vector in zip(items, vectors, strict=True):
            item.vector = vector
    return items
