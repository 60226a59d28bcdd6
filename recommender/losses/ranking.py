"""Loss functions: binary cross-entropy, focal, softmax cross-entropy and BPR over scores, and one for opinions.

Shapes: B rows, V movies, T targets a row (item indices, padded with -1). With sampled candidates C stands for V.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recommender.config.losses import LossSettings, NegativeConfig
from recommender.data.indices import ShapeError, multi_hot
from recommender.errors import RecommenderError
from recommender.losses.sampling import Candidates, sample_negatives
from recommender.losses.weighting import ALL_ALIKE, TargetFacts, Weights


class RankingLoss(nn.Module):
    """A loss over scores [B, V] of any float type and targets [B, T] int64.

    It gives a scalar, computed in float32 whatever the type of the scores. A target listed twice counts once. The
    weight of a target multiplies what it adds to the loss, that of an example all that its row adds; the loss stays a
    mean over all rows, so weights with a mean of 1 leave it about as large as it was.
    With `candidates` the scores are [B, C] and the targets are positions among the candidates.
    Raises `ShapeError`, which names both shapes, when scores and targets do not fit together.
    """

    def forward(
        self, scores: Tensor, targets: Tensor, weights: Weights = ALL_ALIKE, candidates: Candidates | None = None
    ) -> Tensor:
        if scores.ndim != 2 or targets.ndim != 2 or len(scores) != len(targets):
            raise ShapeError(
                f"{type(self).__name__} expects scores [B, V] and targets [B, T] with the same B, "
                f"found scores {list(scores.shape)} and targets {list(targets.shape)}."
            )
        if scores.numel() == 0:
            raise ShapeError(f"{type(self).__name__} has no mean over empty scores {list(scores.shape)}.")
        table = None if weights.targets is None else _weight_table(targets, weights.targets, scores.shape[1])
        return self.compare(scores.float(), multi_hot(targets, scores.shape[1]), table, weights.examples, candidates)

    def compare(
        self, scores: Tensor, wanted: Tensor, weights: Tensor | None, rows: Tensor | None, candidates: Candidates | None
    ) -> Tensor:
        """Scores [B, V] float32, multi-hot targets [B, V], the targets' weights among ones [B, V], and the examples'
        weights [B] -> scalar."""
        raise NotImplementedError

    def rows(self, targets: Tensor) -> Tensor:
        """The number of rows of the targets [B, T] that the mean is over: the weight of this batch's mean among those
        of other parts of the same step."""
        return torch.tensor(float(len(targets)), device=targets.device)


class BinaryCrossEntropy(RankingLoss):
    """Binary cross-entropy of each movie's score, mean over all B x V: the loss of the original model.

    `pos_weight` multiplies the part of the targets; it is one number for every movie (see `balanced_weight`).
    """

    pos_weight: Tensor

    def __init__(self, pos_weight: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("pos_weight", torch.tensor(float(pos_weight)), persistent=False)

    def compare(
        self, scores: Tensor, wanted: Tensor, weights: Tensor | None, rows: Tensor | None, candidates: Candidates | None
    ) -> Tensor:
        if weights is None and rows is None and candidates is None:  # one pass over the table in place of three
            return F.binary_cross_entropy_with_logits(scores, wanted, pos_weight=self.pos_weight)
        losses = F.binary_cross_entropy_with_logits(scores, wanted, pos_weight=self.pos_weight, reduction="none")
        return _mean_over_catalogue(_weighted(losses, weights, rows), candidates)


class FocalLoss(RankingLoss):
    """`alpha * (1 - p_t) ** gamma * -log(p_t)`, mean over all B x V (Lin et al. 2017, eq. 5).

    `alpha` multiplies targets and other movies alike, as in the reproduction: with gamma 0 this is alpha times BCE.
    """

    def __init__(self, alpha: float = 1.0, gamma: float = 2.0) -> None:
        super().__init__()
        self.alpha = alpha
        self.gamma = gamma

    def compare(
        self, scores: Tensor, wanted: Tensor, weights: Tensor | None, rows: Tensor | None, candidates: Candidates | None
    ) -> Tensor:
        signed = torch.where(wanted.bool(), scores, -scores)  # [B, V], p_t is its sigmoid
        # In logs, since `1 - p_t` rounds to 0 for most of a catalogue and has no finite slope there when gamma < 1.
        modulation = torch.exp(self.gamma * F.logsigmoid(-signed))  # [B, V]
        losses = _weighted(modulation * -F.logsigmoid(signed), weights, rows)
        return self.alpha * _mean_over_catalogue(losses, candidates)


class SoftmaxLoss(RankingLoss):
    """Softmax cross-entropy over the catalogue: the mean over a row's targets of `-log softmax`, then over rows.

    A row without targets counts for nothing, also in that last mean; when no row has any the loss is 0.
    `label_smoothing` spreads that share of each row's weight evenly over the catalogue (Szegedy et al. 2016, sec. 7).
    A sampled candidate stands for 1 / probability movies like it, so the sum in the denominator is on average that of
    the catalogue.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def compare(
        self, scores: Tensor, wanted: Tensor, weights: Tensor | None, rows: Tensor | None, candidates: Candidates | None
    ) -> Tensor:
        if candidates is not None:
            scores = scores - candidates.probabilities.log()
        counts = wanted.sum(dim=1, keepdim=True)  # [B, 1]
        shares = (wanted if weights is None else wanted * weights) / counts.clamp(min=1)  # [B, V]
        losses = F.cross_entropy(scores, shares, reduction="none")  # [B]
        if self.label_smoothing:  # by hand, since what is spread has to weigh as much as the targets do
            spread = -F.log_softmax(scores, dim=1).mean(dim=1) * shares.sum(dim=1)  # [B]
            losses = (1 - self.label_smoothing) * losses + self.label_smoothing * spread
        return _mean_over_rows(losses, counts.squeeze(1) > 0, rows)

    def rows(self, targets: Tensor) -> Tensor:
        return (targets >= 0).any(dim=1).sum().float()


