"""Reasons have to be true: counts of the shipped table, nearness in the model's space, genres that were asked for."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
import torch

from recommender.data.assets import COUNTS_FILE, load_arrays, save_arrays
from recommender.data.catalog import Catalog, Movie
from recommender.query.explain import LEAST_COUNT, Explainer
from recommender.settings import Settings, settings


@pytest.fixture
def explainer(small_catalog: Catalog, tmp_path: Path) -> Explainer:
    """Items: 0, 1 Iron Comet; 2 Cellar Door; 4 Wedding Weather; 11 The Red Lantern."""
    follows = [(0, 2, 5), (1, 2, 9), (4, 2, 9), (0, 4, LEAST_COUNT - 1), (11, 4, LEAST_COUNT)]
    before, after, count = np.array(follows, dtype=np.int32).T
    arrays = {"before": before.copy(), "after": after.copy(), "count": count.copy()}
    save_arrays(tmp_path / COUNTS_FILE, arrays, small_catalog)
    vectors = torch.eye(12)
    vectors[3] = torch.tensor([3.0, 0, 4, *[0] * 9])  # nearer to item 2 by angle
    return Explainer(
        small_catalog, small_catalog, Settings(assets_dir=tmp_path), torch.nn.functional.normalize(vectors)
    )


def reasons(explainer: Explainer, column: int, mentioned: list[int], asked: Collection[str] = ()) -> tuple[str, ...]:
    [found] = explainer.reasons([column], mentioned, asked)
    return found


def test_the_greatest_count_is_told_and_the_first_mention_wins_a_tie(explainer: Explainer) -> None:
    assert reasons(explainer, 2, [0])[0] == "Recommended 5 times when Iron Comet came up"
    assert reasons(explainer, 2, [0, 4, 1])[0] == "Recommended 9 times when Wedding Weather came up"


def test_a_small_count_is_no_reason(explainer: Explainer) -> None:
    assert not [reason for reason in reasons(explainer, 4, [0]) if "Recommended" in reason]
    assert reasons(explainer, 4, [11])[0] == "Recommended 3 times when The Red Lantern came up"


def test_the_nearest_movie_is_the_one_of_the_smallest_angle(explainer: Explainer) -> None:
    assert reasons(explainer, 3, [0, 2]) == ("Of the movies you named, closest to The Cellar Door",)


def test_a_lone_movie_is_close_only_if_hardly_any_is_closer(explainer: Explainer) -> None:
    """A hundredth of twelve movies is one: the nearest."""
    assert reasons(explainer, 3, [2]) == ("Close to The Cellar Door",)
    assert reasons(explainer, 2, [3])[0] == "Close to Whispering Attic"
    assert "Close" not in reasons(explainer, 0, [3])[0]


def test_every_recommendation_gets_its_own_reasons(explainer: Explainer) -> None:
    found = explainer.reasons([2, 3, 5], [0, 4], {"horror"})
    assert found == [
        ("Recommended 9 times when Wedding Weather came up", "Horror, as you asked"),
        ("Of the movies you named, closest to Iron Comet", "Horror, as you asked"),
        ("Of the movies you named, closest to Iron Comet",),
    ]


def test_only_a_genre_that_was_asked_for_is_told(explainer: Explainer) -> None:
    assert reasons(explainer, 3, [], {"horror", "comedy"}) == ("Horror, as you asked",)  # Whispering Attic
    assert reasons(explainer, 3, [], {"mystery", "horror"}) == ("Horror and mystery, as you asked",)
    assert "as you asked" not in reasons(explainer, 3, [], {"comedy"})[0]


def test_without_any_reason_the_mentions_are_told(explainer: Explainer, small_catalog: Catalog) -> None:
    where = "in real conversations about movies"
    assert reasons(explainer, small_catalog.index(51), []) == (f"Named once {where}",)
    assert reasons(explainer, small_catalog.index(123), []) == (f"Named 4 times {where}",)
    assert reasons(explainer, small_catalog.index(60), []) == (f"Never named {where}",)


def test_movies_of_another_data_set_are_not_called_never_named() -> None:
    catalog = Catalog([Movie(50, "Star Wars", 1977, ("sci-fi",)), Movie(56, "Pulp Fiction", 1994, ("crime",))])
    explainer = Explainer(catalog, catalog, settings(), None)
    assert explainer.reasons([0, 1], [], {"crime"}) == [(), ("Crime, as you asked",)]


def test_a_movie_named_often_is_called_popular(shipped_catalog: Catalog) -> None:
    explainer = Explainer(shipped_catalog, shipped_catalog, settings(), None)
    best = max(shipped_catalog, key=lambda movie: movie.mentions)
    assert reasons(explainer, shipped_catalog.index(best.movie_id), []) == (
        f"Popular in general: named {best.mentions:,} times in real conversations about movies",
    )


def test_counts_of_another_catalogue_are_not_used(small_catalog: Catalog) -> None:
    foreign = Explainer(small_catalog, small_catalog, settings(), None)
    assert foreign.counts == {}
    assert reasons(foreign, 2, [0]) == ("Named 25 times in real conversations about movies",)


def test_the_shipped_counts_are_what_is_told(shipped_catalog: Catalog) -> None:
    explainer = Explainer(shipped_catalog, shipped_catalog, settings(), None)
    table = load_arrays(settings().assets_dir / COUNTS_FILE, shipped_catalog)
    best = np.argsort(-table["count"], kind="stable")[:50]
    assert table["count"][best[-1]] > LEAST_COUNT
    for place in best:
        before, after, count = (int(table[name][place]) for name in ("before", "after", "count"))
        expected = f"Recommended {count} times when {shipped_catalog[before].title} came up"
        assert reasons(explainer, after, [before])[0] == expected
