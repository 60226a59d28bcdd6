"""A seeded simulator of people who watch and rate movies of the catalogue, with the tastes of the simulated seekers."""

import random
from collections.abc import Iterator, Sequence

from recommender.data.catalog import Catalog, Movie
from recommender.data.interaction import DAY, Interaction
from recommender.data.sample.tastes import Taste, between, chance, choose, draw, tastes_and_popular

BEGIN = 1_500_000_000  # seconds: in July 2017
YEARS = 3
FEWEST, MOST = 2, 16  # movies of a person


def sample_interactions(catalog: Catalog, seed: int = 0, people: int = 300) -> list[Interaction]:
    """Simulated events, the same on every machine for the same catalogue and seed. About a third have the very time of
    another one of the person, as where a whole page is rated at once.

    Raises what `tastes_and_popular` raises.
    """
    tastes, popular = tastes_and_popular(catalog)
    rng = random.Random(seed)
    return [event for number in range(1, people + 1) for event in _person(rng, number, choose(rng, tastes), popular)]


def _person(rng: random.Random, number: int, taste: Taste, popular: Sequence[Movie]) -> Iterator[Interaction]:
    time = BEGIN + int(rng.random() * YEARS * 365 * DAY)
    for movie in draw(rng, taste.pool, popular, between(rng, FEWEST, min(MOST, len(popular))), used=[]):
        if chance(rng, 0.7):
            time += between(rng, 1, 30 * DAY)
        fits = movie in taste.pool
        rating = between(rng, 6 if fits else 1, 10 if fits else 8) / 2
        completion = between(rng, 80 if rating >= 3 else 10, 100) / 100
        plays = 1 + (between(rng, 0, 3) if rating >= 4.5 else 0)
        yield Interaction(f"person-{number:04}", movie.movie_id, time, rating, completion, plays)
