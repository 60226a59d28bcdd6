"""A study with made-up trials, for what only looks at one."""

import warnings
from collections.abc import Sequence

import optuna
from optuna.trial import TrialState

from recommender.settings import Settings
from recommender.tuning.search import load_search
from recommender.tuning.study import REASON, SECONDS, Study, begin_study


def made_study(
    name: str, values: Sequence[float | None], settings: Settings, trials: int = 12, search: str = "frozen"
) -> Study:
    """A study of a search: a finished trial for each value, and one given up early for each None."""
    study = begin_study(name, load_search(search), trials, settings)
    for number, value in enumerate(values):
        trial = begun_trial(study)
        study.search.suggest(trial)
        trial.report(0.01 if value is None else value, 1)
        trial.set_user_attr(SECONDS, 60.0)
        if value is None:
            trial.set_user_attr(REASON, "given up after epoch 1")
        study.optuna.tell(number, value, TrialState.PRUNED if value is None else TrialState.COMPLETE)
    return study


def begun_trial(study: Study) -> optuna.Trial:
    """One that nobody works on, and that gives no sign of life."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Heartbeat of storage")
        return study.optuna.ask()


optuna.logging.set_verbosity(optuna.logging.ERROR)
