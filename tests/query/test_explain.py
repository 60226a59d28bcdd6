"""Reasons have to be true: counts of the shipped table, nearness in the model's space, genres that were asked for."""

from pathlib import Path

import numpy as np
import pytest
import torch

from recommender.data.assets import COUNTS_FILE, load_arrays, save_arrays
from recommender.data.catalog import Catalog
from recommender.query.explain import LEAST_COUNT, Explainer
from recommender.settings import Settings, settings


@pytest.fixture
def explainer(small_catalog: Catalog, tmp_path: Path) -> Explainer:
    """Columns: 0, 1 Iron Comet; 2 Cellar Door; 4 Wedding Weather; 11 The Red Lantern."""
    follows = [(0, 2, 5), (1, 2, 9), (4, 2, 9), (0, 4, LEAST_COUNT - 1), (11, 4, LEAST_COUNT)]
    before, after, count = np.array(follows, dtype=np.int32).T
    arrays = {"before": before.copy(), "after": after.copy(), "count": count.copy()}
    save_arrays(tmp_path / COUNTS_FILE, arrays, small_catalog)
    vectors = torch.eye(12)
    vectors[3] = torch.tensor([3.0, 0, 4, *[0] * 9])  # nearer to column 2 by angle; longer than both
    vectors[0] *= 100
    return Explainer(small_catalog, Settings(assets_dir=tmp_path), vectors)


def reasons(explainer: Explainer, index: int, mentioned: list[int], text: str = "well") -> tuple[str, ...]:
    with torch.inference_mode():
        return explainer.reasons(index, mentioned, text)


def test_the_greatest_count_is_told_and_the_first_mention_wins_a_tie(explainer: Explainer) -> None:
    assert reasons(explainer, 2, [0])[0] == "Recommended 5 times after Iron Comet in ReDial"
    assert reasons(explainer, 2, [0, 4, 1])[0] == "Recommended 9 times after Wedding Weather in ReDial"


def test_a_small_count_is_no_reason(explainer: Explainer) -> None:
    assert not [reason for reason in reasons(explainer, 4, [0]) if "Recommended" in reason]
    assert reasons(explainer, 4, [11])[0] == "Recommended 3 times after The Red Lantern in ReDial"


def test_the_nearest_movie_is_the_one_of_the_smallest_angle(explainer: Explainer) -> None:
    assert reasons(explainer, 3, [0, 2]) == ("Of the movies you named, the model places it nearest to The Cellar Door",)


@pytest.mark.parametrize(
    ("text", "genres"),
    [
        ("a horror movie", "horror"),
        ("Horror, please!", "horror"),
        ("something scary", "horror"),
        ("a mystery with horror", "horror, mystery"),
        ("comedy", None),
        ("anything", None),
        ("no horror", None),
        ("not scary", None),
        ("without horror", None),
        ("not a horror movie", None),
        ("I don't like horror", None),
    ],
)
def test_only_a_genre_that_was_asked_for_is_told(text: str, genres: str | None, explainer: Explainer) -> None:
    told = [reason for reason in reasons(explainer, 3, [], text) if "genre" in reason]  # Whispering Attic
    assert told == ([f"Its genre is one you asked for: {genres}"] if genres else [])


def test_to_love_a_movie_is_not_to_ask_for_romance(explainer: Explainer) -> None:
    assert not [reason for reason in reasons(explainer, 4, [], "I love space movies") if "romance" in reason]


def test_at_most_two_reasons_and_the_counts_come_first(explainer: Explainer) -> None:
    found = reasons(explainer, 2, [0, 1], "horror")
    assert found == ("Recommended 9 times after Iron Comet in ReDial", "Its genre is one you asked for: horror")


def test_without_any_reason_the_mentions_are_told(explainer: Explainer, small_catalog: Catalog) -> None:
    index = small_catalog.index(123)
    assert reasons(explainer, small_catalog.index(51), []) == ("Named once in ReDial's training dialogues",)
    assert reasons(explainer, index, []) == ("Named 4 times in ReDial's training dialogues",)
    assert reasons(explainer, small_catalog.index(60), []) == ("Never named in ReDial's training dialogues",)


def test_counts_of_another_catalogue_are_not_used(small_catalog: Catalog) -> None:
    foreign = Explainer(small_catalog, settings(), None)
    assert foreign.counts == {}
    assert reasons(foreign, 2, [0]) == ("Named 25 times in ReDial's training dialogues",)


def test_the_shipped_counts_are_what_is_told(shipped_catalog: Catalog) -> None:
    explainer = Explainer(shipped_catalog, settings(), None)
    table = load_arrays(settings().assets_dir / COUNTS_FILE, shipped_catalog)
    best = np.argsort(-table["count"], kind="stable")[:50]
    assert table["count"][best[-1]] > LEAST_COUNT
    for place in best:
        before, after, count = (int(table[name][place]) for name in ("before", "after", "count"))
        expected = f"Recommended {count} times after {shipped_catalog[before].title} in ReDial"
        assert explainer.reasons(after, [before], "well")[0] == expected
