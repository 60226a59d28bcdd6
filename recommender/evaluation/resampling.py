"""Bootstrap intervals of a mean, and p values of paired differences, both over whole groups such as dialogues.

Shapes: N examples, G groups, R resamples. Needs no torch, so that the compare page is there at once.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from recommender.errors import RecommenderError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

INTERVAL_DRAWS = 1000
AT_ONCE = 1_000_000  # numbers held in memory, of R x G in all
ROUNDING = 2.0**30  # steps of a statistic between 0 and 1: those that differ by rounding errors alone are equal


def bootstrap_interval(
    values: Floats, groups: ArrayLike | None, seed: int, draws: int = INTERVAL_DRAWS, level: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of `values` [N] (Efron & Tibshirani 1993, sec. 13.3).

    With `groups` [N], such as dialogue ids, whole groups are resampled, since turns of one dialogue are not
    independent. Raises `RecommenderError` for no values, or groups of another length.

    >>> bootstrap_interval(np.full(5, 0.25), None, seed=0)
    (0.25, 0.25)
    """
    sums, sizes = _by_group(values, groups)
    if len(sums) == 1:  # it can only be drawn again, and SciPy refuses it
        return float(values.mean()), float(values.mean())
    found = stats.bootstrap(
        (sums, sizes),
        lambda sums, sizes, axis: sums.sum(axis) / sizes.sum(axis),
        n_resamples=draws,
        batch=max(1, AT_ONCE // len(sums)),
        paired=True,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def sign_flip_p(differences: Floats, groups: ArrayLike | None, seed: int, draws: int = 2000) -> float:
    """The two-sided p of a paired randomisation test (Smucker et al. 2007): how often chance alone gives a mean as far
    from zero as that of `differences` [N]. If two systems are alike, so is each group with its sign turned over.

    The observed signs count as one of the draws, so p is at least 1 / (draws + 1). Raises as `bootstrap_interval`.

    >>> sign_flip_p(np.zeros(3), None, seed=0)
    1.0
    """
    sums, _ = _by_group(differences, groups)
    shares = sums / (np.abs(sums).sum() or 1.0)  # [G]
    random = np.random.default_rng(seed)
    # Signs are what is random here. `stats.permutation_test` would flip them too, in a Python loop over the groups:
    # at 100,000 of them it takes minutes, and this a second.
    found = stats.monte_carlo_test(
        np.ones(len(shares)),
        lambda size: random.choice([-1.0, 1.0], size=size),
        lambda signs, axis: np.rint(np.abs(signs @ shares) * ROUNDING),
        n_resamples=draws,
        batch=max(1, AT_ONCE // len(shares)),
        alternative="greater",
    )
    return float(found.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """P values corrected for their number (Holm 1979): compared with a level, they keep the chance of any false finding
    below it.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    raised = np.arange(len(order), 0, -1) * np.asarray(p_values, dtype=float)[order]  # the smallest p times m, ...
    corrected = np.empty(len(order))
    corrected[order] = np.maximum.accumulate(raised).clip(max=1.0)
    return [float(p) for p in corrected]


def _by_group(values: Floats, groups: ArrayLike | None) -> tuple[Floats, Ints]:
    """The sum of the values of each group and how many they are, both [G]."""
    labels = np.arange(len(values)) if groups is None else np.asarray(groups)
    if len(values) == 0 or labels.shape != values.shape:
        raise RecommenderError(f"Expected values [N] and groups [N], N >= 1, found {values.shape} and {labels.shape}.")
    _, members = np.unique(labels, return_inverse=True)  # [N], the group of each value
    sums = np.bincount(members, weights=values).astype(np.float64)
    sizes: Ints = np.bincount(members)
    return sums, sizes
