"""Scores -> rankings, and a model over many wishes -> rankings. Scores are reduced to the best K batch by batch, so
memory does not grow with examples x catalogue; of a large catalogue an index proposes the movies that are scored."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from recommender.data.collate import Batch, Item, collate, exclusions
from recommender.data.indices import multi_hot
from recommender.evaluation.index import AT_ONCE, WISHES, index_of, spread
from recommender.evaluation.metrics import MetricError, check_cutoff
from recommender.models.base import Recommender


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


@dataclass(frozen=True)
class Rankings:
    """Catalogue indices, best first, -1 where a ranking is short. `new` leaves out the movies mentioned before."""

    all: NDArray[np.int64]  # [N, K]
    new: NDArray[np.int64]  # [N, K]


def to_device(batch: Batch, device: torch.device) -> Batch:
    return {key: tensor.to(device) for key, tensor in batch.items()}  # type: ignore[return-value,attr-defined]


def _batches(items: Sequence[Item], size: int) -> Iterator[list[int]]:
    """Positions grouped by text length, so that little is padding."""
    order = sorted(range(len(items)), key=lambda i: items[i].length)
    for start in range(0, len(order), size):
        yield order[start : start + size]


@torch.inference_mode()
def rank(
    model: Recommender,
    items: Sequence[Item],
    cutoff: int,
    device: torch.device,
    batch_size: int = 64,
    bfloat16: bool = False,
) -> Rankings:
    """Rank the whole catalogue for every item and keep the best `cutoff`, in the items' order."""
    was_training = model.training
    model.eval()
    index = index_of(model)
    every = np.full((len(items), cutoff), -1, dtype=np.int64)
    new = every.copy()
    if index is not None and items:
        some = [items[i] for i in spread(len(items), WISHES)]
        index.calibrate(_read(model.queries, to_device(collate(some), device), bfloat16), cutoff)
    for positions in _batches(items, batch_size):
        part = [items[i] for i in positions]
        batch, named = to_device(collate(part), device), exclusions(part).to(device)
        if index is None:
            scores = _read(model, batch, bfloat16)  # [B, V]
            best, best_new = top_k(scores, cutoff), top_k(scores, cutoff, exclude=named)
        else:
            found = index.find(_read(model.queries, batch, bfloat16), cutoff + named.shape[1])
            best, best_new = found.best(cutoff), found.best(cutoff, exclude=named)
        every[positions], new[positions] = best.cpu().numpy(), best_new.cpu().numpy()
    model.train(was_training)
    return Rankings(every, new)


def _read(how: Callable[[Batch], Tensor], batch: Batch, bfloat16: bool) -> Tensor:
    """What the model makes of a batch, in float32."""
    device = batch["mentioned"].device
    with torch.autocast(device.type, dtype=torch.bfloat16) if bfloat16 else nullcontext():
        return how(batch).float()
