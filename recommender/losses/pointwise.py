"""Losses that take each movie as a yes or no of its own: binary cross-entropy, plain or weighted, and focal."""

import torch
import torch.nn.functional as F
from torch import Tensor

from recommender.errors import RecommenderError
from recommender.losses.base import RankingLoss, weighted
from recommender.losses.sampled import Drawn


class BinaryCrossEntropy(RankingLoss):
    """The original loss: the mean over all B x V.

    `pos_weight` multiplies the part of the targets; it is one number for every movie (see `balanced_weight`).
    """

    pos_weight: Tensor

    def __init__(self, pos_weight: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("pos_weight", torch.tensor(float(pos_weight)), persistent=False)

    def compare(
        self, scores: Tensor, wanted: Tensor, weights: Tensor | None, rows: Tensor | None, drawn: Drawn | None
    ) -> Tensor:
        if weights is None and rows is None and drawn is None:  # one pass over the table in place of three
            return F.binary_cross_entropy_with_logits(scores, wanted, pos_weight=self.pos_weight)
        losses = F.binary_cross_entropy_with_logits(scores, wanted, pos_weight=self.pos_weight, reduction="none")
        return mean_over_catalogue(weighted(losses, weights, rows), drawn)


class FocalLoss(RankingLoss):
    """`alpha * (1 - p_t) ** gamma * -log(p_t)`, mean over all B x V (Lin et al. 2017, eq. 5).

    `alpha` multiplies targets and other movies alike, as in the reproduction: with gamma 0 this is alpha times BCE.
    """

    def __init__(self, alpha: float = 1.0, gamma: float = 2.0) -> None:
        super().__init__()
        self.alpha = alpha
        self.gamma = gamma

    def compare(
        self, scores: Tensor, wanted: Tensor, weights: Tensor | None, rows: Tensor | None, drawn: Drawn | None
    ) -> Tensor:
        signed = torch.where(wanted.bool(), scores, -scores)  # [B, V], p_t is its sigmoid
        # In logs, since `1 - p_t` rounds to 0 for most of a catalogue and has no finite slope there when gamma < 1.
        modulation = torch.exp(self.gamma * F.logsigmoid(-signed))  # [B, V]
        losses = weighted(modulation * -F.logsigmoid(signed), weights, rows)
        return self.alpha * mean_over_catalogue(losses, drawn)


def mean_over_catalogue(losses: Tensor, drawn: Drawn | None) -> Tensor:
    """The mean of the losses [B, V]; of those of drawn movies [B, C] what is that mean on average."""
    if drawn is None:
        return losses.mean()
    return (losses / drawn.chances).sum() / (len(losses) * drawn.catalogue)


def balanced_weight(movies: int, mean_targets: float) -> float:
    """The `pos_weight` of the weighted trainer: movies / mean number of targets an example has in the training data.

    >>> balanced_weight(movies=6924, mean_targets=4.0)
    1731.0
    """
    if mean_targets <= 0:
        raise RecommenderError(f"The weighted loss needs training targets; their mean an example is {mean_targets}.")
    return movies / mean_targets
