"""Examples and tags -> the items a model reads. With a frozen encoder every text becomes its vector, once."""

from collections.abc import Sequence
from pathlib import Path

from recommender.config import DataConfig
from recommender.data.catalog import Catalog
from recommender.data.collate import Item, Spoken, to_items
from recommender.data.examples import Example
from recommender.data.messages import packed, to_message_items
from recommender.data.tags import TagRow
from recommender.models.base import Recommender
from recommender.models.vector_cache import cached_vectors


def items_of(model: Recommender, examples: Sequence[Example], catalog: Catalog, config: DataConfig) -> list[Item]:
    """One item an example, in the form that the model reads, without vectors."""
    if model.reads_messages:
        return to_message_items(examples, catalog, config, model.tokenize, model.reads_movies)
    return to_items(examples, catalog, config, model.tokenize)


def learning_items(model: Recommender, items: list[Item]) -> list[Item]:
    """What is trained on: for a model of messages the items of a dialogue are one."""
    return packed(items) if model.reads_messages else items


def example_items(
    model: Recommender, examples: Sequence[Example], catalog: Catalog, config: DataConfig, cache: Path
) -> list[Item]:
    items = items_of(model, examples, catalog, config)
    add_vectors(model, items, cache)
    return items


def tag_items(
    model: Recommender, tags: Sequence[TagRow], catalog: Catalog, config: DataConfig, cache: Path
) -> list[Item]:
    """One item a (tag text -> movie) row."""
    tokens = model.tokenize([row.tag for row in tags], config.tag_max_tokens, "first")
    items = [Item(ids, targets=[catalog.index(row.movie_id)]) for ids, row in zip(tokens, tags, strict=True)]
    add_vectors(model, items, cache)
    return items


def texts_of(items: Sequence[Item]) -> list[Item | Spoken]:
    """What has tokens: the items themselves, or their messages, each once."""
    if any(item.answers for item in items):
        return list({id(message): message for item in items for message in item.messages}.values())
    return list(items)


def add_vectors(model: Recommender, items: Sequence[Item], cache: Path) -> None:
    if model.text is not None and model.text.config.train == "none":
        texts = texts_of(items)
        vectors = cached_vectors(model.text, [text.tokens for text in texts], cache)
        for text, vector in zip(texts, vectors, strict=True):
            text.vector = vector
