"""A movie that is added by its text: in the file, in the catalogue, in the ranking, and out again."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
import torch

from recommender.data.catalog import Catalog, Movie
from recommender.errors import DataError, RecommenderError
from recommender.query import additions
from recommender.query.additions import FILE, add_movie, load_added, remove_movie, stamp
from recommender.settings import Settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The encoder is replaced: a text's vector is its length and its first letter."""
    monkeypatch.setattr(additions, "text_vector", lambda text: [float(len(text)), float(ord(text[0]))])
    return Settings(checkpoints_dir=tmp_path / "runs")


def test_what_is_added_is_read_again_with_ids_above_all_others(folder: Settings, small_catalog: Catalog) -> None:
    assert load_added(folder).movies == ()
    before = stamp(folder)
    first = add_movie(" The  New One ", 2026, ["comedy"], "About &amp; around", small_catalog, folder)
    second = add_movie("Another", None, [], "", small_catalog, folder)
    assert first == Movie(first.movie_id, "The New One", 2026, ("comedy",))
    assert second.movie_id > first.movie_id > 1_000_000_000
    added = load_added(folder)
    assert added.movies == (first, second)
    text = "The New One (2026). comedy. About & around"
    np.testing.assert_array_equal(added.vectors, [[len(text), ord("T")], [len("Another"), ord("A")]])
    assert stamp(folder) != before
    assert [movie.movie_id for movie in small_catalog.with_added(added.movies)][-2:] == [
        first.movie_id,
        second.movie_id,
    ]


@pytest.mark.parametrize(
    ("title", "year", "genres", "problem"),
    [
        ("  ?! ", 2026, [], "needs a title"),
        ("New", 26, [], "between 1870 and 2100"),
        ("New", 2026, ["commedy"], "no genre 'commedy'"),
        ("the red lantern", 1999, [], "has The Red Lantern \\(1999\\) already"),
        ("caf\udce9", 2026, [], "title is not valid UTF-8 at character 4"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_added(
    title: str, year: int, genres: list[str], problem: str, folder: Settings, small_catalog: Catalog
) -> None:
    with pytest.raises(RecommenderError, match=problem):
        add_movie(title, year, genres, "", small_catalog, folder)
    assert load_added(folder).movies == ()


def test_the_same_movie_is_not_added_twice(folder: Settings, small_catalog: Catalog) -> None:
    add_movie("New", 2026, [], "", small_catalog, folder)
    with pytest.raises(RecommenderError, match="already"):
        add_movie("NEW", 2026, [], "", small_catalog, folder)
    add_movie("New", 2027, [], "", small_catalog, folder)


def test_two_processes_that_add_at_once_lose_nothing(
    folder: Settings, small_catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has read the file before the other wrote it."""
    both_there = Barrier(2)

    def slowly(text: str) -> list[float]:
        both_there.wait(timeout=60)
        return [float(len(text))] * 3

    monkeypatch.setattr(additions, "text_vector", slowly)
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda title: add_movie(title, 2026, [], "", small_catalog, folder), ("One", "Two")))
    assert sorted(movie.title for movie in load_added(folder).movies) == ["One", "Two"]
    assert len({movie.movie_id for movie in made}) == 2


def test_a_movie_can_be_taken_out_again(folder: Settings, small_catalog: Catalog) -> None:
    one, other = (add_movie(title, 2026, [], "", small_catalog, folder) for title in ("One", "Other"))
    remove_movie(one.movie_id, folder)
    assert load_added(folder).movies == (other,)
    with pytest.raises(RecommenderError, match="No added movie"):
        remove_movie(one.movie_id, folder)


GOOD = '{"movie": {"movie_id": 5, "title": "A"}, "vector": [1.0]}'
DAMAGES = (
    *("{", "[1]", '[{"movie": {}, "vector": []}]', '[{"vector": [1]}]', f"[{GOOD.replace('1.0', '1.0, 2.0')}, {GOOD}]"),
    *(f"[{GOOD.replace('1.0', worse)}]" for worse in ("NaN", "1e999", '"x"', "[1]", "{}")),
    *(f"[{GOOD.replace('5', worse)}]" for worse in ("-1", "1" + "0" * 400, '"5"')),
)


@pytest.mark.parametrize("damage", [*DAMAGES, "[" * 100_000])
def test_a_damaged_file_is_named(damage: str, folder: Settings) -> None:
    folder.checkpoints_dir.mkdir()
    (folder.checkpoints_dir / FILE).write_text(damage)
    with pytest.raises(DataError, match=FILE):
        load_added(folder)


def test_an_added_movie_needs_an_id_above_the_others(small_catalog: Catalog) -> None:
    with pytest.raises(DataError, match="above"):
        small_catalog.with_added([Movie(2, "Low")])


def test_the_file_holds_no_text(folder: Settings, small_catalog: Catalog) -> None:
    add_movie("New", 2026, [], "a secret plot", small_catalog, folder)
    stored = (folder.checkpoints_dir / FILE).read_text()
    assert "secret" not in stored
    assert len(json.loads(stored)) == 1


def test_the_packaged_encoder_places_a_text_near_its_like() -> None:
    vectors = torch.tensor([additions.text_vector(text) for text in ("A haunted house", "A ghost story", "Tax law")])
    near = vectors @ vectors.T
    assert near[0, 1] > near[0, 2]
