"""How sure a mean is: numbers drawn again from the very examples that were measured, whole dialogues at a time.

Shapes: N examples, G groups (dialogues), R draws. Needs no torch, so that the compare page is there at once.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recommender.errors import RecommenderError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

INTERVAL_DRAWS = 1000


def bootstrap_interval(
    values: Floats, groups: ArrayLike | None, seed: int, draws: int = INTERVAL_DRAWS, level: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of `values` [N] (Efron & Tibshirani 1993, sec. 13.3).

    With `groups` [N], such as dialogue ids, whole groups are drawn, since turns of one dialogue are not independent.
    Raises `RecommenderError` for no values, or groups of another length.

    >>> bootstrap_interval(np.full(5, 0.25), None, seed=0)
    (0.25, 0.25)
    """
    sums, sizes = _by_group(values, groups)
    drawn = np.random.default_rng(seed).integers(len(sizes), size=(draws, len(sizes)))  # [R, G]
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)  # [R]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def sign_flip_p(differences: Floats, groups: ArrayLike | None, seed: int, draws: int = 2000) -> float:
    """How often chance alone gives a mean as far from zero as that of `differences` [N]: the two-sided p of a paired
    randomisation test (Smucker et al. 2007). If two systems are alike, so is each group with its sign turned over.

    The observed signs count as one of the draws, so p is at least 1 / (draws + 1). Raises as `bootstrap_interval`.

    >>> sign_flip_p(np.zeros(3), None, seed=0)
    1.0
    """
    sums, _ = _by_group(differences, groups)
    signs = np.random.default_rng(seed).choice(np.array([-1, 1], dtype=np.int8), size=(draws, len(sums)))  # [R, G]
    # A flip may add up in another order than the observed sum: what differs by rounding alone is as far.
    observed = abs(sums.sum()) - 1e-9 * np.abs(sums).sum()
    return float((np.sum(np.abs(signs @ sums) >= observed) + 1) / (draws + 1))


def _by_group(values: Floats, groups: ArrayLike | None) -> tuple[Floats, Ints]:
    """The sum of the values of each group and how many they are, both [G]."""
    labels = np.arange(len(values)) if groups is None else np.asarray(groups)
    if len(values) == 0 or labels.shape != values.shape:
        raise RecommenderError(f"Expected values [N] and groups [N], N >= 1, found {values.shape} and {labels.shape}.")
    _, members = np.unique(labels, return_inverse=True)  # [N], the group of each value
    sums = np.bincount(members, weights=values).astype(np.float64)
    sizes: Ints = np.bincount(members)
    return sums, sizes
