"""The index finds what exact ranking finds, shows exact scores, and leaves out what it is told to."""

import builtins
from typing import Any

import numpy as np
import pytest
import torch

from recommender.config.models import PopularitySettings
from recommender.data.catalog import Catalog, Movie
from recommender.data.collate import Batch, Item
from recommender.errors import RecommenderError
from recommender.models.base import Context, ItemVectors, Recommender
from recommender.ranking import index as under_test
from recommender.ranking.adjustments import Adjustment
from recommender.ranking.index import RECALL, MovieIndex, index_of, recall, spread
from recommender.ranking.ranker import Prepared, Ranker
from recommender.ranking.top_k import top_k

MOVIES, WIDTH, K = 20_000, 16, 50


@pytest.fixture(scope="module")
def movies() -> ItemVectors:
    """Clusters, as learned vectors have them, and biases that tell popular movies."""
    draw = torch.Generator().manual_seed(0)
    centres = torch.randn(200, WIDTH, generator=draw)
    vectors = centres[torch.randint(200, (MOVIES,), generator=draw)]
    vectors = vectors + 0.3 * torch.randn(MOVIES, WIDTH, generator=draw)
    return ItemVectors(vectors, torch.randn(MOVIES, generator=draw))


def wishes(movies: ItemVectors, count: int, seed: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    near = movies.vectors[torch.randint(MOVIES, (count,), generator=draw)]
    return near + 0.3 * torch.randn(count, WIDTH, generator=draw)


@pytest.fixture(scope="module")
def index(movies: ItemVectors) -> MovieIndex:
    made = MovieIndex(movies)
    made.calibrate(wishes(movies, 100, seed=1), K)
    return made


def exact(movies: ItemVectors, queries: torch.Tensor) -> torch.Tensor:
    return queries @ movies.vectors.T + movies.bias


def test_other_wishes_than_it_was_set_by_find_the_best_movies_too(index: MovieIndex, movies: ItemVectors) -> None:
    queries = wishes(movies, 200, seed=2)
    found = index.find(queries, K).best(K)
    assert index.recall >= RECALL
    assert recall(found.numpy(), top_k(exact(movies, queries), K).numpy()) >= 0.98
    assert index.index.nprobe < index.index.nlist  # it did not look everywhere


def test_scores_are_the_model_s(index: MovieIndex, movies: ItemVectors) -> None:
    queries = wishes(movies, 5, seed=3)
    found = index.find(queries, K)
    torch.testing.assert_close(found.scores, exact(movies, queries).gather(1, found.items), atol=1e-4, rtol=1e-5)


def test_what_is_excluded_is_replaced_by_the_next_best(index: MovieIndex, movies: ItemVectors) -> None:
    queries = wishes(movies, 20, seed=4)
    best = top_k(exact(movies, queries), K)
    out = torch.cat([best[:, :7], torch.full((20, 3), -1)], dim=1)
    ranking = index.find(queries, K + out.shape[1]).best(K, exclude=out)
    assert not any(set(row) & set(gone) - {-1} for row, gone in zip(ranking.tolist(), out.tolist(), strict=True))
    assert recall(ranking.numpy(), top_k(exact(movies, queries), K, exclude=out).numpy()) >= 0.98


def test_equal_scores_go_by_column_and_a_short_row_ends_in_nothing() -> None:
    index = MovieIndex(ItemVectors(torch.ones(3, 2), torch.zeros(3)))
    index.index.nprobe = index.index.nlist
    queries = torch.ones(1, 2)
    assert index.find(queries, 3).best(3).tolist() == [[0, 1, 2]]
    assert index.find(queries, 5).best(4, exclude=torch.tensor([[1, -1]])).tolist() == [[0, 2, -1, -1]]


class Dots(Recommender):
    """Scores are dot products of the mentioned movie's vector."""

    settings = PopularitySettings
    scores_by_vectors = True

    def __init__(self, movies: ItemVectors, catalog: Catalog) -> None:
        super().__init__(PopularitySettings(), Context(catalog))
        self.products = movies

    def item_vectors(self) -> ItemVectors:
        return self.products

    def encode(self, batch: Batch) -> torch.Tensor:
        return self.products.vectors[batch["mentioned"][:, 0]]

    def forward(self, batch: Batch) -> torch.Tensor:
        return exact(self.products, self.encode(batch))


def test_movies_that_are_left_out_are_never_found(movies: ItemVectors) -> None:
    second = list(range(0, MOVIES, 3))
    index = MovieIndex(movies, second)
    asked = wishes(movies, 100, seed=4)
    index.calibrate(asked, K)
    found = index.find(asked, K).best(K)
    assert not np.isin(found.numpy(), second).any()
    out = torch.tensor([second]).expand(len(asked), -1)
    assert recall(found.numpy(), top_k(exact(movies, asked), K, exclude=out).numpy()) >= RECALL


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The last hundred movies are entries of the first hundred; some movies are of a genre."""
    return Catalog(
        Movie(i, f"Movie {i % (MOVIES - 100)}", 2000, ("horror",) if i % 7 == 0 else ()) for i in range(MOVIES)
    )


@pytest.mark.parametrize("exclude", ["refused", "named"])
def test_a_large_catalogue_is_ranked_by_an_index_as_it_is_without(
    exclude: Any, movies: ItemVectors, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranker = Ranker(Dots(movies, catalog), torch.device("cpu"))
    named = [(movie, movie + 1) for movie in range(0, 4000, 20)]
    items = [Item((), [movie]) for movie, _ in named]
    asked = [Adjustment(own) for own in named]
    horror = tuple(ranker.adjustments.of_genres(["horror"]))
    asked[::10] = [Adjustment(own, horror) for own in named[::10]]
    prepared = Prepared(items, asked)
    without = ranker.rank_prepared(prepared, K, exclude)
    assert index_of(ranker.model) is None
    monkeypatch.setattr(under_test, "INDEX_ABOVE", MOVIES - 1)
    with_index = ranker.rank_prepared(prepared, K, exclude)
    assert recall(with_index, without) >= 0.98
    assert (with_index == without).mean() >= 0.9
    assert (with_index[::10] == without[::10]).all()
    assert not np.isin(with_index, ranker.duplicates).any()
    assert (with_index[:, :, None] == np.array(named)[:, None, :]).any() == (exclude == "refused")


def test_a_model_that_scores_in_another_way_is_ranked_without(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(Dots):
        scores_by_vectors = False

    monkeypatch.setattr(under_test, "INDEX_ABOVE", 0)
    three = Catalog(Movie(i, f"Movie {i}", 2000, ()) for i in range(3))
    vectors = ItemVectors(torch.ones(3, 2), torch.zeros(3))
    assert index_of(Other(vectors, three)) is None
    assert index_of(Dots(vectors, three)) is not None


def test_without_faiss_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "faiss":
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(RecommenderError, match="pip install faiss-cpu"):
        MovieIndex(ItemVectors(torch.ones(3, 2), torch.zeros(3)))


def test_the_wishes_it_is_set_by_are_spread_over_all() -> None:
    assert list(spread(0, 5)) == []
    assert len(spread(1000, 128)) <= 128
    assert spread(1000, 128)[-1] > 900
