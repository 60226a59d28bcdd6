"""Item indices as tensors: their rows of a table, their positions in a subset, and their multi-hot vectors.

An item index is a movie's position in the catalogue, 0 to V - 1; -1 is padding.
"""

import torch
from torch import Tensor

from recommender.errors import RecommenderError


class ShapeError(RecommenderError):
    """Tensors that do not fit together; the message names the shapes."""


def multi_hot(indices: Tensor, movies: int) -> Tensor:
    """Indices [B, T] int64, padded with -1 -> float32 [B, V] with 1 at each of them, also at one listed twice.

    Raises `ShapeError` for anything that is not a matrix of int64, and for an index outside -1 ... V - 1.

    >>> multi_hot(torch.tensor([[2, 0], [1, -1]]), 3).tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    if indices.ndim != 2 or indices.dtype != torch.int64:
        raise ShapeError(f"Expected item indices [B, T] of int64, found {list(indices.shape)} of {indices.dtype}.")
    # Checked here because on a GPU an index out of range ends the process without saying where.
    if ((indices < -1) | (indices >= movies)).any():
        low, high = int(indices.min()), int(indices.max())
        raise ShapeError(f"Item indices must lie in 0 ... {movies - 1} (-1 is padding), found {low} ... {high}.")
    hot = torch.zeros(len(indices), movies + 1, device=indices.device)  # [B, V + 1], the last entry takes the padding
    hot.scatter_(1, indices.where(indices >= 0, movies), 1.0)
    return hot[:, :movies]


def rows_of(table: Tensor, indices: Tensor | None) -> Tensor:
    """All movies' rows [V, ...], or those of the `indices` [C] -> [C, ...]."""
    return table if indices is None else table[indices]


def positions_in(subset: Tensor, indices: Tensor) -> Tensor:
    """Positions of the `indices` [...] in an ascending `subset` [C]; -1 for padding and for an index outside it.

    >>> positions_in(torch.tensor([2, 5, 9]), torch.tensor([[9, 2, 3, -1]])).tolist()
    [[2, 0, -1, -1]]
    """
    positions = torch.searchsorted(subset, indices).clamp(max=len(subset) - 1)
    return positions.where(subset[positions] == indices, -1)
