"""MovieLens: tags, and the join of its movies with ReDial's.

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

from recommender.data.catalog import Catalog, Movie, split_name
from recommender.errors import DataError

GENRE_NAMES = {"children": "family"}
NOT_GENRES = {"(no genres listed)", "imax"}
ARTICLE_LAST = re.compile(r"^(?P<title>.*), (?P<article>the|a|an)$", re.IGNORECASE)
Row = dict[Hashable, Any]  # one MovieLens movie, with the columns of `read_movies`
ALIKE = 60  # of 100, by the words that two titles share
ALSO_KNOWN_AS = re.compile(r"\s*\([^()]*\)\s*$")


@dataclass(frozen=True, slots=True)
class TagRow:
    """One (tag text -> movie) row of the tag task; `movie_id` is ReDial's."""

    tag: str
    movie_id: int


def title_key(title: str) -> str:
    """The form in which titles are compared: article in front, no accents, case or punctuation.

    >>> title_key("Matrix, The")
    'the matrix'
    """
    found = ARTICLE_LAST.match(title)
    if found:
        title = f"{found['article']} {found['title']}"
    plain = unicodedata.normalize("NFKD", title.casefold().replace("&", " and "))
    return " ".join(re.findall(r"[a-z0-9]+", "".join(c for c in plain if not unicodedata.combining(c))))


def movielens_roots(folder: Path) -> list[Path]:
    """Where MovieLens may lie: in the data folder, or beside a folder that holds ReDial alone."""
    return [folder, folder.parent / "movielens"]


def find_files(folder: Path, name: str) -> list[Path]:
    """Every file of this name below the places of `movielens_roots`."""
    return sorted({path for root in movielens_roots(folder) if root.is_dir() for path in root.rglob(name)})


def read_movies(folder: Path) -> pd.DataFrame:
    """Every MovieLens movie below the folder -> columns movielens_id, title, year, genres, imdb (7 digits or NaN).

    A folder without MovieLens gives an empty frame.
    """
    frames = [pd.read_csv(path) for path in find_files(folder, "movies.csv")]
    frames += [pd.read_parquet(path) for path in find_files(folder, "movies.parquet")]
    if not frames:
        return pd.DataFrame(columns=["movielens_id", "title", "year", "genres", "imdb"])
    movies = pd.concat(frames).drop_duplicates("movieId").sort_values("movieId")
    names = [split_name(name) for name in movies["title"]]
    links = [pd.read_csv(path, dtype={"imdbId": str}) for path in find_files(folder, "links.csv")]
    imdb = pd.concat(links).drop_duplicates("movieId").set_index("movieId")["imdbId"] if links else pd.Series(dtype=str)
    return pd.DataFrame(
        {
            "movielens_id": movies["movieId"].to_numpy(),
            "title": [title for title, _ in names],
            "year": [year for _, year in names],
            "genres": [_genres(genres) for genres in movies["genres"]],
            "imdb": movies["movieId"].map(imdb).to_numpy(),
        }
    )


def _genres(piped: str) -> tuple[str, ...]:
    names = [GENRE_NAMES.get(name, name) for name in piped.lower().split("|")]
    return tuple(name for name in names if name not in NOT_GENRES)


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
        row = self._by_imdb.get(imdb_id.removeprefix("tt")) if imdb_id else None
        if row is None and movie.year is not None:
            key = title_key(movie.title)
            years = (movie.year, movie.year - 1, movie.year + 1)
            row = next((self._by_title[key, year] for year in years if (key, year) in self._by_title), None)
        return row

    def contradict(self, movie: Movie, imdb_id: str) -> bool:
        """Whether the IMDb id belongs to a movie of another title, or the title and year to one with another id."""
        number = imdb_id.removeprefix("tt")
        if number in self._by_imdb:
            return not _alike(movie.title, self._by_imdb[number]["title"])
        row = self._by_title.get((title_key(movie.title), movie.year)) if movie.year is not None else None
        return row is not None and isinstance(row["imdb"], str)


def _alike(title: str, other: str) -> bool:
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


def load_tags(
    folder: Path | None, catalog: Catalog, per_movie: int, min_chars: int, same_number: bool = False
) -> list[TagRow]:
    """(tag text -> movie) rows for the joined movies: distinct tags of at least `min_chars` characters, the
    `per_movie` most used of each movie (ties alphabetically). Raises `DataError` if there are no tags to read.

    `same_number` repeats the mistake of the 2025 reproduction: a tag goes to the movie whose ReDial id is the number
    that MovieLens gave to another.
    """
    files = [] if folder is None else find_files(folder, "tags.csv") + find_files(folder, "tags.parquet")
    if not files:
        raise DataError(
            "The tag task needs MovieLens tags and none were found. Download ml-latest-small from "
            "https://grouplens.org/datasets/movielens/, unpack it below RECOMMENDER_DATA_DIR, "
            "or choose a preset without tags."
        )
    frames = [pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path) for path in files]
    tags = pd.concat(frames)[["userId", "movieId", "tag"]].dropna()
    tags["tag"] = tags["tag"].astype(str).str.strip().str.lower()
    tags = tags[tags["tag"].str.len() >= min_chars].drop_duplicates()
    if same_number:
        joined = [(movie.movie_id, movie.movie_id) for movie in catalog]
    else:
        joined = [(movie.movielens_id, movie.movie_id) for movie in catalog if movie.movielens_id is not None]
    redial = pd.DataFrame(joined, columns=["movieId", "movie_id"])  # two of ReDial's may be one of MovieLens'
    counts = tags.merge(redial, on="movieId").groupby(["movie_id", "tag"]).size().rename("uses").reset_index()
    counts = counts.sort_values(["movie_id", "uses", "tag"], ascending=[True, False, True])
    top = counts.groupby("movie_id").head(per_movie)
    return [TagRow(tag, int(movie_id)) for tag, movie_id in zip(top["tag"], top["movie_id"], strict=True)]
