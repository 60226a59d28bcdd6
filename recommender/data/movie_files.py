"""Files that list movies: MovieLens' of every age, RecBole's, or a plain table of id, title and genres."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from recommender.data.catalog import Catalog, Movie, split_name
from recommender.data.finding import ending, find_files
from recommender.data.tables import Field, Table, read_table
from recommender.errors import DataError

MOVIE = Field("movieId", "number", ("movie_id", "item_id", "item", "id"))
FIELDS = (
    MOVIE,
    Field("title", "text", ("movie_title", "movie_name", "name")),
    Field("genres", "text", ("genre", "class"), needed=False),
    Field("year", "number", ("release_year",), needed=False),
)
DAT = ("movieId", "title", "genres")  # columns of `movies.dat`
FLAGS = ("action", "adventure", "animation", "children's", "comedy", "crime", "documentary", "drama", "fantasy",
         "film-noir", "horror", "musical", "mystery", "romance", "sci-fi", "thriller", "war", "western")  # fmt: skip
U_ITEM = ("movieId", "title", "released", "video", "imdb", "unknown", *FLAGS)  # a column for each genre
NAMES = ("movies.csv", "movies.tsv", "movies.parquet", "movies.dat", "u.item")  # beside ratings
GENRE_NAMES = {"children": "family", "children's": "family"}
NOT_GENRES = {"", "(no genres listed)", "imax", "unknown"}
ARTICLE_LAST = re.compile(r"^(?P<title>.*), (?P<article>the|a|an)$", re.IGNORECASE)
COLUMNS = ("movie_id", "title", "year", "genres")


@dataclass(frozen=True)
class MovieList:
    """Movies with the columns of `COLUMNS`, each id once, and the lines that could not be used."""

    rows: pd.DataFrame
    problems: list[str]


def read_movie_file(path: Path) -> MovieList:
    """Raises `DataError` if the file cannot be read, lacks ids or titles, or is mostly of lines without them."""
    old = path.name.removesuffix(".gz") == "u.item"
    fields = (*FIELDS[:2], *(Field(flag, needed=False) for flag in FLAGS)) if old else FIELDS
    table = read_table(path, fields, U_ITEM if old else DAT)
    table = table.without(
        {f"no {MOVIE.name}": table[MOVIE.name].isna(), **id_faults(table), "no title": _is_blank(table["title"])}
    )
    table.tell()
    names = [split_name(title) for title in table["title"]]
    years = table["year"].to_numpy() if "year" in table else np.full(len(table), np.nan)
    rows = pd.DataFrame(
        {
            "movie_id": table[MOVIE.name].to_numpy().astype(np.int64),
            "title": [title for title, _ in names],
            "year": [own or _year(year) for (_, own), year in zip(names, years, strict=True)],
            "genres": _flagged(table) if old else _listed(table, spaced=ending(path) == ".item"),
        },
        columns=list(COLUMNS),
    )
    return MovieList(rows.drop_duplicates("movie_id"), table.problems)


def id_faults(table: Table) -> dict[str, pd.Series]:
    """What may be wrong with a movie's id that is there."""
    number = table[MOVIE.name]
    return {f"a {MOVIE.name} that is no whole number": number.notna() & ~(number.between(0, 2**53) & (number % 1 == 0))}


def _is_blank(texts: pd.Series) -> pd.Series:
    return texts.isna() | (texts.astype(str).str.strip() == "")


def _year(number: float) -> int | None:
    return int(number) if 1000 <= number < 3000 else None


def _listed(table: Table, spaced: bool) -> list[tuple[str, ...]]:
    if "genres" not in table:
        return [()] * len(table)
    split = re.compile(r"\s+" if spaced else r"[|;,/]")
    return [_genres(split.split(str(listed))) if listed is not None else () for listed in table["genres"]]


def _flagged(table: Table) -> list[tuple[str, ...]]:
    flags = [flag for flag in FLAGS if flag in table]
    return [_genres([f for f, on in zip(flags, row, strict=True) if on == 1]) for row in table.rows[flags].to_numpy()]


def _genres(names: Sequence[str]) -> tuple[str, ...]:
    plain = (name.strip().lower() for name in names)
    return tuple(dict.fromkeys(GENRE_NAMES.get(name, name) for name in plain if name not in NOT_GENRES))


def movie_file_beside(ratings: Path) -> Path | None:
    """The file that lists the movies of a file of ratings: in its folder, under the name that belongs to it."""
    folder, stem = ratings.parent, ratings.name.removesuffix(".gz").rpartition(".")[0]
    names = [f"{stem}.item", *NAMES] if ending(ratings) == ".inter" else [*NAMES, f"{stem}.item"]
    found = {path.name.removesuffix(".gz"): path for path in find_files(folder, *names) if path.parent == folder}
    return next((found[name] for name in names if name in found), None)


def own_catalog(ratings: Path) -> Catalog:
    """The movies of a data set itself, under its own ids. Raises `DataError` if no file beside the ratings lists
    them."""
    path = movie_file_beside(ratings)
    if path is None:
        raise DataError(
            f"data.catalog = own ranks the movies of {ratings}, and no file in its folder lists them. Expected is one "
            f"of {', '.join(NAMES)} or an .item file, with ids and titles."
        )
    rows = read_movie_file(path).rows
    if rows.empty:
        raise DataError(f"{path} lists no movie.")
    return Catalog(
        Movie(movie_id, article_first(title), None if pd.isna(year) else int(year), genres)
        for movie_id, title, year, genres in zip(*(rows[name].tolist() for name in COLUMNS), strict=True)
    )


def article_first(title: str) -> str:
    """
    >>> article_first("Matrix, The")
    'The Matrix'
    """
    found = ARTICLE_LAST.match(title)
    return f"{found['article']} {found['title']}" if found else title
