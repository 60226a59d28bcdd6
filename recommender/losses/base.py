"""What every loss shares: scores [B, V] against the padded columns of each example's targets [B, T], and weights."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from recommender.errors import RecommenderError
from recommender.losses.sampled import Drawn


class ShapeError(RecommenderError):
    """Tensors that do not fit together; the message names the shapes."""


class Weights(NamedTuple):
    """How much targets and whole examples count; None where all count alike."""

    targets: Tensor | None = None  # [B, T]
    examples: Tensor | None = None  # [B]


ALL_ALIKE = Weights()


def multi_hot(targets: Tensor, width: int) -> Tensor:
    """Columns [B, T] int64, padded with -1, -> float32 [B, width] with 1 at each listed column, also if listed twice.

    Raises `ShapeError` for anything that is not a matrix of int64, and for a column outside -1 ... width - 1.

    >>> multi_hot(torch.tensor([[2, 0], [1, -1]]), 3).tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    if targets.ndim != 2 or targets.dtype != torch.int64:
        raise ShapeError(f"Expected columns [B, T] of int64, found {list(targets.shape)} of {targets.dtype}.")
    # Checked here because on a GPU an index out of range ends the process without saying where.
    if ((targets < -1) | (targets >= width)).any():
        low, high = int(targets.min()), int(targets.max())
        raise ShapeError(f"Columns must lie in 0 ... {width - 1} (-1 is padding), found {low} ... {high}.")
    hot = torch.zeros(len(targets), width + 1, device=targets.device)  # [B, V + 1], the last column takes the padding
    hot.scatter_(1, targets.where(targets >= 0, width), 1.0)
    return hot[:, :width]


class RankingLoss(nn.Module):
    """What every loss needs: scores [B, V], of any float type, and targets [B, T] int64, columns padded with -1.

    It gives a scalar, computed in float32 whatever the type of the scores. A target listed twice counts once. The
    weight of a target multiplies what it adds to the loss, that of an example all that its row adds; the loss stays a
    mean over all rows, so weights with a mean of 1 leave it about as large as it was.
    With `drawn` the scores [B, C] are those of a step's movies and the targets are places among these.
    Raises `ShapeError`, which names both shapes, when scores and targets do not fit together.
    """

    def forward(
        self, scores: Tensor, targets: Tensor, weights: Weights = ALL_ALIKE, drawn: Drawn | None = None
    ) -> Tensor:
        if scores.ndim != 2 or targets.ndim != 2 or len(scores) != len(targets):
            raise ShapeError(
                f"{type(self).__name__} expects scores [B, V] and targets [B, T] with the same B, "
                f"found scores {list(scores.shape)} and targets {list(targets.shape)}."
            )
        if scores.numel() == 0:
            raise ShapeError(f"{type(self).__name__} has no mean over empty scores {list(scores.shape)}.")
        table = None if weights.targets is None else _weight_table(targets, weights.targets, scores.shape[1])
        return self.compare(scores.float(), multi_hot(targets, scores.shape[1]), table, weights.examples, drawn)

    def compare(
        self, scores: Tensor, wanted: Tensor, weights: Tensor | None, rows: Tensor | None, drawn: Drawn | None
    ) -> Tensor:
        """Scores [B, V] float32, the targets as ones among zeros [B, V], the targets' weights among ones [B, V], and
        the examples' weights [B] -> scalar. C stands for V where movies were drawn."""
        raise NotImplementedError

    def rows(self, targets: Tensor) -> Tensor:
        """How many rows of the targets [B, T] the mean is over: so much each mean of a batch in pieces weighs."""
        return torch.tensor(float(len(targets)), device=targets.device)


def _weight_table(targets: Tensor, weights: Tensor, width: int) -> Tensor:
    """[B, width]: each target's weight in its column, 1 in every other."""
    table = torch.ones(len(targets), width + 1, device=targets.device)
    table.scatter_(1, targets.where(targets >= 0, width), weights.float())
    return table[:, :width]


def weighted(losses: Tensor, weights: Tensor | None, rows: Tensor | None) -> Tensor:
    """Losses [B, V] times the targets' weights [B, V] and the rows' [B]."""
    if weights is not None:
        losses = losses * weights
    return losses if rows is None else losses * rows.unsqueeze(1)


def mean_over_answered(losses: Tensor, answered: Tensor, rows: Tensor | None) -> Tensor:
    """The mean of the rows' losses [B] over those that are `answered` [B]; 0 when none is."""
    if rows is not None:
        losses = losses * rows
    return (losses * answered).sum() / answered.sum().clamp(min=1)
