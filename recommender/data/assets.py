"""The shipped assets: catalogue facts, movie text vectors and counts; built from a data folder, read by everyone."""

import json
import reprlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as dump_tensors

from recommender.data.catalog import Catalog, Movie, clean_text, split_name
from recommender.data.dialogue import Dialogue
from recommender.data.finding import find_file, read_bytes
from recommender.data.movie_files import MOVIE, id_faults
from recommender.data.movielens import Partners, imdb_number, join, read_movies
from recommender.data.tables import Field, read_table
from recommender.errors import DataError
from recommender.files import safetensors_metadata, write_atomically

CATALOG_FILE = "catalog.json"
VECTORS_FILE = "movie_text.safetensors"
COUNTS_FILE = "follows.safetensors"
CSV_FILE = "movies_with_mentions.csv"  # ReDial's list of its movies
MOVIE_TEXT_TOKENS = 128  # of the text a movie is known by
INFO_FILE = "movie_info.json"  # plots, people and IMDb ids, from a research repository


@dataclass(frozen=True)
class MovieInfo:
    """What `movie_info.json` knows of one movie. Plots and people are used for text vectors and never shipped."""

    genres: tuple[str, ...] = ()
    plot: str = ""
    people: tuple[str, ...] = ()
    imdb_id: str | None = None
    name: str = ""


def read_info(folder: Path) -> dict[int, MovieInfo]:
    """`movie_info.json` anywhere below the folder -> info by ReDial id; empty if the file is not there.

    The file was matched by a program: it knows "It (1990)" as Goodfellas. Where MovieLens contradicts it only the name
    is kept.
    """
    path = find_file(folder, INFO_FILE)
    if path is None:
        return {}
    try:
        rows = json.loads(read_bytes(path).decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno} is damaged: not JSON ({error.msg}).") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is damaged: {error}.") from error
    if not isinstance(rows, dict):
        raise DataError(f"{path} is damaged: expected an object of movies, found {type(rows).__name__}.")
    found = {}
    for movie_id, row in rows.items():
        try:
            found[int(movie_id)] = _info(row)
        except ValueError as error:
            raise DataError(f"{path} is damaged at movie {movie_id!r}: {error}.") from error
    partners = Partners(read_movies(folder))
    return {movie_id: _trusted(movie_id, info, partners) for movie_id, info in found.items()}


def _trusted(movie_id: int, info: MovieInfo, partners: Partners) -> MovieInfo:
    movie = Movie(movie_id, *split_name(info.name))
    wrong = info.imdb_id is not None and partners.contradict(movie, info.imdb_id)
    return MovieInfo(name=info.name) if wrong else info


def _info(row: Any) -> MovieInfo:
    """Raises `ValueError` that says what is wrong with it."""
    if not isinstance(row, dict):
        raise ValueError(f"expected an object, found {type(row).__name__}")
    imdb_id = row.get("imdb_id")
    number = imdb_number(imdb_id)
    if imdb_id and number is None:
        raise ValueError(f"an imdb_id that is no number: {imdb_id!r}")
    people = [clean_text(name) for part in ("director", "star", "writer") for name in _texts(row, part)]
    return MovieInfo(
        genres=tuple(clean_text(genre).lower() for genre in _texts(row, "genre")),
        plot=clean_text(_text(row, "plot")),
        people=tuple(dict.fromkeys(people)),
        imdb_id=f"tt{number}" if number else None,
        name=clean_text(_text(row, "name")),
    )


def _text(row: dict[str, Any], part: str) -> str:
    value = row.get(part) or ""
    if not isinstance(value, str):
        raise ValueError(f"{part} is no text: {reprlib.repr(value)}")
    return value


def _texts(row: dict[str, Any], part: str) -> list[str]:
    value = row.get(part) or []
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ValueError(f"{part} is no list of texts: {reprlib.repr(value)}")
    return value


