"""MovieLens: its movies, and their join with ReDial's.

Harper & Konstan, "The MovieLens Datasets: History and Context", ACM TiiS 5, 4 (2015).
ReDial ids and MovieLens ids are different numbers: equal numbers mean different movies.
"""

import re
import unicodedata
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from rapidfuzz import fuzz

from recommender.data.catalog import Catalog, Movie
from recommender.data.finding import find_files
from recommender.data.movie_files import MOVIE, article_first, id_faults, read_movie_file
from recommender.data.tables import Field, Table, read_table

IMDB = re.compile(r"(?:tt)?(?P<number>\d{1,10})(?:\.0)?", re.ASCII)
Row = dict[Hashable, Any]  # one MovieLens movie, with the columns of `read_movies`
ALIKE = 60  # of 100, by the words that two titles share
ALSO_KNOWN_AS = re.compile(r"\s*\([^()]*\)\s*$")


def title_key(title: str) -> str:
    """The form in which titles are compared: article in front, no accents, case or punctuation.

    >>> title_key("Matrix, The")
    'the matrix'
    """
    plain = unicodedata.normalize("NFKD", article_first(title).casefold().replace("&", " and "))
    return " ".join(re.findall(r"[a-z0-9]+", "".join(c for c in plain if not unicodedata.combining(c))))


def movielens_roots(folder: Path) -> list[Path]:
    """Where MovieLens may lie: in the data folder, or beside a folder that holds ReDial alone."""
    return [folder, folder.parent / "movielens"]


def find_movielens(folder: Path, *patterns: str) -> list[Path]:
    """Every file with such a name below the places of `movielens_roots`."""
    return sorted({path for root in movielens_roots(folder) if root.is_dir() for path in find_files(root, *patterns)})


def read_movies(folder: Path) -> pd.DataFrame:
    """Every MovieLens movie below the folder -> columns movielens_id, title, year, genres, imdb (7 digits or NaN).

    A folder without MovieLens gives an empty frame. Raises `DataError` for a file that cannot be read as movies or
    links.
    """
    files = find_movielens(folder, "movies.csv") + find_movielens(folder, "movies.parquet")
    if not files:
        return pd.DataFrame(columns=["movielens_id", "title", "year", "genres", "imdb"])
    movies = pd.concat([read_movie_file(path).rows for path in files]).drop_duplicates("movie_id")
    movies = movies.sort_values("movie_id").reset_index(drop=True)
    imdb = {number: imdb for path in reversed(find_movielens(folder, "links.csv")) for number, imdb in _links(path)}
    return pd.DataFrame(
        {
            "movielens_id": movies["movie_id"],
            "title": movies["title"],
            "year": movies["year"],
            "genres": movies["genres"],
            "imdb": movies["movie_id"].map(pd.Series(imdb, dtype=object)),
        }
    )


def _links(path: Path) -> list[tuple[int, str]]:
    """MovieLens id and IMDb number of seven digits or more, for the movies that have one."""
    table = read_table(path, (MOVIE, Field("imdbId", "text", ("imdb",))))
    numbers = pd.Series([imdb_number(text) for text in table["imdbId"]], dtype=object)
    known = table["imdbId"].notna().to_numpy()
    table = Table(path, table.rows.assign(number=numbers), table.lines, table.problems).without(
        {
            "no movieId": table[MOVIE.name].isna(),
            **id_faults(table),
            "an imdbId that is no number": known & numbers.isna(),
        }
    )
    table.tell()
    linked = table.rows[table["number"].notna()]
    return list(zip(linked[MOVIE.name].astype(int).tolist(), linked["number"].tolist(), strict=True))


def imdb_number(text: object) -> str | None:
    """An IMDb id in any form as its digits, at least seven; None for what is none.

    >>> imdb_number("tt0133093"), imdb_number(133093), imdb_number("133093.0"), imdb_number("n/a")
    ('0133093', '0133093', '0133093', None)
    """
    found = IMDB.fullmatch(str(text).strip())
    return found["number"].zfill(7) if found else None


