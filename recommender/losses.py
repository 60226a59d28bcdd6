"""Losses over a whole catalogue: scores [B, V] against the padded columns of each example's targets [B, T]."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recommender.config import LossConfig
from recommender.errors import RecommenderError


class ShapeError(RecommenderError):
    """Tensors that do not fit together; the message names the shapes."""


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

    It gives a scalar, computed in float32 whatever the type of the scores. A target listed twice counts once.
    Raises `ShapeError`, which names both shapes, when the two do not fit together.
    """

    def forward(self, scores: Tensor, targets: Tensor) -> Tensor:
        if scores.ndim != 2 or targets.ndim != 2 or len(scores) != len(targets):
            raise ShapeError(
                f"{type(self).__name__} expects scores [B, V] and targets [B, T] with the same B, "
                f"found scores {list(scores.shape)} and targets {list(targets.shape)}."
            )
        if scores.numel() == 0:
            raise ShapeError(f"{type(self).__name__} has no mean over empty scores {list(scores.shape)}.")
        return self.compare(scores.float(), multi_hot(targets, scores.shape[1]))

    def compare(self, scores: Tensor, wanted: Tensor) -> Tensor:
        """Scores [B, V] float32 and the targets as ones among zeros [B, V] -> scalar."""
        raise NotImplementedError

    def rows(self, targets: Tensor) -> Tensor:
        """How many rows of the targets [B, T] the mean is over: so much each mean of a batch in pieces weighs."""
        return torch.tensor(float(len(targets)), device=targets.device)


class BinaryCrossEntropy(RankingLoss):
    """The original loss: each movie is a yes or no of its own; mean over all B x V.

    `pos_weight` multiplies the part of the targets; it is one number for every movie (see `balanced_weight`).
    """

    pos_weight: Tensor

    def __init__(self, pos_weight: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("pos_weight", torch.tensor(float(pos_weight)), persistent=False)

    def compare(self, scores: Tensor, wanted: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(scores, wanted, pos_weight=self.pos_weight)


class FocalLoss(RankingLoss):
    """`alpha * (1 - p_t) ** gamma * -log(p_t)`, mean over all B x V (Lin et al. 2017, eq. 5).

    `alpha` multiplies targets and other movies alike, as in the reproduction: with gamma 0 this is alpha times BCE.
    """

    def __init__(self, alpha: float = 1.0, gamma: float = 2.0) -> None:
        super().__init__()
        self.alpha = alpha
        self.gamma = gamma

    def compare(self, scores: Tensor, wanted: Tensor) -> Tensor:
        signed = torch.where(wanted.bool(), scores, -scores)  # [B, V], p_t is its sigmoid
        # In logs, since `1 - p_t` rounds to 0 for most of a catalogue and has no finite slope there when gamma < 1.
        modulation = torch.exp(self.gamma * F.logsigmoid(-signed))  # [B, V]
        return self.alpha * (modulation * -F.logsigmoid(signed)).mean()


class SoftmaxLoss(RankingLoss):
    """Cross-entropy over the catalogue: the mean over a row's targets of `-log softmax`, then the mean over rows.

    A row without targets counts for nothing, also in that last mean; when no row has any the loss is 0.
    `label_smoothing` spreads that share of each row's weight evenly over the catalogue (Szegedy et al. 2016, sec. 7).
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def compare(self, scores: Tensor, wanted: Tensor) -> Tensor:
        counts = wanted.sum(dim=1, keepdim=True)  # [B, 1]
        shares = wanted / counts.clamp(min=1)  # [B, V]
        losses = F.cross_entropy(scores, shares, reduction="none", label_smoothing=self.label_smoothing)  # [B]
        answered = counts.squeeze(1) > 0  # [B]
        return (losses * answered).sum() / answered.sum().clamp(min=1)

    def rows(self, targets: Tensor) -> Tensor:
        return (targets >= 0).any(dim=1).sum().float()


def balanced_weight(movies: int, mean_targets: float) -> float:
    """The `pos_weight` of the weighted trainer: movies / mean number of targets an example has in the training data.

    >>> balanced_weight(movies=6924, mean_targets=4.0)
    1731.0
    """
    if mean_targets <= 0:
        raise RecommenderError(f"The weighted loss needs training targets; their mean an example is {mean_targets}.")
    return movies / mean_targets


LossMaker = Callable[[LossConfig, int, float], RankingLoss]

LOSSES: dict[str, LossMaker] = {
    "bce": lambda config, movies, mean_targets: BinaryCrossEntropy(),
    "weighted_bce": lambda config, movies, mean_targets: BinaryCrossEntropy(
        pos_weight=config.factor * balanced_weight(movies, mean_targets)
    ),
    "focal": lambda config, movies, mean_targets: FocalLoss(config.alpha, config.gamma),
    "softmax": lambda config, movies, mean_targets: SoftmaxLoss(config.label_smoothing),
}


def make_loss(config: LossConfig, movies: int, mean_targets: float) -> RankingLoss:
    """The loss that `config.kind` names. `movies` is V; `mean_targets` is counted over the training examples."""
    return LOSSES[config.kind](config, movies, mean_targets)
