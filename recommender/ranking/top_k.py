"""The best items of a table of scores."""

import torch
import torch.nn.functional as F
from torch import Tensor

from recommender.evaluation.metrics import MetricError, check_cutoff
from recommender.data.indices import multi_hot
from recommender.ranking.index import AT_ONCE


@torch.no_grad()
def top_k(scores: Tensor, k: int, exclude: Tensor | None = None) -> Tensor:
    """Scores [B, V] -> the k best columns of each row, best first, as int64 [B, K]. Equal scores: lower column first.

    The columns in `exclude` [B, H] int64, padded with -1, are taken out of the ranking. A row with fewer than k
    columns left ends in -1. Raises `MetricError` for NaN scores or k < 1.

    >>> top_k(torch.tensor([[0.5, 2.0, 0.5, 1.0]]), 3, exclude=torch.tensor([[1, -1]])).tolist()
    [[3, 0, 2]]
    """
    check_cutoff(k)
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
