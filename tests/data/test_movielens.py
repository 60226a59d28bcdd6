"""MovieLens: titles that compare, the join with ReDial, and the rows of the tag task."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.catalog import Catalog, Movie
from recommender.data.movielens import Partners, coverage, join, read_movies, title_key


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("Matrix, The", "the matrix"),
        ("The Matrix", "the matrix"),
        ("Beautiful Mind, A", "a beautiful mind"),
        ("Amélie", "amelie"),
        ("WALL·E", "wall e"),
        ("Fast & Furious", "fast and furious"),
        ("Fast and Furious", "fast and furious"),
        ("Spider-Man: Homecoming", "spider man homecoming"),
        ("Me, Myself and the", "me myself and the"),
    ],
)
def test_titles_are_compared_in_one_form(title: str, key: str) -> None:
    assert title_key(title) == key


@given(st.text())
def test_a_title_s_form_is_its_own_form(title: str) -> None:
    assert title_key(title_key(title)) == title_key(title)


def movielens(*rows: tuple[int, str, int | None, tuple[str, ...], str | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["movielens_id", "title", "year", "genres", "imdb"])


def partners(movies: list[Movie], imdb_ids: dict[int, str], table: pd.DataFrame) -> dict[int, int | None]:
    return {movie.movie_id: movie.movielens_id for movie in join(movies, imdb_ids, table)}


def test_the_imdb_id_decides_before_the_title() -> None:
    table = movielens((1, "Heat", 1995, (), "0113277"), (2, "Heat", 1986, (), "0093164"))
    movies = [Movie(10, "Heat", 1995), Movie(11, "Heat", 1995), Movie(12, "Warmth", 2001)]
    assert partners(movies, {11: "tt0093164", 12: "tt0113277"}, table) == {10: 1, 11: 2, 12: 1}


def test_an_equal_number_is_not_the_same_movie() -> None:
    table = movielens((10, "Something Else", 1995, (), None), (77, "Heat", 1995, (), None))
    assert partners([Movie(10, "Heat", 1995)], {}, table) == {10: 77}


def test_titles_match_within_a_year_and_the_same_year_first() -> None:
    table = movielens(
        (1, "Matrix, The", 1998, (), None),
        (2, "The Matrix", 1999, (), None),
        (3, "Fog, The (a.k.a. Mist)", 1980, (), None),
    )
    movies = [
        Movie(10, "The Matrix", 1999),
        Movie(11, "The Matrix", 2000),
        Movie(12, "The Matrix", 1997),
        Movie(13, "The Matrix", 2001),
        Movie(14, "The Matrix"),
        Movie(15, "The Matrices", 1999),
        Movie(16, "The Fog", 1981),
    ]
    found = partners(movies, {}, table)
    assert found == {10: 2, 11: 2, 12: 1, 13: None, 14: None, 15: None, 16: 3}


def test_a_missing_year_is_filled_only_where_no_two_movies_would_look_the_same() -> None:
    table = movielens(
        (1, "Alone", 1990, (), "0000001"), (2, "Twin", 1991, (), "0000002"), (3, "Undated", None, (), "0000003")
    )
    imdb_ids = {10: "tt0000001", 11: "tt0000002", 13: "tt0000003", 14: "tt0000001"}
    movies = [
        Movie(10, "Alone"),
        Movie(11, "Twin"),
        Movie(12, "Twin", 1991),
        Movie(13, "Undated"),
        Movie(14, "Alone"),
        Movie(15, "Alone elsewhere", 1990),
    ]
    years = {movie.movie_id: movie.year for movie in join(movies, imdb_ids, table)}
    assert years == {10: 1990, 11: None, 12: 1991, 13: None, 14: None, 15: 1990}


def test_genres_of_both_are_kept_once() -> None:
    table = movielens((1, "Alone", 1990, ("drama", "family"), None))
    movies = [
        Movie(10, "Alone", 1990),
        Movie(11, "Alone", 1990, ("horror", "drama")),
        Movie(12, "Else", 1990, ("war",)),
    ]
    assert [movie.genres for movie in join(movies, {}, table)] == [
        ("drama", "family"), ("horror", "drama", "family"), ("war",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("movie", "imdb_id", "wrong"),
    [
        (Movie(1, "It", 1990), "tt0000001", True),  # the number of Goodfellas
        (Movie(1, "GoodFellas", 1991), "tt0000001", False),
        (Movie(1, "Old Boy", 2003), "tt0000002", False),
        (Movie(1, "Thirteen Ghosts", 2001), "tt0000009", True),  # MovieLens has that title and year with another number
        (Movie(1, "Thirteen Ghosts", 1999), "tt0000009", False),  # nothing is known of either
        (Movie(1, "Undated"), "tt0000009", False),
    ],
)
def test_an_imdb_id_of_another_movie_is_noticed(movie: Movie, imdb_id: str, wrong: bool) -> None:
    table = movielens(
        (1, "Goodfellas", 1990, (), "0000001"),
        (2, "Oldboy", 2003, (), "0000002"),
        (3, "Thirteen Ghosts (a.k.a. 13 Ghosts)", 2001, (), "0000003"),
    )
    assert Partners(table).contradict(movie, imdb_id) is wrong


def write_movielens(folder: Path, rows: list[str], links: list[str] | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "movies.csv").write_text("\n".join(["movieId,title,genres", *rows]) + "\n", encoding="utf-8")
    if links:
        (folder / "links.csv").write_text("\n".join(["movieId,imdbId,tmdbId", *links]) + "\n")


def test_movies_are_read_from_every_table_below_the_folder(tmp_path: Path) -> None:
    rows = ['2,"Matrix, The (1999)",Action|Sci-Fi|IMAX', "3,Undated,(no genres listed)", "1,Toy Story (1995),Children"]
    write_movielens(tmp_path / "small", rows, ["2,0133093,603"])
    more = pd.DataFrame({"movieId": [2, 4], "title": ["Other (2000)", "New (2020)"], "genres": ["Drama", "Film-Noir"]})
    (tmp_path / "tags").mkdir()
    more.to_parquet(tmp_path / "tags" / "movies.parquet")
    found = read_movies(tmp_path)
    assert found["movielens_id"].tolist() == [1, 2, 3, 4]
    assert found["title"].tolist() == ["Toy Story", "Matrix, The", "Undated", "New"]
    assert found["year"].fillna(0).tolist() == [1995, 1999, 0, 2020]
    assert found["genres"].tolist() == [("family",), ("action", "sci-fi"), (), ("film-noir",)]
    assert found["imdb"].fillna("").tolist() == ["", "0133093", "", ""]


def test_movielens_may_lie_beside_the_folder_of_redial(tmp_path: Path) -> None:
    write_movielens(tmp_path / "movielens" / "ml-latest-small", ["1,Toy Story (1995),Children"])
    (tmp_path / "redial").mkdir()
    assert read_movies(tmp_path / "redial")["movielens_id"].tolist() == [1]


def test_without_movielens_nothing_is_joined(tmp_path: Path) -> None:
    assert len(read_movies(tmp_path)) == 0
    assert partners([Movie(10, "Heat", 1995)], {10: "tt0113277"}, read_movies(tmp_path)) == {10: None}


def test_a_table_without_any_year_can_be_joined(tmp_path: Path) -> None:
    write_movielens(tmp_path, ["1,Undated,Drama", "2,Also Undated,Drama"], ["1,0000001,1"])
    assert partners([Movie(10, "Undated")], {10: "tt0000001"}, read_movies(tmp_path)) == {10: 1}


def test_coverage_counts_movies_and_mentions(small_catalog: Catalog) -> None:
    found = coverage(small_catalog)
    assert (found.joined, found.movies, found.joined_mentions, found.mentions) == (8, 12, 99, 115)
    assert str(found) == "8 of 12 movies (66.7%), 86.1% of 115 mentions"