def build_catalog(folder: Path, info: dict[int, MovieInfo], train: list[Dialogue]) -> Catalog:
    """`movies_with_mentions.csv`, names declared in the dialogues and `movie_info.json`, joined with MovieLens.

    `mentions` is counted in the training dialogues, so that nothing of the test split is in the catalogue's facts.
    Raises `DataError` if the folder has no `movies_with_mentions.csv`, or one that cannot be read.
    """
    path = find_file(folder, CSV_FILE)
    if path is None:
        raise DataError(f"{folder} has no {CSV_FILE}, which lists ReDial's movies.")
    table = read_table(path, (MOVIE, Field("movieName", "text", ("title", "name"))))
    table = table.without({"no movieId": table[MOVIE.name].isna(), **id_faults(table)})
    table.tell()
    if not len(table):
        raise DataError(f"{path} lists no movie.")
    names = dict(zip(table[MOVIE.name].astype(int).tolist(), table["movieName"], strict=True))
    counts = Counter(movie_id for dialogue in train for message in dialogue.messages for movie_id in message.movie_ids)
    declared = {movie_id: name for dialogue in train for movie_id, name in dialogue.names.items()}
    movies = []
    for movie_id, name in names.items():
        facts = info.get(movie_id, MovieInfo())
        title, year = split_name(name or declared.get(movie_id, "") or facts.name)
        year = year or split_name(facts.name)[1]
        movies.append(Movie(movie_id, title, year, facts.genres, mentions=counts[movie_id]))
    imdb_ids = {movie_id: facts.imdb_id for movie_id, facts in info.items() if facts.imdb_id}
    return Catalog(join(movies, imdb_ids, read_movies(folder)))


def movie_text(movie: Movie, info: MovieInfo) -> str:
    """The text a movie is known by: title, year, genres, people and plot, as far as they are at hand."""
    parts = [movie.name, ", ".join(movie.genres), ", ".join(info.people[:6]), info.plot]
    return ". ".join(part for part in parts if part)


def count_follows(train: list[Dialogue], catalog: Catalog) -> dict[str, NDArray[np.int32]]:
    """How often the recommender named movie j in a message after movie i had been mentioned, over training dialogues.

    Returns the non-zero counts as three arrays of one length: `before` [N] and `after` [N] (catalogue indices,
    sorted by both) and `count` [N].
    """
    counts: Counter[tuple[int, int]] = Counter()
    for dialogue in train:
        seen: dict[int, None] = {}
        for message in dialogue.messages:
            named = [movie_id for movie_id in message.movie_ids if catalog.has(movie_id)]
            fresh = [m for m in named if m not in seen] if message.role == "recommender" else []
            counts.update((before, after) for after in fresh for before in seen)
            seen.update(dict.fromkeys(named))
    pairs = sorted((catalog.index(i), catalog.index(j), n) for (i, j), n in counts.items())
    before, after, count = np.array(pairs, dtype=np.int32).reshape(-1, 3).T
    return {"before": before.copy(), "after": after.copy(), "count": count.copy()}


def save_arrays(path: Path, arrays: dict[str, np.ndarray], catalog: Catalog) -> None:
    write_atomically(path, dump_tensors(arrays, metadata={"catalog": catalog.fingerprint}))


def load_movie_text(assets_dir: Path, shipped: Catalog, movies: Iterable[Movie]) -> np.ndarray:
    """The text vectors [N, D] of movies of the shipped catalogue. Raises `DataError` for one that it lacks."""
    vectors: np.ndarray = load_arrays(assets_dir / VECTORS_FILE, shipped)["vectors"]
    return vectors[shipped.indices(movie.movie_id for movie in movies)]


class OtherCatalogError(DataError):
    """An asset that was made for another catalogue."""


def load_arrays(path: Path, catalog: Catalog) -> dict[str, np.ndarray]:
    """Read an asset written for this catalogue. Raises `DataError` naming the file if it is missing or damaged, and
    `OtherCatalogError` for one of another catalogue."""
    try:
        raw = path.read_bytes()
        arrays: dict[str, np.ndarray] = load_tensors(raw)
        facts = safetensors_metadata(raw)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}. Run `python -m recommender prepare`.") from error
    except Exception as error:  # safetensors raises its own SafetensorError, which has no narrower public base
        raise DataError(f"{path} is damaged: {error}. Run `python -m recommender prepare`.") from error
    if facts.get("catalog") != catalog.fingerprint:
        raise OtherCatalogError(f"{path} was made for another catalogue. Run `python -m recommender prepare`.")
    return arrays
