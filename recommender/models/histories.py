"""Groups of movies that belong together (those of a dialogue, or of a person), and the weights of a wish's movies by
recency: what the item-to-item baselines share."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from torch import Tensor

from recommender.data.collate import PADDING, Item


def memberships(items: Sequence[Item], movies: int) -> sparse.csr_array:
    """Which movies each dialogue names, or each person watched: [G, V] float64 of ones, `movies` being V."""
    groups: dict[str, set[int]] = {}
    for item in items:
        groups.setdefault(item.dialogue, set()).update(item.named, *item.target_lists)
    indices = np.fromiter((index for group in groups.values() for index in sorted(group)), dtype=np.int64)
    starts = np.cumsum([0, *map(len, groups.values())])
    return sparse.csr_array((np.ones(len(indices)), indices, starts), shape=(len(groups), movies))


def recency(mentioned: Tensor, decay: float | Tensor) -> Tensor:
    """Mentioned movies [B, H], padded with -1 -> weights [B, H]: 1 for the latest, `decay` for the one before it,
    `decay` ** 2 for the next; 0 for padding.

    >>> import torch
    >>> recency(torch.tensor([[4, 2, 7], [5, -1, -1]]), 0.5).tolist()
    [[0.25, 0.5, 1.0], [1.0, 0.0, 0.0]]
    """
    named = mentioned != PADDING
    later = named.flip(1).cumsum(1).flip(1) - 1  # how many were named after it
    return (decay ** later.clamp(min=0).float()) * named