class BprLoss(RankingLoss):
    """Bayesian personalised ranking, `-log sigmoid(positive - negative)` (Rendle et al. 2009, sec. 4.1), times the
    target's weight: the mean over a row's negatives, then over its targets, then over the rows with any.

    `counts` [V] says how often each movie is a target of the training data.
    """

    counts: Tensor

    def __init__(self, negatives: NegativeConfig, counts: Tensor) -> None:
        super().__init__()
        self.negatives = negatives
        self.register_buffer("counts", counts.float(), persistent=False)

    def compare(
        self, scores: Tensor, wanted: Tensor, weights: Tensor | None, rows: Tensor | None, candidates: Candidates | None
    ) -> Tensor:
        negatives, allowed = sample_negatives(scores, wanted, self.negatives, self.counts, candidates)  # [B, N]
        row, target = wanted.nonzero(as_tuple=True)  # [P], all pairs of a row and a target
        gaps = scores[row, target].unsqueeze(1) - scores.gather(1, negatives)[row]  # [P, N]
        kept = allowed[row]
        losses = (-F.logsigmoid(gaps) * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1)  # [P]
        if weights is not None:
            losses = losses * weights[row, target]
        targets = wanted.sum(dim=1)  # [B]
        means = torch.zeros_like(targets).index_add(0, row, losses) / targets.clamp(min=1)
        return _mean_over_rows(means, targets > 0, rows)

    def rows(self, targets: Tensor) -> Tensor:
        return (targets >= 0).any(dim=1).sum().float()


class OpinionLoss(nn.Module):
    """Binary cross-entropy, mean over the pairs of wish and movie whose opinion is known."""

    def forward(self, logits: Tensor, opinions: Tensor) -> Tensor:
        """Logits and opinions [B, T], the latter 1, 0 or NaN for unknown -> scalar; 0 when none is known."""
        known = ~opinions.isnan()
        losses = F.binary_cross_entropy_with_logits(logits.float()[known], opinions[known], reduction="sum")
        return losses / known.sum().clamp(min=1)

    def rows(self, opinions: Tensor) -> Tensor:
        """The number of pairs that the mean is over."""
        return (~opinions.isnan()).sum().float()


def balanced_weight(movies: int, mean_targets: float) -> float:
    """The `pos_weight` of the weighted trainer: movies / mean number of targets an example has in the training data.

    >>> balanced_weight(movies=6924, mean_targets=4.0)
    1731.0
    """
    if mean_targets <= 0:
        raise RecommenderError(f"The weighted loss needs training targets; their mean an example is {mean_targets}.")
    return movies / mean_targets


LOSSES: dict[str, Callable[[Any, TargetFacts], RankingLoss]] = {
    "bce": lambda config, facts: BinaryCrossEntropy(),
    "weighted_bce": lambda config, facts: BinaryCrossEntropy(
        pos_weight=config.factor * balanced_weight(facts.catalogue, facts.mean_targets)
    ),
    "focal": lambda config, facts: FocalLoss(config.alpha, config.gamma),
    "softmax": lambda config, facts: SoftmaxLoss(config.label_smoothing),
    "bpr": lambda config, facts: BprLoss(config.negatives, facts.counts),
}


def make_loss(config: LossSettings, facts: TargetFacts) -> RankingLoss:
    """The loss that `config.kind` names."""
    return LOSSES[config.kind](config, facts)


def _weight_table(targets: Tensor, weights: Tensor, width: int) -> Tensor:
    """[B, width]: the weight of each target at its index, 1 everywhere else."""
    table = torch.ones(len(targets), width + 1, device=targets.device)
    table.scatter_(1, targets.where(targets >= 0, width), weights.float())
    return table[:, :width]


def _weighted(losses: Tensor, weights: Tensor | None, rows: Tensor | None) -> Tensor:
    """Losses [B, V] times the targets' weights [B, V] and the rows' [B]."""
    if weights is not None:
        losses = losses * weights
    return losses if rows is None else losses * rows.unsqueeze(1)


def _mean_over_rows(losses: Tensor, has_targets: Tensor, rows: Tensor | None) -> Tensor:
    """The mean of the rows' losses [B] over those that have targets [B]; 0 when none has."""
    if rows is not None:
        losses = losses * rows
    return (losses * has_targets).sum() / has_targets.sum().clamp(min=1)


def _mean_over_catalogue(losses: Tensor, candidates: Candidates | None) -> Tensor:
    """The mean of the losses [B, V]; with losses of candidates [B, C] an unbiased estimate of that mean."""
    if candidates is None:
        return losses.mean()
    return (losses / candidates.probabilities).sum() / (len(losses) * candidates.catalogue)
