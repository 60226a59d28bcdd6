"""Tastes of simulated people over a catalogue, and draws that are the same on every machine.

Of a generator's methods only `random()` is promised to give the same numbers on every Python version.
"""

import random
from bisect import bisect
from collections.abc import Container, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

from recommender.data.catalog import Catalog, Movie
from recommender.errors import DataError

T = TypeVar("T")

HEAD = 300  # tastes choose among this many of the most mentioned movies
POOL = 18  # movies of one taste
MIN_POOL = 4
MIN_MOVIES = 8  # the longest dialogue never runs out of movies

# The genres a movie must have, and the decade it must be from (None: any).
TASTES: tuple[tuple[tuple[str, ...], int | None], ...] = (
    (("action",), None),
    (("action", "crime"), None),
    (("animation",), None),
    (("comedy",), None),
    (("comedy",), 1980),
    (("comedy",), 1990),
    (("comedy", "romance"), None),
    (("crime", "drama"), None),
    (("drama",), 1990),
    (("drama", "romance"), None),
    (("family",), None),
    (("fantasy",), None),
    (("horror",), None),
    (("mystery", "thriller"), None),
    (("sci-fi",), None),
)


@dataclass(frozen=True, slots=True)
class Taste:
    """What a seeker can want, and the movies that meet it, the most fitting first."""

    genres: tuple[str, ...]
    decade: int | None
    pool: tuple[Movie, ...]


def tastes_and_popular(catalog: Catalog) -> tuple[list[Taste], list[Movie]]:
    """The tastes that the catalogue has movies for, and its most mentioned movies.

    A catalogue whose movies carry none of the genres of `TASTES` gives one taste: the most mentioned ones. Raises
    `DataError` for a catalogue of fewer than `MIN_MOVIES` movies.
    """
    if len(catalog) < MIN_MOVIES:
        raise DataError(f"The sample needs a catalogue of at least {MIN_MOVIES} movies; this one holds {len(catalog)}.")
    ranked = sorted(catalog, key=lambda movie: (-movie.mentions, movie.movie_id))
    popular = ranked[:POOL]
    return tastes_of(ranked) or [Taste((), None, tuple(popular))], popular


def tastes_of(ranked: Sequence[Movie]) -> list[Taste]:
    """The tastes of `TASTES` for which the catalogue has enough movies."""
    head = [movie for movie in ranked if movie.genres][:HEAD]
    tastes = [Taste(genres, decade, _pool(head, genres, decade)) for genres, decade in TASTES]
    return [taste for taste in tastes if len(taste.pool) >= MIN_POOL]


def _pool(head: Sequence[Movie], genres: tuple[str, ...], decade: int | None) -> tuple[Movie, ...]:
    """Mentions count by the share of a movie's genres that are wanted: a plain comedy is more of a comedy."""
    fitting = [
        movie
        for movie in head
        if all(genre in movie.genres for genre in genres)
        and (decade is None or (movie.year is not None and movie.year // 10 * 10 == decade))
    ]
    return tuple(sorted(fitting, key=lambda movie: (-movie.mentions / len(movie.genres), movie.movie_id))[:POOL])


def draw(
    rng: random.Random, pool: Sequence[Movie], popular: Sequence[Movie], count: int, used: Sequence[Movie]
) -> list[Movie]:
    """`count` movies, none of them used, nearly all from the pool; a few, or all once it is empty, are just popular."""
    drawn: list[Movie] = []
    for _ in range(count):
        source = popular if chance(rng, 0.08) else pool
        taken = {movie.movie_id for movie in (*used, *drawn)}
        left = _without(taken, source) or _without(taken, popular)
        drawn.append(choose_by_rank(rng, left))
    return drawn


def _without(taken: Container[int], movies: Sequence[Movie]) -> list[Movie]:
    return [movie for movie in movies if movie.movie_id not in taken]


def chance(rng: random.Random, probability: float) -> bool:
    return rng.random() < probability


def between(rng: random.Random, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    return low + int(rng.random() * (high - low + 1))


def choose(rng: random.Random, options: Sequence[T]) -> T:
    return options[between(rng, 0, len(options) - 1)]


def choose_by_rank(rng: random.Random, ranked: Sequence[T]) -> T:
    """Zipf-like: what stands at place r (from 0) has the weight 1 / (r + 3)."""
    # Added one by one: since Python 3.12 `sum` rounds floats differently.
    bounds = list(accumulate(1 / (place + 3) for place in range(len(ranked))))
    return ranked[bisect(bounds, rng.random() * bounds[-1])]