class Partners:
    """Finds the MovieLens movie that is a ReDial movie."""

    def __init__(self, movielens: pd.DataFrame) -> None:
        rows: list[Row] = movielens.to_dict("records")
        self._by_imdb = {row["imdb"]: row for row in rows if isinstance(row["imdb"], str)}
        self._by_title: dict[tuple[str, int], Row] = {}
        for row in rows:
            if pd.notna(row["year"]):
                for title in {row["title"], ALSO_KNOWN_AS.sub("", row["title"])}:
                    self._by_title.setdefault((title_key(title), int(row["year"])), row)

    def of(self, movie: Movie, imdb_id: str | None) -> Row | None:
        """By IMDb's `tt0133093`, else by title and year within one."""
        row = self._by_imdb.get(imdb_number(imdb_id) or "") if imdb_id else None
        if row is None and movie.year is not None:
            key = title_key(movie.title)
            years = (movie.year, movie.year - 1, movie.year + 1)
            row = next((self._by_title[key, year] for year in years if (key, year) in self._by_title), None)
        return row

    def contradict(self, movie: Movie, imdb_id: str) -> bool:
        """Whether the IMDb id belongs to a movie of another title, or the title and year to one with another id."""
        number = imdb_number(imdb_id)
        if number in self._by_imdb:
            return not alike(movie.title, self._by_imdb[number]["title"])
        row = self._by_title.get((title_key(movie.title), movie.year)) if movie.year is not None else None
        return row is not None and isinstance(row["imdb"], str)


def alike(title: str, other: str) -> bool:
    """Also "Oldboy" and "Old Boy", "Alien 3" and "Alien³ (a.k.a. Alien 3)"."""
    one, two = title_key(title), title_key(other)
    return one.replace(" ", "") == two.replace(" ", "") or fuzz.token_set_ratio(one, two) >= ALIKE


def join(movies: Iterable[Movie], imdb_ids: dict[int, str], movielens: pd.DataFrame) -> list[Movie]:
    """Give every movie its MovieLens id, as `Partners` finds it. `imdb_ids` maps ReDial ids to IMDb's.

    A joined movie takes MovieLens' genres beside its own, since IMDb names three at most: "The Sound of Music" is no
    musical there. One without a year takes that too, unless another movie has that title and year already: two rows
    must never look the same.
    """
    partners = Partners(movielens)
    movies = list(movies)
    joined = []
    taken = {(title_key(movie.title), movie.year) for movie in movies}
    for movie in movies:
        partner = partners.of(movie, imdb_ids.get(movie.movie_id))
        if partner is not None:
            genres, year = tuple(dict.fromkeys((*movie.genres, *partner["genres"]))), partner["year"]
            movie = replace(movie, movielens_id=int(partner["movielens_id"]), genres=genres)
            if movie.year is None and pd.notna(year) and (title_key(movie.title), year) not in taken:
                movie = replace(movie, year=int(year))
                taken.add((title_key(movie.title), movie.year))
        joined.append(movie)
    return joined


@dataclass(frozen=True, slots=True)
class JoinCoverage:
    """How much of the catalogue has a MovieLens id."""

    joined: int
    movies: int
    joined_mentions: int
    mentions: int

    def __str__(self) -> str:
        movies = f"{self.joined:,} of {self.movies:,} movies ({self.joined / self.movies:.1%})"
        return f"{movies}, {self.joined_mentions / max(self.mentions, 1):.1%} of {self.mentions:,} mentions"


def coverage(catalog: Catalog) -> JoinCoverage:
    joined = [movie for movie in catalog if movie.movielens_id is not None]
    return JoinCoverage(len(joined), len(catalog), sum(m.mentions for m in joined), sum(m.mentions for m in catalog))
