"""Some of the catalogue's movies in place of all: their rows of a table, and their places among each other."""

import torch
from torch import Tensor


def rows_of(table: Tensor, columns: Tensor | None) -> Tensor:
    """The movies' rows [V, ...] themselves, or those of some columns [C, ...]."""
    return table if columns is None else table[columns]


def places_among(columns: Tensor, wanted: Tensor) -> Tensor:
    """Where the `wanted` columns of the catalogue [...] stand among `columns` [C], which ascend; -1 for one that is not
    among them, and for padding.

    >>> places_among(torch.tensor([2, 5, 9]), torch.tensor([[9, 2, 3, -1]])).tolist()
    [[2, 0, -1, -1]]
    """
    places = torch.searchsorted(columns, wanted).clamp(max=len(columns) - 1)
    return places.where(columns[places] == wanted, -1)
