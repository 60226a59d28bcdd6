"""A model over many wishes -> rankings. Scores are reduced to the best K batch by batch, so memory does not grow
with examples x catalogue; of a large catalogue an index proposes the movies that are scored."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recommender.data.collate import Batch, Item, collate, exclusions
from recommender.evaluation.index import WISHES, index_of, spread
from recommender.evaluation.metrics import top_k
from recommender.models.base import Recommender


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
