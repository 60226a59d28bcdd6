"""Movies that the user has added to the catalogue: known by their text, recommended at once, nothing is trained."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from pydantic import ConfigDict, FiniteFloat, TypeAdapter, ValidationError

from recommender.data.assets import MOVIE_TEXT_TOKENS, MovieInfo, movie_text
from recommender.data.catalog import Catalog, Movie, clean_text
from recommender.errors import DataError, RecommenderError, first_problem
from recommender.files import write_atomically
from recommender.settings import Settings

FILE = "added_movies.json"
YEARS = (1870, 2100)
MAX_TEXT = 4000  # characters


@dataclass(frozen=True)
class Row:
    """One movie of the file, and the vector of its text [D]."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid", strict=True)

    movie: Movie
    vector: list[FiniteFloat]


ROWS = TypeAdapter(list[Row])


@dataclass(frozen=True)
class Added:
    """Movies and the vectors of their texts [N, D], from the file of one checkpoints folder."""

    movies: tuple[Movie, ...]
    vectors: NDArray[np.float32]


def load_added(settings: Settings) -> Added:
    """What was added so far; nothing without a file. Raises `DataError` for a damaged one."""
    rows = _rows(_file(settings))
    return Added(tuple(row.movie for row in rows), np.array([row.vector for row in rows], dtype=np.float32))


def add_movie(
    title: str, year: int | None, genres: Sequence[str], text: str, catalog: Catalog, settings: Settings
) -> Movie:
    """Put a movie into the file. `genres` are the catalogue's own; `text` says what the movie is about and is kept as a
    vector only.

    Raises `RecommenderError` for a title that is empty or there already, an unknown genre, an impossible year, words
    that are not Unicode, and in read-only mode.
    """
    _check_allowed(settings)
    _check_encoding(title, "title")
    _check_encoding(text, "text")
    title, text = clean_text(title), clean_text(text)[:MAX_TEXT]
    added = load_added(settings)
    _check(title, year, genres, (*catalog, *added.movies))
    vector = text_vector(movie_text(Movie(0, title, year, tuple(genres)), MovieInfo(plot=text)))
    with _alone(settings):
        before = _rows(_file(settings))  # somebody else may have added one in the seconds that the vector took
        _check(title, year, genres, (*catalog, *(row.movie for row in before)))
        # The time, so that no id is ever given again: people's marks and links go by it.
        number = max([int(time.time()), *(row.movie.movie_id + 1 for row in before)])
        movie = Movie(number, title, year, tuple(genres))
        _write([*before, Row(movie, [round(x, 6) for x in vector])], settings)
    return movie


def remove_movie(movie_id: int, settings: Settings) -> None:
    """Take an added movie out again. Raises `RecommenderError` if it was not added, and in read-only mode."""
    _check_allowed(settings)
    with _alone(settings):
        rows = _rows(_file(settings))
        kept = [row for row in rows if row.movie.movie_id != movie_id]
        if len(kept) == len(rows):
            raise RecommenderError(f"No added movie has the id {movie_id}.")
        _write(kept, settings)


def stamp(settings: Settings) -> tuple[int, int]:
    """Changes whenever the file does; for what is remembered with the added movies in it."""
    try:
        facts = _file(settings).stat()
    except FileNotFoundError:
        return (0, 0)
    return (facts.st_mtime_ns, facts.st_size)


def text_vector(text: str) -> list[float]:
    """D numbers by the packaged encoder, as the vectors of all movies were made."""
    from recommender.config.models import FrozenText
    from recommender.models.text_encoder import TextEncoder

    encoder = TextEncoder(FrozenText())
    vector: list[float] = encoder.vectors(encoder.tokenize([text], MOVIE_TEXT_TOKENS, "first"))[0].tolist()
    return vector


def _check_allowed(settings: Settings) -> None:
    if settings.read_only:
        raise RecommenderError("This is a read-only demo: no movie is added or taken out here.")


def _check_encoding(words: str, what: str) -> None:
    """A command line may hold bytes that are no UTF-8; Python hands them on as halves of surrogate pairs."""
    try:
        words.encode()
    except UnicodeEncodeError as error:
        raise RecommenderError(f"The {what} is not valid UTF-8 at character {error.start + 1}.") from error


def _check(title: str, year: int | None, genres: Sequence[str], movies: Sequence[Movie]) -> None:
    if not any(letter.isalnum() for letter in title):
        raise RecommenderError("A movie needs a title.")
    if year is not None and not YEARS[0] <= year <= YEARS[1]:
        raise RecommenderError(f"The year must lie between {YEARS[0]} and {YEARS[1]}, not {year}.")
    known = sorted({genre for movie in movies for genre in movie.genres})
    for genre in genres:
        if genre not in known:
            raise RecommenderError(f"The catalogue has no genre {genre!r}. It has: {', '.join(known)}.")
    for movie in movies:
        if movie.title.casefold() == title.casefold() and movie.year == year:
            raise RecommenderError(f"The catalogue has {movie.name} already.")


def _file(settings: Settings) -> Path:
    return settings.checkpoints_dir / FILE


def _alone(settings: Settings) -> FileLock:
    """Held while the file is read and written again, so that two processes do not lose each other's movies."""
    settings.checkpoints_dir.mkdir(parents=True, exist_ok=True)
    return FileLock(_file(settings).with_suffix(".lock"))


def _rows(path: Path) -> list[Row]:
    try:
        rows = ROWS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return []
    except ValidationError as error:
        raise _damaged(path, first_problem(error)) from error
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}.") from error
    if len({len(row.vector) for row in rows}) > 1:
        raise _damaged(path, "it holds vectors of different lengths")
    return rows


def _damaged(path: Path, why: str) -> DataError:
    return DataError(f"{path} is damaged: {why}. Delete it, and add the movies again.")


def _write(rows: list[Row], settings: Settings) -> None:
    lines = [json.dumps(asdict(row), ensure_ascii=False) for row in rows]
    write_atomically(_file(settings), "[\n" + ",\n".join(lines) + "\n]\n")
