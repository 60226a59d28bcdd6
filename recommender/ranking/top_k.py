"""The best items of a table of scores."""

import torch
import torch.nn.functional as F
from torch import Tensor

from recommender.data.indices import multi_hot
from recommender.evaluation.metrics import MetricError, check_cutoff
from recommender.ranking.index import AT_ONCE


@torch.no_grad()
def top_k(scores: Tensor, k: int, exclude: Tensor | None = None) -> Tensor:
    """Scores [B, V] -> the item indices of the k best of each row, best first, int64 [B, K]. Equal scores: lower index
    first.

    The indices in `exclude` [B, H] int64, padded with -1, are left out of the ranking. A row with fewer than k movies
    left ends in -1. Raises `MetricError` for NaN scores or k < 1.

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
    gone = None if exclude is None else multi_hot(exclude, movies) > 0  # [B, V]
    if gone is not None:
        scores = scores.masked_fill(gone, -torch.inf)
    taken = min(k, movies)
    best, places = scores.topk(taken, dim=1)  # [B, K]
    # topk does not say which of equal scores it takes: those equal to the last are taken anew, the lowest index first.
    last = best[:, -1:]  # [B, 1]
    tied = scores == last if gone is None else (scores == last) & ~gone  # [B, V]
    indices = torch.arange(movies, dtype=torch.int32, device=scores.device)
    first = torch.where(tied, indices, movies).topk(taken, dim=1, largest=False).values  # [B, K], `movies` if too few
    places = torch.cat([places.masked_fill(best == last, movies), first], dim=1).sort(dim=1).values  # [B, 2 K]
    found = scores.gather(1, places.clamp(max=movies - 1)).masked_fill(places == movies, -torch.inf)
    ranking = places.gather(1, found.argsort(dim=1, descending=True, stable=True))[:, :taken]
    return F.pad(ranking.masked_fill(ranking == movies, -1), (0, k - taken), value=-1)
