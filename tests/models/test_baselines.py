"""Popularity, copy and item-kNN on cases counted by hand."""

import pytest
import torch

from recommender.config import ModelConfig
from recommender.data.collate import Item, collate
from recommender.models.base import Recommender
from recommender.models.baselines import ItemKnn
from recommender.models.registry import make_model
from recommender.ranking.top_k import top_k

TRAIN = [
    Item([], [0, 1], [2], [0, 1], "a"),
    Item([], [0], [2, 3], [0], "b"),
    Item([], [], [3], [], "b"),
    Item([], [2, 0], [2], [2, 0], "c"),
]


def fitted(kind: str, items: list[Item], movies: int = 5) -> Recommender:
    model = make_model(ModelConfig(kind=kind), movies, None, seed=0)
    model.fit(items)
    return model


def scores(model: Recommender, *histories: list[int]) -> list[list[float]]:
    return model(collate([Item([], history) for history in histories])).tolist()


def test_popularity_counts_the_targets_whatever_the_wish() -> None:
    assert scores(fitted("popularity", TRAIN), [], [2]) == [[0, 0, 3, 2, 0]] * 2


def test_the_scores_of_popularity_can_be_changed_without_changing_the_model() -> None:
    model = fitted("popularity", TRAIN)
    model(collate([Item([])])).fill_(-1)
    assert scores(model, []) == [[0, 0, 3, 2, 0]]


def test_copy_puts_the_latest_mention_first() -> None:
    model = fitted("copy", TRAIN)
    ranking = top_k(model(collate([Item([], [3, 0, 4]), Item([], [1]), Item([])])), 4)
    assert ranking.tolist() == [[4, 0, 3, 1], [1, 0, 2, 3], [0, 1, 2, 3]]


def test_item_knn_adds_up_the_dialogues_that_name_both_movies() -> None:
    """Dialogue a names 0, 1, 2; b names 0, 2, 3 (in two examples, which count once); c names 0 and 2."""
    model = fitted("item_knn", TRAIN)
    assert scores(model, [0], [1], [0, 1], [2], [4], []) == [
        [0, 1, 3, 1, 0],
        [1, 0, 1, 0, 0],
        [1, 1, 4, 1, 0],
        [3, 1, 0, 1, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]


def test_item_knn_without_any_pair_scores_nothing() -> None:
    model = fitted("item_knn", [Item([], [], [1])])
    assert scores(model, [0, 1]) == [[0] * 5]


def test_item_knn_takes_over_counts_of_any_number() -> None:
    model, empty = fitted("item_knn", TRAIN), make_model(ModelConfig(kind="item_knn"), 5, None, seed=0)
    empty.load_weights({name: tensor.clone() for name, tensor in model.saved_weights().items()})
    assert scores(empty, [0, 1]) == [[1, 1, 4, 1, 0]]
    assert {tensor.dtype for tensor in empty.saved_weights().values()} == {torch.int32, torch.float32}


@pytest.mark.parametrize("at_once", [1, 2**23])
def test_counts_are_the_same_however_many_pairs_are_added_at_once(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Movies 0 and 1 together in two dialogues, 1 and 2 in one; what a dialogue names twice counts once."""
    monkeypatch.setattr("recommender.models.baselines.PAIRS_AT_ONCE", at_once)
    model = ItemKnn(4)
    model.fit(
        [
            Item([], targets=[0], exclude=[1], dialogue="a"),
            Item([], targets=[1], exclude=[0], dialogue="a"),
            Item([], targets=[1], exclude=[0, 2], dialogue="b"),
            Item([], targets=[3], dialogue="c"),
        ]
    )
    scores = model({"mentioned": torch.tensor([[0], [1], [2], [3]])})
    assert scores.tolist() == [[0, 2, 1, 0], [2, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]]
