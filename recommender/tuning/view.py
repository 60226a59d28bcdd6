"""A study as plain rows, for the page, the charts and the command line."""

import math
import warnings
from dataclasses import dataclass, field
from typing import Any, Literal

from recommender.config import RunConfig
from recommender.errors import RecommenderError
from recommender.settings import Settings
from recommender.tuning.search import Params, Search, as_overrides

TrialState = Literal["complete", "pruned", "failed", "running", "waiting"]

LEAST_TRIALS = 8  # finished ones, before it is said which setting mattered
TOP_SHARE = 0.25  # the best quarter of the trials is what the importance looks at


@dataclass(frozen=True)
class Trial:
    """`value` is the best validation nDCG@10 so far, None before the first epoch."""

    number: int
    state: TrialState
    value: float | None
    params: Params
    epochs: int = 0  # measured so far
    seconds: float = 0.0
    reason: str = ""
    host: str = ""

    def overrides(self) -> list[str]:
        """As `--set` takes them."""
        return as_overrides(self.params)


@dataclass(frozen=True)
class StudyView:
    """A study as it is now; `trials` is how many it is to have, `rows` those that it has, by their number."""

    name: str
    search: Search
    base: RunConfig
    trials: int
    rows: list[Trial] = field(default_factory=list)
    importance: dict[str, float] = field(default_factory=dict)  # setting -> share, the highest first; may be empty

    @property
    def done(self) -> int:
        return sum(row.state in ("complete", "pruned") for row in self.rows)

    @property
    def best(self) -> Trial | None:
        """The first of the best, as the study counts."""
        finished = [row for row in self.rows if row.state == "complete" and row.value is not None]
        return max(finished, key=lambda row: (row.value or 0.0, -row.number), default=None)

    def facts(self) -> dict[str, Any]:
        """As `--json` prints them."""
        best = self.best
        return {
            "study": self.name,
            "preset": self.search.preset,
            "trials": self.trials,
            "done": self.done,
            "pruned": sum(row.state == "pruned" for row in self.rows),
            "failed": sum(row.state == "failed" for row in self.rows),
            "best": {"trial": best.number, "ndcg@10": best.value, "params": best.params} if best else None,
            "importance": self.importance,
        }


@dataclass(frozen=True)
class UnreadableStudy:
    """A study that another version has begun: a setting of its base is gone, or the like."""

    name: str
    problem: str

    def facts(self) -> dict[str, Any]:
        return {"study": self.name, "problem": self.problem}


def study_names(settings: Settings) -> list[str]:
    """The studies of the database that this program has made, the latest first. Raises `StorageError`."""
    from recommender.tuning.storage import is_there, open_storage, telling

    if not is_there(settings.studies_url):
        return []
    from recommender.tuning.study import SEARCH, TRIALS

    storage = open_storage(settings.studies_url)
    with telling(settings.studies_url):
        made = [study for study in storage.get_all_studies() if {SEARCH, TRIALS} <= study.user_attrs.keys()]
    return [study.study_name for study in reversed(made)]


def list_studies(settings: Settings) -> list[StudyView | UnreadableStudy]:
    """One that cannot be read hides none of the others. Raises `StorageError`."""
    return [_read_or_tell(name, settings) for name in study_names(settings)]


def _read_or_tell(name: str, settings: Settings) -> StudyView | UnreadableStudy:
    from recommender.tuning.storage import StorageError

    try:
        return read_study(name, settings)
    except StorageError:
        raise
    except RecommenderError as error:
        return UnreadableStudy(name, str(error))


def read_study(name: str, settings: Settings) -> StudyView:
    """Raises `UnknownNameError` for a study that is gone, and `StorageError`."""
    from recommender.tuning.storage import telling
    from recommender.tuning.study import find_study

    study = find_study(name, settings)
    with telling(settings.studies_url):
        rows = [_row(trial) for trial in study.optuna.get_trials(deepcopy=False)]
        view = StudyView(name, study.search, study.base, study.trials, [row for row in rows if row is not None])
        if sum(row.state == "complete" for row in view.rows) < LEAST_TRIALS:
            return view
        return StudyView(name, study.search, study.base, study.trials, view.rows, _importance(study.optuna))


def _row(trial: Any) -> Trial | None:
    """Of an `optuna.trial.FrozenTrial`; None for one that was begun a moment too late, and never ran."""
    from recommender.tuning.study import HOST, REASON, SECONDS

    states: dict[str, TrialState] = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running"}
    state = states.get(trial.state.name, "waiting")
    if state == "failed" and not trial.params:
        return None
    values = [value for value in trial.intermediate_values.values() if math.isfinite(value)]
    return Trial(
        number=trial.number,
        state=state,
        value=trial.value if state == "complete" else max(values, default=None),
        params=dict(trial.params),
        epochs=max(trial.intermediate_values, default=0),
        seconds=trial.user_attrs.get(SECONDS, 0.0),
        reason=trial.user_attrs.get(REASON, "interrupted" if state == "failed" else ""),
        host=trial.user_attrs.get(HOST, ""),
    )


def _importance(study: Any) -> dict[str, float]:
    """How much each setting has to do with being among the best trials (PED-ANOVA, Watanabe et al. 2023), as shares of
    one; empty where nothing can be told apart."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = PedAnovaImportanceEvaluator(target_quantile=TOP_SHARE)
        shares = get_param_importances(study, evaluator=evaluator)
    return shares if all(map(math.isfinite, shares.values())) and sum(shares.values()) > 0 else {}
