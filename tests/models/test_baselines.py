"""Popularity and copy on cases counted by hand."""

import torch

from recommender.config.models import MODELS
from recommender.data.collate import Item
from recommender.models.base import Recommender
from recommender.models.registry import make_model
from recommender.ranking.top_k import top_k
from tests.models.small import five_movies

TRAIN = [Item(targets=targets) for targets in ([2], [2, 3], [3], [2])]


def fitted(kind: str, items: list[Item]) -> Recommender:
    model = make_model(MODELS[kind].model_validate({}), five_movies())
    model.fit(items)
    return model


def scores(model: Recommender, *histories: list[int]) -> list[list[float]]:
    return model(model.collate([Item((), history) for history in histories])).tolist()


def test_popularity_counts_the_targets_whatever_the_wish() -> None:
    assert scores(fitted("popularity", TRAIN), [], [2]) == [[0, 0, 3, 2, 0]] * 2


def test_the_scores_of_popularity_can_be_changed_without_changing_the_model() -> None:
    model = fitted("popularity", TRAIN)
    model(model.collate([Item()])).fill_(-1)
    assert scores(model, []) == [[0, 0, 3, 2, 0]]


def test_copy_puts_the_latest_mention_first() -> None:
    model = fitted("copy", TRAIN)
    ranking = top_k(torch.tensor(scores(model, [3, 0, 4], [1], [])), 4)
    assert ranking.tolist() == [[4, 0, 3, 1], [1, 0, 2, 3], [0, 1, 2, 3]]
