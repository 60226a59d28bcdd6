"""EASE against its definition, a ridge regression of each movie on all others."""

import numpy as np
import pytest
import torch

from recommender.config.models import EaseSettings
from recommender.data.collate import Item
from recommender.errors import RecommenderError
from recommender.models.ease import Ease
from tests.models.small import five_movies

PEOPLE = [[0, 1, 2], [0, 2], [1, 2, 4], [0, 1], [2, 4], [0, 4, 1]]  # nobody watched 3
TRAIN = [Item(named=seen[:-1], targets=seen[-1:], dialogue=str(n)) for n, seen in enumerate(PEOPLE)]


def fitted(l2: float = 2.0, decay: float = 0.9) -> Ease:
    model = Ease(EaseSettings(l2=l2, decay=decay), five_movies(6))
    model.fit(TRAIN)
    return model


def scores(model: Ease, *histories: list[int]) -> torch.Tensor:
    return model(model.collate([Item((), history) for history in histories]))


def test_the_weights_solve_the_ridge_regression_of_each_movie_on_the_others() -> None:
    watched = np.zeros((len(PEOPLE), 6))
    for person, seen in enumerate(PEOPLE):
        watched[person, seen] = 1
    found = scores(fitted(), *([movie] for movie in range(6))).numpy()
    for movie in range(6):
        others = [other for other in range(6) if other != movie]
        x, y = watched[:, others], watched[:, movie]
        expected = np.linalg.solve(x.T @ x + 2.0 * np.eye(5), x.T @ y)
        np.testing.assert_allclose(found[others, movie], expected, atol=1e-6)
        assert found[movie, movie] == 0


def test_the_latest_movie_weighs_most() -> None:
    model = fitted(decay=0.5)
    one, two = scores(model, [0], [1])
    torch.testing.assert_close(scores(model, [0, 1]), (0.5 * one + two)[None])


def test_movies_that_nobody_watched_have_no_weights_and_score_nothing() -> None:
    model = fitted()
    assert model.weights.shape == (4, 4)
    assert scores(model, [3, 5], []).tolist() == [[0] * 6] * 2
    assert scores(model, [0])[0, [3, 5]].tolist() == [0, 0]


def test_saved_weights_of_any_number_are_taken_over() -> None:
    model, empty = fitted(), Ease(EaseSettings(), five_movies(6))
    empty.load_weights(model.saved_weights())
    assert torch.equal(scores(empty, [0, 1]), scores(model, [0, 1]))


def test_too_many_movies_are_refused_before_memory_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.models.ease.MOST_MOVIES", 3)
    with pytest.raises(RecommenderError, match=r"4 movies .* At most 3 .* item_knn"):
        fitted()
