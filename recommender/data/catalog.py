"""Movies and the catalogue: the closed, ordered set that every ranking is over."""

import hashlib
import html
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar
from urllib.parse import unquote

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from recommender.errors import DataError, first_problem
from recommender.files import write_atomically

TALKED_ABOUT = 5  # mentions
Whole = Annotated[int, Field(ge=0, lt=2**53)]  # what a database and a float hold exactly
YEAR = re.compile(r"\s*\((\d{4})\)\s*$")


def clean_text(text: str) -> str:
    """Decode HTML entities and fold runs of white space: `"Heat &amp;  Dust "` -> `"Heat & Dust"`."""
    with suppress(ValueError):  # "&#" and thousands of digits: no character, and more than Python takes for a number
        text = html.unescape(text)
    return " ".join(text.split())


def split_name(name: str) -> tuple[str, int | None]:
    """`"The Matrix  (1999)"` -> `("The Matrix", 1999)`; a name without a year gives `None` for it.

    ReDial's names come from web addresses, so some carry percent escapes (`"Why Him%3F (2016)"`).

    >>> split_name("A Scanner Darkly  (2006)")
    ('A Scanner Darkly', 2006)
    """
    name = clean_text(unquote(name))
    found = YEAR.search(name)
    if not found or found.start() == 0:
        return name, None
    return name[: found.start()], int(found.group(1))


@dataclass(frozen=True, slots=True)
class Movie:
    """One movie of the catalogue. `mentions` counts how often ReDial's dialogues name it."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid", strict=True)  # of what is read from a file

    movie_id: Whole
    title: str
    year: Whole | None = None
    genres: tuple[str, ...] = ()
    movielens_id: Whole | None = None
    mentions: Whole = 0

    @property
    def name(self) -> str:
        """Title with the year where it is known, the form the models read: `"The Matrix (1999)"`."""
        return self.title if self.year is None else f"{self.title} ({self.year})"


MOVIES = TypeAdapter(list[Movie])


class Catalog:
    """The movies in ascending id order. A movie's place in it, its item index, is its place in every row of scores,
    so ties broken by index are ties broken by movie id."""

    def __init__(self, movies: Iterable[Movie]) -> None:
        self.movies = tuple(sorted(movies, key=lambda movie: movie.movie_id))
        self._index = {movie.movie_id: i for i, movie in enumerate(self.movies)}
        if not self.movies:
            raise DataError("A catalogue needs at least one movie.")
        if len(self._index) != len(self.movies):
            raise DataError("The catalogue holds two movies with the same id.")

    def __len__(self) -> int:
        return len(self.movies)

    def __iter__(self) -> Iterator[Movie]:
        return iter(self.movies)

    def __getitem__(self, index: int) -> Movie:
        return self.movies[index]

    def has(self, movie_id: int) -> bool:
        return movie_id in self._index

    def index(self, movie_id: int) -> int:
        """The item index of a movie id. Raises `DataError` for an id that is not in the catalogue."""
        try:
            return self._index[movie_id]
        except KeyError:
            raise DataError(f"Movie id {movie_id} is not in the catalogue of {len(self)} movies.") from None

    def by_id(self, movie_id: int) -> Movie:
        return self.movies[self.index(movie_id)]

    def indices(self, movie_ids: Iterable[int]) -> list[int]:
        return [self.index(movie_id) for movie_id in movie_ids]

    @property
    def talked_about(self) -> list[int]:
        """The item indices of the movies that people name again and again; all, where none is."""
        named = [index for index, movie in enumerate(self.movies) if movie.mentions >= TALKED_ABOUT]
        return named or list(range(len(self)))

    def with_added(self, movies: Iterable[Movie]) -> "Catalog":
        """The same with more movies at the end, so that the others keep their indices.

        Raises `DataError` for an id that is not above all others.
        """
        added = tuple(movies)
        if any(movie.movie_id <= self.movies[-1].movie_id for movie in added):
            raise DataError("A movie that is added needs an id above those of the catalogue.")
        return Catalog((*self.movies, *added))

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the ids in order: two catalogues with the same one give an item index the same meaning."""
        ids = ",".join(str(movie.movie_id) for movie in self.movies)
        return hashlib.sha256(ids.encode()).hexdigest()[:16]

    def save(self, path: Path) -> None:
        """Write as JSON, one movie a line, so that a change shows as a small diff."""
        names = [field.name for field in fields(Movie)]
        rows = ({name: getattr(movie, name) for name in names} for movie in self.movies)
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        write_atomically(path, "[\n" + ",\n".join(lines) + "\n]\n")

    @classmethod
    def load(cls, path: Path) -> "Catalog":
        """Read what `save` wrote. Raises `DataError` naming the file if it is missing or damaged."""
        try:
            return cls.parse(path.read_bytes(), path)
        except OSError as error:
            raise DataError(f"Cannot read the catalogue {path}: {error.strerror}.") from error

    @classmethod
    def parse(cls, raw: bytes, path: Path) -> "Catalog":
        """What `load` does with the content of `path`."""
        try:
            return cls(MOVIES.validate_json(raw))
        except ValidationError as error:
            raise DataError(f"The catalogue {path} is damaged: {first_problem(error)}.") from error
