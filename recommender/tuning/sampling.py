"""The sampler, which chooses the next settings, and the pruner, which gives up bad trials."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from recommender.tuning.search import Pruner
from recommender.tuning.storage import first_try


class NumberedSampler(BaseSampler):
    """TPE (Bergstra et al. 2011) whose random numbers depend on the seed and the trial's place alone: how many were
    begun before it, those that are tried again counted once.

    So a study that is stopped and goes on tries what it would have tried undisturbed, and processes that share a study
    do not draw the same.
    """

    def __init__(self, seed: int, random_trials: int) -> None:
        self.seed, self.random_trials = seed, random_trials
        self._sampler = self._seeded(0)

    def _seeded(self, place: int) -> TPESampler:
        seed = int(np.random.SeedSequence((self.seed, place)).generate_state(1)[0])
        # `constant_liar`: what other processes try at the moment counts as bad, so that this one tries something else.
        return TPESampler(seed=seed, n_startup_trials=self.random_trials, constant_liar=True)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        first = first_try(trial)
        earlier = study.get_trials(deepcopy=False)[:first]
        self._sampler = self._seeded(sum(first_try(each) == each.number for each in earlier))
        self._sampler.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._sampler.after_trial(study, trial, state, values)


def make_pruner(given: Pruner, epochs: int) -> BasePruner:
    """For trials of so many epochs."""
    if given.kind == "median":
        return MedianPruner(n_startup_trials=given.first_trials, n_warmup_steps=given.first_epochs)
    if given.kind == "hyperband":
        return HyperbandPruner(min_resource=1, max_resource=max(1, epochs), reduction_factor=given.reduction)
    return NopPruner()
