"""Cross-entropy over the catalogue."""

import torch.nn.functional as F
from torch import Tensor

from recommender.losses.base import RankingLoss, mean_over_answered
from recommender.losses.sampled import Drawn


class SoftmaxLoss(RankingLoss):
    """The mean over a row's targets of `-log softmax`, then the mean over rows.

    A row without targets counts for nothing, also in that last mean; when no row has any the loss is 0.
    `label_smoothing` spreads that share of each row's weight evenly over the catalogue (Szegedy et al. 2016, sec. 7).
    A drawn movie stands for 1 / chance movies like it, so the sum below the fraction is on average the catalogue's.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def compare(
        self, scores: Tensor, wanted: Tensor, weights: Tensor | None, rows: Tensor | None, drawn: Drawn | None
    ) -> Tensor:
        if drawn is not None:
            scores = scores - drawn.chances.log()
        counts = wanted.sum(dim=1, keepdim=True)  # [B, 1]
        shares = (wanted if weights is None else wanted * weights) / counts.clamp(min=1)  # [B, V]
        losses = F.cross_entropy(scores, shares, reduction="none")  # [B]
        if self.label_smoothing:  # by hand, since what is spread has to weigh as much as the targets do
            spread = -F.log_softmax(scores, dim=1).mean(dim=1) * shares.sum(dim=1)  # [B]
            losses = (1 - self.label_smoothing) * losses + self.label_smoothing * spread
        return mean_over_answered(losses, counts.squeeze(1) > 0, rows)

    def rows(self, targets: Tensor) -> Tensor:
        return (targets >= 0).any(dim=1).sum().float()
