"""Draws that are the same on every machine: of a generator's methods only `random()` is promised to give the same
numbers on every Python version."""

import random
from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

T = TypeVar("T")


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
