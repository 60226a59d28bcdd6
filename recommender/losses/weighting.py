"""Weights of targets, by what is known of person and movie and by how rare it is, and weights of tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from recommender.config.losses import LossSettings, WeightConfig
from recommender.data.collate import PADDING, Item
from recommender.data.engagement import FACTS, UNKNOWN, place_of
from recommender.errors import DataError

MOVIES, TAGS = "movie", "tag"  # the task that the others stand beside, and the first of those
SMOOTHING = 0.9  # of the gradient norms: share of the former value that each measurement leaves
SETTINGS_OF = {
    "liked": ("liked", "disliked"),
    "seen": ("seen", "unseen"),
    "suggested": ("suggested", "named"),
    "rating": ("rating",),
    "completion": ("completion",),
    "plays": ("plays",),
    "age_days": ("half_life_days",),
}  # fact -> what weighs by it


class Weights(NamedTuple):
    """How much targets and whole examples count; None where all count alike."""

    targets: Tensor | None = None  # [B, T]
    examples: Tensor | None = None  # [B]


ALL_ALIKE = Weights()


@dataclass(frozen=True)
class TargetFacts:
    """All M targets of the training data, one after the other, for a catalogue of V = `catalogue` movies."""

    catalogue: int
    inputs: int  # the number of inputs that have these targets
    movies: Tensor  # [M] int64
    engagement: Tensor  # [M, F] float32, NaN where nothing is known

    @property
    def mean_targets(self) -> float:
        """Targets an input."""
        return len(self.movies) / max(self.inputs, 1)

    def knows(self, fact: str) -> bool:
        """Whether it is known of any target."""
        return not bool(self.engagement[:, place_of(fact)].isnan().all())

    @property
    def counts(self) -> Tensor:
        """[V] int64: how often each movie is a target."""
        return torch.bincount(self.movies, minlength=self.catalogue)


def target_facts(items: Sequence[Item], catalogue: int) -> TargetFacts:
    """The targets of the items and what is known of each."""
    targets = [targets for item in items for targets in item.target_lists]
    known = (facts for item in items for facts in item.engagement_lists)
    rows = (fact for row, facts in zip(targets, known, strict=True) for fact in facts or [UNKNOWN] * len(row))
    numbers = np.fromiter((number for row in rows for number in row.as_numbers), dtype=np.float32)
    movies = np.fromiter((movie for row in targets for movie in row), dtype=np.int64)
    return TargetFacts(
        catalogue, len(targets), torch.from_numpy(movies), torch.from_numpy(numbers).view(-1, len(FACTS))
    )


class TargetWeights(nn.Module):
    """Targets [B, T] and what is known of them [B, T, F] -> `Weights`.

    Every factor is divided by its mean over those training targets of which it is known, so that an unknown one counts
    as an average one; and the product by its mean over all of them, so that the loss stays as large as without weights.
    Raises `DataError` if all training targets would weigh nothing, or if a weight is set by a fact that is known of
    none of them.
    """

    balance: Tensor
    means: Tensor

    def __init__(self, config: LossSettings, facts: TargetFacts) -> None:
        super().__init__()
        self.config = config.weights
        _check_known(self.config, facts)
        self.register_buffer("balance", effective_weights(facts.counts, config.effective_number), persistent=False)
        means = _factors(self.config, facts.engagement).nanmean(dim=0)  # [factors]
        self.register_buffer("means", means.where(means != 0, 1.0), persistent=False)
        self.mean = float(self._raw(facts.movies, facts.engagement).mean()) if len(facts.movies) else 1.0
        if not self.mean > 0:
            raise DataError("With these loss.weights no training target counts: all of them have the weight 0.")

    def forward(self, targets: Tensor, engagement: Tensor | None) -> Weights:
        real = targets != PADDING  # [B, T]
        weights = self._raw(targets.clamp(min=0), engagement) / self.mean * real
        if self.config.level == "target":
            return Weights(targets=weights)
        return Weights(examples=weights.sum(dim=1) / real.sum(dim=1).clamp(min=1))

    def _raw(self, movies: Tensor, engagement: Tensor | None) -> Tensor:
        """[...] and [..., F] -> [...]"""
        weights = self.balance[movies]
        if engagement is None:
            return weights
        factors = _factors(self.config, engagement) / self.means  # [..., factors]
        return weights * factors.nan_to_num(nan=1.0).prod(dim=-1)


def make_weights(config: LossSettings, facts: TargetFacts) -> TargetWeights | None:
    """The target weights that the settings ask for; None where all targets count alike."""
    return TargetWeights(config, facts) if config.weighs else None


def _check_known(config: WeightConfig, facts: TargetFacts) -> None:
    for fact, settings in SETTINGS_OF.items():
        changed = [name for name in settings if getattr(config, name) != WeightConfig.model_fields[name].default]
        if changed and not facts.knows(fact):
            raise DataError(
                f"loss.weights.{changed[0]} weighs by what is known of a movie's {fact.replace('_', ' ')}, and these "
                f"{len(facts.movies):,} training targets tell nothing of it. Leave it out, or learn from other data."
            )


def effective_weights(counts: Tensor, beta: float) -> Tensor:
    """Class-balanced weights of the movies [V]: `(1 - beta) / (1 - beta ** n)` for one that is n times a target, the
    inverse of its effective number of samples (Cui et al. 2019, eq. 3). All are 1 for beta 0.

    >>> effective_weights(torch.tensor([1, 2]), 0.5).tolist()
    [1.0, 0.6666666865348816]
    """
    return ((1 - beta) / (1 - torch.tensor(beta, dtype=torch.float64) ** counts.clamp(min=1))).float()


def _factors(config: WeightConfig, engagement: Tensor) -> Tensor:
    """[..., F] -> [..., factors], NaN where unknown."""

    def fact(name: str) -> Tensor:
        return engagement[..., place_of(name)]

    def either(name: str, yes: float, no: float) -> Tensor:
        known = fact(name)
        return known * yes + (1 - known) * no

    factors = [
        either("liked", config.liked, config.disliked),
        either("seen", config.seen, config.unseen),
        either("suggested", config.suggested, config.named),
    ]
    factors += [fact(name) for name in ("rating", "completion") if getattr(config, name)]
    if config.plays:
        factors.append(torch.log1p(fact("plays")))
    if config.half_life_days:
        factors.append(0.5 ** (fact("age_days") / config.half_life_days))
    return torch.stack(factors, dim=-1)


class TaskBalance(nn.Module):
    """The weight of each task's loss. The movies' weight is 1, except under uncertainty.

    `fixed`: the weights of the settings. `uncertainty`: `exp(-s)` with a learned s a task, and `s / 2` as its price
    (Kendall et al. 2018, eq. 10, s being the log variance). `gradient_norm`: the settings' weight times the ratio of
    the movies' gradient norm to the task's own, at the parameters that both share, smoothed over the measurements (the
    aim of GradNorm, Chen et al. 2018, reached by scaling rather than by a loss of its own).
    """

    scales: Tensor

    def __init__(self, config: LossSettings, tasks: Sequence[str]) -> None:
        super().__init__()
        self.kind, self.tasks = config.balance, (MOVIES, *tasks)
        settings = {"tag": config.tag_weight, "liked": config.liked_weight, "seen": config.seen_weight}
        self.fixed = [1.0, *(settings[task] for task in tasks)]
        learned = self.kind == "uncertainty"
        self.log_variances = nn.Parameter(torch.zeros(len(self.tasks))) if learned else None
        self.register_buffer("scales", torch.zeros(len(self.tasks)))  # 0: not measured yet

    @property
    def changes(self) -> bool:
        """Whether the weights change while training, so that a checkpoint has to keep them."""
        return self.kind != "fixed"

    @property
    def needs_gradient_norms(self) -> bool:
        """Whether `update` has to be called with the tasks' gradient norms."""
        return self.kind == "gradient_norm"

    def weights(self) -> dict[str, Tensor]:
        """Task -> the factor of its loss, as a scalar."""
        if self.log_variances is not None:
            found = torch.exp(-self.log_variances)
        else:
            found = torch.tensor(self.fixed, device=self.scales.device)
            if self.needs_gradient_norms:
                found = found * self.scales.where(self.scales > 0, 1.0)
        return dict(zip(self.tasks, found.unbind(), strict=True))

    def price(self) -> Tensor:
        """The regularisation term that is added to the weighted losses, once a step."""
        return self.scales.new_zeros(()) if self.log_variances is None else self.log_variances.sum() / 2

    def update(self, gradient_norms: Mapping[str, tuple[float, float]]) -> None:
        """Task -> the norms of the movies' gradient and of its own at the parameters that both share. A task without
        shared parameters, or with a gradient of zero, keeps its scale."""
        for place, task in enumerate(self.tasks):
            movies, own = gradient_norms.get(task, (0.0, 0.0))
            if movies > 0 and own > 0:
                known = float(self.scales[place])
                self.scales[place] = SMOOTHING * known + (1 - SMOOTHING) * movies / own if known else movies / own
