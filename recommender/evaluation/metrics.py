"""Rankings and how good they are: plain functions over arrays, one value an example.

Shapes: N examples, T targets, K ranked movies, k <= K the cut-off. -1 is padding in rankings and targets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from recommender.errors import RecommenderError
from recommender.losses.base import multi_hot

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Targets = Sequence[Sequence[int]] | Ints


CUTOFFS = (1, 10, 50)  # what every report shows
AT_ONCE = 2**24  # scores that are ranked at a time


class MetricError(RecommenderError):
    """Scores, rankings or cut-offs that cannot be measured."""


@torch.no_grad()
def top_k(scores: Tensor, k: int, exclude: Tensor | None = None) -> Tensor:
    """Scores [B, V] -> the k best columns of each row, best first, as int64 [B, K]. Equal scores: lower column first.

    The columns in `exclude` [B, H] int64, padded with -1, are taken out of the ranking. A row with fewer than k
    columns left ends in -1. Raises `MetricError` for NaN scores or k < 1.

    >>> top_k(torch.tensor([[0.5, 2.0, 0.5, 1.0]]), 3, exclude=torch.tensor([[1, -1]])).tolist()
    [[3, 0, 2]]
    """
    _check_cutoff(k)
    if scores.isnan().any():
        raise MetricError(f"Cannot rank: {int(scores.isnan().sum())} of the scores {list(scores.shape)} are NaN.")
    movies = scores.shape[1]
    rows = max(1, AT_ONCE // max(movies, 1))
    if len(scores) > rows:  # several tables as large as the scores come
        out = [None] * len(scores) if exclude is None else torch.split(exclude, rows)
        return torch.cat([top_k(part, k, gone) for part, gone in zip(torch.split(scores, rows), out, strict=False)])
    # k empty columns stand behind the movies: they fill the rows that run short, and become -1.
    scores = F.pad(scores, (0, k), value=-torch.inf)  # [B, V + K]
    allowed = torch.ones_like(scores, dtype=torch.bool)  # [B, V + K]
    if exclude is not None:
        allowed[:, :movies] = multi_hot(exclude, movies) == 0
        scores = scores.masked_fill(~allowed, -torch.inf)
    # torch.topk promises the values but not which of equal ones it takes, so it only gives the k-th best value.
    best = scores.topk(k, dim=1).values  # [B, K]
    worst = best[:, -1:]  # [B, 1]
    room = (best == worst).sum(dim=1, keepdim=True)  # [B, 1], places that are left for the columns tied with the worst
    tied = (scores == worst) & allowed  # [B, V + K]
    first_tied = tied & (tied.cumsum(dim=1, dtype=torch.int32) <= room)  # [B, V + K]
    chosen = (scores > worst) | first_tied  # [B, V + K], exactly k a row
    columns = chosen.nonzero()[:, 1].view(-1, k)  # [B, K], ascending
    order = scores.gather(1, columns).argsort(dim=1, descending=True, stable=True)  # [B, K]
    ranking = columns.gather(1, order)  # [B, K]
    return ranking.masked_fill(ranking >= movies, -1)


def hits(rankings: Ints, targets: Targets) -> Bools:
    """Which of the ranked movies [N, K] are targets: the gains [N, K].

    Targets are lists of columns, or an array [N, T] padded with -1. Raises `MetricError` when the two have different
    lengths or a ranking names a movie twice.

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
    for column in padded.T:
        gains |= rankings == column[:, None]
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
    if not isinstance(targets, np.ndarray):
        lengths = np.array([len(columns) for columns in targets], dtype=np.int64)
        lists, targets = targets, np.full((len(lengths), lengths.max(initial=0)), -1, dtype=np.int64)
        filled = np.arange(targets.shape[1]) < lengths[:, None]
        targets[filled] = np.fromiter(chain.from_iterable(lists), dtype=np.int64)
    ordered: Ints = np.sort(targets, axis=1)
    repeated = ordered[:, 1:] == ordered[:, :-1]
    ordered[:, 1:][repeated] = -1
    return ordered


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
    """The first k columns of the gains, once they are known to make sense."""
    _check_cutoff(k)
    if gains.ndim != 2 or target_counts.shape != gains.shape[:1]:
        raise MetricError(f"Expected gains [N, K] and counts [N], found {gains.shape} and {target_counts.shape}.")
    if k > gains.shape[1]:
        raise MetricError(f"Cut-off {k} is beyond the ranking's {gains.shape[1]} movies: rank at least {k}.")
    if (target_counts < 1).any():
        raise MetricError(f"Example {int(target_counts.argmin())} has no target: leave such examples out.")
    if (gains.sum(axis=1) > target_counts).any():
        raise MetricError("An example has more hits than targets: the counts belong to other rankings.")
    return gains[:, :k]


def _check_cutoff(k: int) -> None:
    if k < 1:
        raise MetricError(f"A cut-off is at least 1, found {k}.")


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: its name, its function of (gains [N, K], target counts [N], k) -> [N], and its direction."""

    name: str
    function: Callable[[Bools, Ints, int], Floats]
    higher_is_better: bool


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("ndcg", ndcg_at_k, higher_is_better=True),
        Metric("recall", recall_at_k, higher_is_better=True),
        Metric("hit", hit_at_k, higher_is_better=True),
        Metric("mrr", mrr_at_k, higher_is_better=True),
    )
}


def evaluate_rankings(rankings: Ints, targets: Targets, cutoffs: Sequence[int]) -> dict[str, Floats]:
    """Every metric at every cut-off, one value an example: `{"ndcg@10": [N], "recall@1": [N], ...}`.

    >>> evaluate_rankings(np.array([[3, 1]]), [[1]], cutoffs=[1, 2])["recall@2"].tolist()
    [1.0]
    """
    targets = _pad(targets)
    gains, counts = hits(rankings, targets), count_targets(targets)
    return {
        f"{metric.name}@{cutoff}": metric.function(gains, counts, cutoff)
        for metric in METRICS.values()
        for cutoff in cutoffs
    }
