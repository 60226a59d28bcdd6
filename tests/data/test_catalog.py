"""Catalogue: order, lookups, names, and files that come back as they were written or say what is wrong."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.catalog import Catalog, Movie, clean_text, split_name
from recommender.errors import DataError

movies = st.lists(
    st.builds(
        Movie,
        st.integers(0, 10**9),
        st.text(max_size=20),
        st.none() | st.integers(1900, 2030),
        st.lists(st.text(max_size=8), max_size=3).map(tuple),
        st.none() | st.integers(1, 10**6),
        st.integers(0, 1000),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda movie: movie.movie_id,
)


@pytest.mark.parametrize(
    ("name", "title", "year"),
    [
        ("The Matrix (1999)", "The Matrix", 1999),
        ("The Matrix  (1999) ", "The Matrix", 1999),
        ("Why Him%3F (2016)", "Why Him?", 2016),
        ("Heat &amp; Dust (1983)", "Heat & Dust", 1983),
        ("2001: A Space Odyssey (1968)", "2001: A Space Odyssey", 1968),
        ("Blade Runner 2049", "Blade Runner 2049", None),
        ("(1999)", "(1999)", None),
        ("100% Wolf (2020)", "100% Wolf", 2020),
        ("", "", None),
    ],
)
def test_a_name_is_split_into_title_and_year(name: str, title: str, year: int | None) -> None:
    assert split_name(name) == (title, year)


def test_text_is_cleaned_of_entities_and_runs_of_white_space() -> None:
    assert clean_text(" Heat &amp;\n  Dust\t&#39;83 ") == "Heat & Dust '83"


def test_movies_stand_in_the_order_of_their_ids(small_catalog: Catalog) -> None:
    ids = [movie.movie_id for movie in small_catalog]
    assert ids == sorted(ids)
    assert ids == [20, 21, 30, 31, 40, 41, 42, 50, 51, 60, 123, 1234]
    assert [small_catalog.index(movie_id) for movie_id in (20, 60, 1234)] == [0, 9, 11]
    assert small_catalog.by_id(123).title == "Lantern"
    assert small_catalog.indices([30, 20]) == [2, 0]
    assert small_catalog.has(123)
    assert not small_catalog.has(12)


def test_an_unknown_id_is_an_error_that_names_it(small_catalog: Catalog) -> None:
    with pytest.raises(DataError, match="12 is not in the catalogue of 12 movies"):
        small_catalog.index(12)


def test_a_name_carries_the_year_where_it_is_known(small_catalog: Catalog) -> None:
    assert small_catalog.by_id(20).name == "Iron Comet (1982)"
    assert small_catalog.by_id(51).name == "Lost Footage"


def test_no_movies_and_double_ids_are_errors() -> None:
    with pytest.raises(DataError, match="at least one movie"):
        Catalog([])
    with pytest.raises(DataError, match="same id"):
        Catalog([Movie(1, "A"), Movie(1, "B")])


def test_the_fingerprint_is_of_the_ids_alone() -> None:
    first = Catalog([Movie(1, "A"), Movie(12, "B")])
    assert first.fingerprint == Catalog([Movie(12, "Other", 1990), Movie(1, "A")]).fingerprint
    assert first.fingerprint != Catalog([Movie(11, "A"), Movie(2, "B")]).fingerprint
    assert first.fingerprint != Catalog([Movie(1, "A"), Movie(12, "B"), Movie(13, "C")]).fingerprint


@given(movies)
def test_what_is_saved_is_read_back(tmp_path_factory: pytest.TempPathFactory, listed: list[Movie]) -> None:
    path = tmp_path_factory.mktemp("catalog") / "catalog.json"
    Catalog(listed).save(path)
    assert list(Catalog.load(path)) == sorted(listed, key=lambda movie: movie.movie_id)


def test_a_saved_catalogue_has_a_line_a_movie(small_catalog: Catalog, tmp_path: Path) -> None:
    small_catalog.save(tmp_path / "catalog.json")
    lines = (tmp_path / "catalog.json").read_text().splitlines()
    assert len(lines) == len(small_catalog) + 2
    assert json.loads(lines[1].rstrip(","))["title"] == "Iron Comet"
    assert [path.name for path in tmp_path.iterdir()] == ["catalog.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[",
        b"null",
        b"[]",
        b"{}",
        b"[1]",
        b'[{"title": "no id", "genres": []}]',
        b'[{"movie_id": 1, "title": "genres as a text", "genres": "drama"}]',
        b'[{"movie_id": "1", "title": "A", "genres": []}]',
        b'[{"movie_id": 1, "title": 5, "genres": []}]',
        b'[{"movie_id": 1, "title": "\\ud800", "genres": []}]',
        b'[{"movie_id": 1, "title": "A", "genres": [], "mentions": 1' + b"0" * 400 + b"}]",
        b"[" * 100_000,
        b'[{"movie_id": 1, "title": "A", "genres": [], "stars": 5}]',
        b'[{"movie_id": 1, "title": "\xff", "genres": []}]',
    ],
)
def test_a_damaged_file_is_an_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    path.write_bytes(content)
    with pytest.raises(DataError):
        Catalog.load(path)


def test_a_damaged_or_missing_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "half.json").write_text('[{"movie_id": 1,')
    with pytest.raises(DataError, match=r"half\.json is damaged"):
        Catalog.load(tmp_path / "half.json")
    with pytest.raises(DataError, match=r"gone\.json: No such file"):
        Catalog.load(tmp_path / "gone.json")
