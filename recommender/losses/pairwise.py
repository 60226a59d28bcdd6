"""Bayesian personalised ranking: a target should score higher than a movie drawn against it."""

import torch
import torch.nn.functional as F
from torch import Tensor

from recommender.config.losses import NegativeConfig
from recommender.losses.base import RankingLoss, mean_over_answered
from recommender.losses.negatives import draw_negatives
from recommender.losses.sampled import Drawn


class BprLoss(RankingLoss):
    """`-log sigmoid(positive - negative)` (Rendle et al. 2009, sec. 4.1), times the target's weight: the mean over a
    row's negatives, then over its targets, then over the rows with any.

    `counts` [V] says how often each movie is a target of the training data.
    """

    counts: Tensor

    def __init__(self, negatives: NegativeConfig, counts: Tensor) -> None:
        super().__init__()
        self.negatives = negatives
        self.register_buffer("counts", counts.float(), persistent=False)

    def compare(
        self, scores: Tensor, wanted: Tensor, weights: Tensor | None, rows: Tensor | None, drawn: Drawn | None
    ) -> Tensor:
        columns, allowed = draw_negatives(scores, wanted, self.negatives, self.counts, drawn)  # [B, N]
        row, target = wanted.nonzero(as_tuple=True)  # [P], all pairs of a row and a target
        gaps = scores[row, target].unsqueeze(1) - scores.gather(1, columns)[row]  # [P, N]
        kept = allowed[row]
        losses = (-F.logsigmoid(gaps) * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1)  # [P]
        if weights is not None:
            losses = losses * weights[row, target]
        answers = wanted.sum(dim=1)  # [B]
        means = torch.zeros_like(answers).index_add(0, row, losses) / answers.clamp(min=1)
        return mean_over_answered(means, answers > 0, rows)

    def rows(self, targets: Tensor) -> Tensor:
        return (targets >= 0).any(dim=1).sum().float()
