"""The table of losses: a configuration's `loss.kind` -> a loss over scores [B, V]."""

from collections.abc import Callable
from typing import Any

from recommender.config.losses import LossSettings
from recommender.losses.base import RankingLoss
from recommender.losses.pairwise import BprLoss
from recommender.losses.pointwise import BinaryCrossEntropy, FocalLoss, balanced_weight
from recommender.losses.softmax import SoftmaxLoss
from recommender.losses.weights import TargetFacts, TargetWeights

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


def make_weights(config: LossSettings, facts: TargetFacts) -> TargetWeights | None:
    """What weighs the targets; None where the settings let all count alike."""
    return TargetWeights(config, facts) if config.weighs else None
