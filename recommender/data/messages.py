"""Examples -> items of messages, for a model that reads a dialogue message by message; those of a dialogue in one."""

from collections.abc import Sequence
from dataclasses import replace

from recommender.config import DataConfig
from recommender.data.catalog import Catalog
from recommender.data.collate import Answer, Item, Spoken, Tokenize
from recommender.data.examples import Example, Said

SPEAKERS = {"seeker": 0, "recommender": 1}


def to_message_items(
    examples: Sequence[Example], catalog: Catalog, config: DataConfig, tokenize: Tokenize, with_movies: bool = True
) -> list[Item]:
    """One item an example. `config.max_tokens` cuts each message; of two equal messages there is one `Spoken`.

    Without movies only the words are read; a ranking of new movies leaves out what was named all the same.
    """
    said = list(dict.fromkeys(message for example in examples for message in example.said))
    tokens = tokenize([message.text for message in said], config.max_tokens, config.keep_tokens)
    made = {message: _spoken(message, ids, catalog, with_movies) for message, ids in zip(said, tokens, strict=True)}
    items = []
    for example in examples:
        mentioned, targets = catalog.indices(example.mentioned), catalog.indices(example.targets)
        messages = [made[message] for message in example.said]
        by_recommender, known = example.answered_by == "recommender", example.target_engagement
        answers = [Answer(len(messages), targets, by_recommender, known)]
        read = mentioned if with_movies else []
        items.append(Item([], read, targets, mentioned, example.dialogue_id, messages=messages, answers=answers))
    return items


def _spoken(message: Said, tokens: Sequence[int], catalog: Catalog, with_movies: bool) -> Spoken:
    return Spoken(tokens, catalog.indices(message.mentioned) if with_movies else [], SPEAKERS[message.role])


def packed(items: Sequence[Item]) -> list[Item]:
    """The items of each dialogue as one: the longest input, of which the others are beginnings, and all answers.

    A model that sees only what stands before scores them all in one pass, and each message is read once. Items that do
    not begin with the same message, as those of a person's events, stay apart.
    """
    dialogues: dict[tuple[str, tuple[int, ...]], list[Item]] = {}
    for item in items:
        dialogues.setdefault((item.dialogue, tuple(map(id, item.messages[:1]))), []).append(item)
    return [_one(parts) for parts in dialogues.values()]


def _one(parts: list[Item]) -> Item:
    longest = max(parts, key=lambda item: len(item.messages))
    return replace(longest, answers=[answer for part in parts for answer in part.answers])
