"""The rows of the tag task: read from every form of MovieLens' tags, counted and joined."""

from pathlib import Path

import pandas as pd
import pytest

from recommender.data.catalog import Catalog, Movie
from recommender.data.tags import TagRow, load_tags
from recommender.errors import DataError


def write_tags(folder: Path, rows: list[tuple[int, int, str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame([(*row, 0) for row in rows], columns=["userId", "movieId", "tag", "timestamp"]).to_csv(
        folder / "tags.csv", index=False
    )


def test_tags_are_the_most_used_distinct_ones_of_each_joined_movie(tmp_path: Path, small_catalog: Catalog) -> None:
    rows = [
        (1, 61, "Slow "),
        (2, 61, "slow"),
        (2, 61, "slow"),  # the same user again: one use
        (1, 61, "zen"),
        (1, 61, "bleak"),
        (3, 61, "4k"),  # too short
        (1, 62, "dark"),
        (1, 999, "of a movie that is not joined"),
    ]
    write_tags(tmp_path, rows)
    assert load_tags(tmp_path, small_catalog, per_movie=2, min_chars=3) == [
        TagRow("dark", 123),
        TagRow("slow", 1234),
        TagRow("bleak", 1234),
    ]
    every = load_tags(tmp_path, small_catalog, per_movie=50, min_chars=2)
    assert [row.tag for row in every if row.movie_id == 1234] == ["slow", "4k", "bleak", "zen"]


def test_the_number_of_uses_comes_before_the_alphabet(tmp_path: Path, small_catalog: Catalog) -> None:
    write_tags(tmp_path, [(1, 61, "alpha"), (1, 61, "omega"), (2, 61, "omega")])
    assert load_tags(tmp_path, small_catalog, per_movie=1, min_chars=1) == [TagRow("omega", 1234)]


def test_the_mistake_of_taking_one_number_for_the_other_can_be_repeated(tmp_path: Path, small_catalog: Catalog) -> None:
    """1234 is a movie of both: here the tag goes to ReDial's, whatever MovieLens meant."""
    write_tags(tmp_path, [(1, 61, "slow"), (1, 1234, "heist")])
    assert load_tags(tmp_path, small_catalog, 9, 3, same_number=True) == [TagRow("heist", 1234)]


def test_tags_of_parquet_tables_count_too(tmp_path: Path, small_catalog: Catalog) -> None:
    write_tags(tmp_path / "small", [(1, 61, "slow")])
    table = pd.DataFrame({"userId": [1, 2], "movieId": [61, 62], "tag": ["slow", None], "timestamp": [0, 0]})
    (tmp_path / "latest").mkdir()
    table.to_parquet(tmp_path / "latest" / "tags.parquet")
    assert load_tags(tmp_path, small_catalog, per_movie=9, min_chars=3) == [TagRow("slow", 1234)]


def test_two_catalogue_movies_of_one_movielens_movie_both_get_its_tags(tmp_path: Path) -> None:
    twins = Catalog([Movie(1, "Heat", 1995, movielens_id=61), Movie(2, "Heat", 1995, movielens_id=61)])
    write_tags(tmp_path, [(1, 61, "heist")])
    assert load_tags(tmp_path, twins, per_movie=9, min_chars=3) == [TagRow("heist", 1), TagRow("heist", 2)]


@pytest.mark.parametrize("named", [True, False])
def test_no_tags_is_an_error_that_says_where_to_get_them(named: bool, tmp_path: Path, small_catalog: Catalog) -> None:
    with pytest.raises(DataError, match=r"grouplens\.org.*or choose a preset without tags"):
        load_tags(tmp_path if named else None, small_catalog, per_movie=9, min_chars=3)


def put(folder: Path, raw: str | bytes, name: str = "tags.csv") -> Path:
    (folder / name).write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return folder


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("userId::movieId::tag::timestamp\n1::61::slow::0\n", "tags.csv"),
        ("1::61::slow::0\n", "tags.dat"),
        ("userId;movieId;tag\n1;61;slow\n", "tags.csv"),
        ("\ufeffuser_id,movie_id,tag\nann,61,slow\n", "tags.csv"),
        ("userId,movieId,tag\n1,61,slow\n1,61\n1,61,slow\n", "tags.csv"),
        ("userId,movieId,tag\n1,61,slow\n1,sixty,slow\n", "tags.csv"),
        ("userId,movieId,tag\n1,61,slow\n1,61,\n", "tags.csv"),
    ],
)
def test_tags_of_every_form_are_read(raw: str, name: str, tmp_path: Path, small_catalog: Catalog) -> None:
    assert load_tags(put(tmp_path, raw, name), small_catalog, 9, 3) == [TagRow("slow", 1234)]


def test_tags_in_latin_1_keep_their_letters(tmp_path: Path, small_catalog: Catalog) -> None:
    raw = "userId,movieId,tag\n1,61,Amélie\n".encode("latin-1")
    assert load_tags(put(tmp_path, raw), small_catalog, 9, 3) == [TagRow("amélie", 1234)]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("", "is empty"),
        ("userId,movieId,tag\n", "of no movie of the catalogue"),
        ("userId,movieId,tag\n1,999,slow\n", "of no movie of the catalogue"),
        ("userId,movieId,tag\n1,x,slow\n", "tags.csv:2: a movieId that is no whole number"),
        ("user,film,word\n1,61,slow\n", "tags.csv:1: lacks the column movieId"),
    ],
)
def test_tags_that_cannot_be_used_are_an_error(raw: str, told: str, tmp_path: Path, small_catalog: Catalog) -> None:
    with pytest.raises(DataError, match=told):
        load_tags(put(tmp_path, raw), small_catalog, 9, 3)
