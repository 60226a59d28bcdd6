"""What is known of a person and a movie beside that it was named: the facts that losses may weigh a target by."""

import math
from collections.abc import Sequence
from typing import NamedTuple, Self


class Engagement(NamedTuple):
    """None is unknown. Dialogues know the first three (ReDial's forms), interaction data the others."""

    liked: float | None = None  # 1 or 0
    seen: float | None = None  # 1 or 0
    suggested: float | None = None  # 1 by the recommender, 0 named by the seeker
    rating: float | None = None  # share of the best rating, above 0 up to 1
    completion: float | None = None  # share of the movie that was watched, 0 to 1
    plays: float | None = None  # how often it was played
    age_days: float | None = None  # from the event to the latest one of the training data

    def or_else(self, other: Self) -> Self:
        """What is unknown here, taken from the other."""
        return type(self)(*(b if a is None else a for a, b in zip(self, other, strict=True)))

    @property
    def as_numbers(self) -> list[float]:
        """NaN for what is unknown."""
        return [math.nan if fact is None else fact for fact in self]


UNKNOWN = Engagement()
FACTS = Engagement._fields


def place_of(name: str) -> int:
    """The place of a fact in `as_numbers`."""
    return FACTS.index(name)


def numbers_of(rows: Sequence[Engagement]) -> list[list[float]]:
    return [row.as_numbers for row in rows]
