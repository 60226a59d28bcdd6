"""How good rankings are: plain functions over arrays, one value an example. Needs no torch, so that the compare page
is there at once.

Shapes: N examples, T targets, K ranked movies, k <= K the cut-off. -1 is padding in rankings and targets.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.errors import RecommenderError
from recommender.evaluation.measures import at

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Targets = Sequence[Sequence[int]] | Ints


CUTOFFS = (1, 10, 50)  # what every report shows, whatever else it is asked for


class Ragged(NamedTuple):
    """Lists of item indices, one after another."""

    items: Ints  # [M]
    lengths: Ints  # [N], how many each list has; M altogether


class MetricError(RecommenderError):
    """Scores, rankings or cut-offs that cannot be measured."""


def hits(rankings: Ints, targets: Targets) -> Bools:
    """Which of the ranked movies [N, K] are targets: the gains [N, K].

    Targets are lists of item indices, or an array [N, T] padded with -1. Raises `MetricError` when the two have
    different lengths or a ranking names a movie twice.

    >>> hits(np.array([[4, 2, 7], [1, 0, -1]]), [[7, 4], [5]]).tolist()
    [[True, False, True], [False, False, False]]
    """
    padded = _pad(targets)
    if rankings.ndim != 2 or len(rankings) != len(padded):
        raise MetricError(f"Expected rankings [N, K] and N lists of targets, found {rankings.shape} and {len(padded)}.")
    ordered = np.sort(rankings, axis=1)
    if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any():
        raise MetricError("A ranking names the same movie twice; its hits would count twice.")
    gains: Bools = np.zeros(rankings.shape, dtype=np.bool_)  # [N, K]
    for target in padded.T:
        gains |= rankings == target[:, None]
    gains &= rankings >= 0
    return gains


def count_targets(targets: Targets) -> Ints:
    """The number of different targets of each example, [N]; a target listed twice counts once.

    >>> count_targets([[7, 4], [5, 5]]).tolist()
    [2, 1]
    """
    counts: Ints = (_pad(targets) >= 0).sum(axis=1)
    return counts


def _pad(targets: Targets) -> Ints:
    """Targets as an array [N, T], each target once a row, the rest -1."""
    ordered: Ints = np.sort(targets if isinstance(targets, np.ndarray) else padded(targets), axis=1)
    repeated = ordered[:, 1:] == ordered[:, :-1]
    ordered[:, 1:][repeated] = -1
    return ordered


def padded(lists: Sequence[Sequence[int]]) -> Ints:
    """Lists of item indices as one array [N, T], -1 behind the shorter ones.

    >>> padded([[7, 4], [], [5]]).tolist()
    [[7, 4], [-1, -1], [5, -1]]
    """
    items, lengths = ragged(lists)
    rows: Ints = np.full((len(lengths), lengths.max(initial=0)), -1, dtype=np.int64)
    rows[np.arange(rows.shape[1]) < lengths[:, None]] = items
    return rows


def ragged(lists: Sequence[Sequence[int]]) -> Ragged:
    """Lists of item indices as they are kept where one of them may be a thousand times as long as most."""
    lengths = np.array([len(row) for row in lists], dtype=np.int64)
    return Ragged(np.fromiter(chain.from_iterable(lists), dtype=np.int64), lengths)


def ndcg_at_k(gains: Bools, target_counts: Ints, k: int) -> Floats:
    """Normalised discounted cumulative gain, [N] (Järvelin & Kekäläinen 2002): gain 1, discount 1 / log2(rank + 1).

    The ideal ranking holds all targets, at most k, whether or not they were recommended.

    >>> ndcg_at_k(np.array([[True, False, False]]), np.array([2]), k=3).round(4).tolist()
    [0.6131]
    """
    cut = _cut(gains, target_counts, k)
    discounts = 1 / np.log2(np.arange(2, k + 2))  # [k]
    ideal = np.cumsum(discounts)[np.minimum(target_counts, k) - 1]  # [N]
    # cumsum adds in the order in which the ideal was added, so that a perfect ranking gives exactly 1.
    ndcg: Floats = np.cumsum(cut * discounts, axis=1)[:, -1] / ideal  # [N]
    return ndcg


def recall_at_k(gains: Bools, target_counts: Ints, k: int) -> Floats:
    """Targets among the first k / targets, [N].

    >>> recall_at_k(np.array([[True, False, True]]), np.array([4]), k=3).tolist()
    [0.5]
    """
    recall: Floats = _cut(gains, target_counts, k).sum(axis=1) / target_counts
    return recall


def hit_at_k(gains: Bools, target_counts: Ints, k: int) -> Floats:
    """1 if any target is among the first k, else 0, [N].

    >>> hit_at_k(np.array([[False, True], [False, False]]), np.array([1, 1]), k=2).tolist()
    [1.0, 0.0]
    """
    return np.asarray(_cut(gains, target_counts, k).any(axis=1), dtype=np.float64)


def mrr_at_k(gains: Bools, target_counts: Ints, k: int) -> Floats:
    """1 / rank of the first target among the first k, 0 without one, [N] (Voorhees 1999); MRR is its mean.

    >>> mrr_at_k(np.array([[False, True], [False, False]]), np.array([1, 1]), k=2).tolist()
    [0.5, 0.0]
    """
    cut = _cut(gains, target_counts, k)
    reciprocal: Floats = cut.any(axis=1) / (cut.argmax(axis=1) + 1.0)  # argmax is the place of the first hit, from 0
    return reciprocal


def _cut(gains: Bools, target_counts: Ints, k: int) -> Bools:
    """The gains of the first k ranks [N, k]. Raises `MetricError` for those that contradict the counts."""
    if gains.ndim != 2 or target_counts.shape != gains.shape[:1]:
        raise MetricError(f"Expected gains [N, K] and counts [N], found {gains.shape} and {target_counts.shape}.")
    check_cutoff(k, gains.shape[1])
    if (target_counts < 1).any():
        raise MetricError(f"Example {int(target_counts.argmin())} has no target: leave such examples out.")
    if (gains.sum(axis=1) > target_counts).any():
        raise MetricError("An example has more hits than targets: the counts belong to other rankings.")
    return gains[:, :k]


def check_cutoff(k: int, most: int | None = None) -> None:
    """Raises `MetricError` unless 1 <= k <= `most`, the number of ranks that there are."""
    if k < 1:
        raise MetricError(f"A cut-off is at least 1, found {k}.")
    if most is not None and k > most:
        raise MetricError(f"Cut-off {k} is beyond the ranking's {most} movies: rank at least {k}.")


# Functions of (gains [N, K], target counts [N], k) -> [N]; `evaluation.measures` says which way is better.
METRICS: dict[str, Callable[[Bools, Ints, int], Floats]] = {
    "ndcg": ndcg_at_k,
    "recall": recall_at_k,
    "hit": hit_at_k,
    "mrr": mrr_at_k,
}


def evaluate_rankings(rankings: Ints, targets: Targets, cutoffs: Sequence[int]) -> dict[str, Floats]:
    """Every metric at every cut-off, one value an example: `{"ndcg@10": [N], "recall@1": [N], ...}`.

    >>> evaluate_rankings(np.array([[3, 1]]), [[1]], cutoffs=[1, 2])["recall@2"].tolist()
    [1.0]
    """
    targets = _pad(targets)
    return evaluate_gains(hits(rankings, targets), count_targets(targets), cutoffs)


def evaluate_gains(gains: Bools, target_counts: Ints, cutoffs: Sequence[int]) -> dict[str, Floats]:
    """The same of gains [N, K] and the number of targets [N]."""
    return {
        at(name, cutoff): function(gains, target_counts, cutoff)
        for name, function in METRICS.items()
        for cutoff in cutoffs
    }
