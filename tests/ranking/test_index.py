"""The index finds what exact ranking finds, shows exact scores, and leaves out what it is told to."""

import builtins
from typing import Any

import numpy as np
import pytest
import torch

from recommender.data.collate import Batch, Item
from recommender.errors import RecommenderError
from recommender.evaluation import index as under_test
from recommender.ranking.index import RECALL, MovieIndex, index_of, recall, spread
from recommender.ranking.top_k import rank, top_k
from recommender.models.base import DotProducts, Recommender

MOVIES, WIDTH, K = 20_000, 16, 50


@pytest.fixture(scope="module")
def movies() -> DotProducts:
    """Clusters, as learned vectors have them, and biases that tell popular movies."""
    draw = torch.Generator().manual_seed(0)
    centres = torch.randn(200, WIDTH, generator=draw)
    vectors = centres[torch.randint(200, (MOVIES,), generator=draw)]
    vectors = vectors + 0.3 * torch.randn(MOVIES, WIDTH, generator=draw)
    return DotProducts(vectors, torch.randn(MOVIES, generator=draw))


def wishes(movies: DotProducts, count: int, seed: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    near = movies.vectors[torch.randint(MOVIES, (count,), generator=draw)]
    return near + 0.3 * torch.randn(count, WIDTH, generator=draw)


@pytest.fixture(scope="module")
def index(movies: DotProducts) -> MovieIndex:
    made = MovieIndex(movies)
    made.calibrate(wishes(movies, 100, seed=1), K)
    return made


def exact(movies: DotProducts, queries: torch.Tensor) -> torch.Tensor:
    return queries @ movies.vectors.T + movies.bias


def test_other_wishes_than_it_was_set_by_find_the_best_movies_too(index: MovieIndex, movies: DotProducts) -> None:
    queries = wishes(movies, 200, seed=2)
    found = index.find(queries, K).best(K)
    assert index.recall >= RECALL
    assert recall(found.numpy(), top_k(exact(movies, queries), K).numpy()) >= 0.98
    assert index.index.nprobe < index.index.nlist  # it did not look everywhere


def test_scores_are_the_model_s(index: MovieIndex, movies: DotProducts) -> None:
    queries = wishes(movies, 5, seed=3)
    found = index.find(queries, K)
    torch.testing.assert_close(found.scores, exact(movies, queries).gather(1, found.columns), atol=1e-4, rtol=1e-5)


def test_what_is_excluded_is_replaced_by_the_next_best(index: MovieIndex, movies: DotProducts) -> None:
    queries = wishes(movies, 20, seed=4)
    best = top_k(exact(movies, queries), K)
    out = torch.cat([best[:, :7], torch.full((20, 3), -1)], dim=1)
    ranking = index.find(queries, K + out.shape[1]).best(K, exclude=out)
    assert not any(set(row) & set(gone) - {-1} for row, gone in zip(ranking.tolist(), out.tolist(), strict=True))
    assert recall(ranking.numpy(), top_k(exact(movies, queries), K, exclude=out).numpy()) >= 0.98


def test_equal_scores_go_by_column_and_a_short_row_ends_in_nothing() -> None:
    index = MovieIndex(DotProducts(torch.ones(3, 2), torch.zeros(3)))
    index.index.nprobe = index.index.nlist
    queries = torch.ones(1, 2)
    assert index.find(queries, 3).best(3).tolist() == [[0, 1, 2]]
    assert index.find(queries, 5).best(4, exclude=torch.tensor([[1, -1]])).tolist() == [[0, 2, -1, -1]]


class Dots(Recommender):
    """Scores are dot products of the mentioned movie's vector."""

    def __init__(self, movies: DotProducts) -> None:
        super().__init__()
        self.products = movies

    def dot_products(self) -> DotProducts:
        return self.products

    def queries(self, batch: Batch) -> torch.Tensor:
        return self.products.vectors[batch["mentioned"][:, 0]]

    def forward(self, batch: Batch) -> torch.Tensor:
        return exact(self.products, self.queries(batch))


def test_a_large_catalogue_is_ranked_by_an_index_as_it_is_without(
    movies: DotProducts, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Dots(movies)
    items = [Item([1], [movie], [], [movie, movie + 1]) for movie in range(0, 4000, 20)]
    without = rank(model, items, K, torch.device("cpu"))
    assert index_of(model) is None
    monkeypatch.setattr(under_test, "INDEX_ABOVE", MOVIES - 1)
    with_index = rank(model, items, K, torch.device("cpu"))
    for kind in ("all", "new"):
        found, wanted = getattr(with_index, kind), getattr(without, kind)
        assert recall(found, wanted) >= 0.98
        assert (found == wanted).mean() >= 0.9
    named = np.array([item.exclude for item in items])
    assert not (with_index.new[:, :, None] == named[:, None, :]).any()


def test_a_model_that_scores_in_another_way_is_ranked_without(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(Dots):
        def dot_products(self) -> Any:
            return None

    monkeypatch.setattr(under_test, "INDEX_ABOVE", 0)
    assert index_of(Other(DotProducts(torch.ones(3, 2), torch.zeros(3)))) is None


def test_without_faiss_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "faiss":
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(RecommenderError, match="pip install faiss-cpu"):
        MovieIndex(DotProducts(torch.ones(3, 2), torch.zeros(3)))


def test_the_wishes_it_is_set_by_are_spread_over_all() -> None:
    assert list(spread(0, 5)) == []
    assert len(spread(1000, 128)) <= 128
    assert spread(1000, 128)[-1] > 900
