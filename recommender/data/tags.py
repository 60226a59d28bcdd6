"""MovieLens' tags as rows of the tag task: a tag's text -> a movie of the catalogue."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from recommender.data.catalog import Catalog
from recommender.data.finding import ending
from recommender.data.movie_files import MOVIE, id_faults
from recommender.data.movielens import find_movielens
from recommender.data.tables import Field, read_table
from recommender.errors import DataError

FIELDS = (Field("userId", "key", ("user_id", "user")), MOVIE, Field("tag", "text", ("tags",)))
DAT = ("userId", "movieId", "tag", "timestamp")  # columns of a file without a header
HELP = (
    "Download ml-latest-small from https://grouplens.org/datasets/movielens/, unpack it below RECOMMENDER_DATA_DIR, "
    "or choose a preset without tags."
)


@dataclass(frozen=True, slots=True)
class TagRow:
    """One (tag text -> movie) row of the tag task; `movie_id` is ReDial's."""

    tag: str
    movie_id: int


def read_tags(path: Path) -> pd.DataFrame:
    """Columns userId, movieId, tag (lower case), without what says nothing. Raises `DataError` for a file that cannot
    be read, lacks a column, or is mostly of lines without a movie."""
    table = read_table(path, FIELDS, DAT)
    table = table.without({"no movieId": table[MOVIE.name].isna(), **id_faults(table)})
    table.tell()
    tags = table.rows.dropna()
    return tags.assign(tag=tags["tag"].astype(str).str.strip().str.lower(), userId=tags["userId"].astype(str))


def load_tags(
    folder: Path | None, catalog: Catalog, per_movie: int, min_chars: int, same_number: bool = False
) -> list[TagRow]:
    """(tag text -> movie) rows for the joined movies: distinct tags of at least `min_chars` characters, the
    `per_movie` most used of each movie (ties alphabetically). Raises `DataError` if there are no tags to read.

    `same_number` repeats the mistake of the 2025 reproduction: a tag goes to the movie whose ReDial id is the number
    that MovieLens gave to another.
    """
    found = [] if folder is None else find_movielens(folder, "tags.csv", "tags.tsv", "tags.dat", "tags.parquet")
    files = sorted(found, key=lambda path: ending(path) == ".parquet")
    if not files:
        raise DataError(f"The tag task needs MovieLens tags and none were found. {HELP}")
    tags = pd.concat([read_tags(path) for path in files])
    tags = tags[tags["tag"].str.len() >= min_chars].drop_duplicates()
    if same_number:
        joined = [(movie.movie_id, movie.movie_id) for movie in catalog]
    else:
        joined = [(movie.movielens_id, movie.movie_id) for movie in catalog if movie.movielens_id is not None]
    redial = pd.DataFrame(joined, columns=["movieId", "movie_id"])  # two of ReDial's may be one of MovieLens'
    counts = tags.merge(redial, on="movieId").groupby(["movie_id", "tag"]).size().rename("uses").reset_index()
    if counts.empty:
        names = ", ".join(str(path) for path in files[:3])
        raise DataError(f"The tags of {names} are of no movie of the catalogue. {HELP}")
    counts = counts.sort_values(["movie_id", "uses", "tag"], ascending=[True, False, True])
    top = counts.groupby("movie_id").head(per_movie)
    return [TagRow(tag, int(movie_id)) for tag, movie_id in zip(top["tag"], top["movie_id"], strict=True)]
