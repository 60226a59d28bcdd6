"""A study: the trials of a search, in the studies' database, with what another process needs to continue it."""

from dataclasses import dataclass

import optuna
from optuna.exceptions import DuplicatedStudyError
from optuna.trial import TrialState

from recommender.config import RunConfig
from recommender.config.values import parse_config
from recommender.errors import RecommenderError, UnknownNameError
from recommender.runs.studies import check_study_name
from recommender.settings import Settings
from recommender.tuning.sampling import NumberedSampler, make_pruner
from recommender.tuning.search import Search, check_search, parse_search, with_params
from recommender.tuning.storage import open_storage, telling

# Names of what the study keeps beside its trials.
SEARCH, BASE, TRIALS, DATA = "search", "base", "trials", "data"
HOST, REASON, SECONDS = "host", "reason", "seconds"  # of a trial
DONE = (TrialState.COMPLETE, TrialState.PRUNED)
BEGUN = (*DONE, TrialState.RUNNING)
ENDED = (*DONE, TrialState.FAIL)


@dataclass(frozen=True)
class Study:
    """`base` is what `search` began with when the study was made: a preset that changes later changes no study."""

    name: str
    search: Search
    base: RunConfig
    trials: int
    optuna: optuna.Study

    def best_config(self) -> RunConfig:
        """The settings of the best trial. Raises `RecommenderError` while there is none."""
        if not self.optuna.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            raise RecommenderError(f"The study {self.name} has no finished trial yet.")
        best = self.optuna.best_trial
        tried = f"{len(self.optuna.get_trials(deepcopy=False, states=DONE))} trials"
        said = f"Trial {best.number} of the study {self.name}, the best of {tried}: validation nDCG@10 {best.value:.4f}"
        return with_params(self.base, best.params).model_copy(update={"description": said})


def begin_study(name: str, search: Search, trials: int | None, settings: Settings) -> Study:
    """A new study, or the one of that name, which must be of the same search.

    Raises `RecommenderError` for a name that is not plain or belongs to another search.
    """
    check_study_name(name)
    base = search.base()
    check_search(search, base)
    storage = open_storage(settings.studies_url)
    with telling(settings.studies_url):
        try:
            made = optuna.create_study(storage=storage, study_name=name, direction="maximize")
        except DuplicatedStudyError:
            return _same_search(find_study(name, settings, trials), search, base)
        made.set_user_attr(SEARCH, search.model_dump(mode="json"))
        made.set_user_attr(BASE, base.model_dump(mode="json"))
        made.set_user_attr(TRIALS, trials or search.trials)
    return find_study(name, settings)


def find_study(name: str, settings: Settings, trials: int | None = None) -> Study:
    """The study as it was begun, or with another number of trials from now on. Raises `UnknownNameError`."""
    storage = open_storage(settings.studies_url)
    with telling(settings.studies_url):
        names = optuna.get_all_study_names(storage)
        if name not in names:
            raise UnknownNameError("study", name, names)
        found = optuna.load_study(study_name=name, storage=storage)
        kept = found.user_attrs
        if not {SEARCH, BASE, TRIALS} <= kept.keys():
            raise RecommenderError(f"The study {name} was not made by this program, or only half. Choose another name.")
        search = parse_search(kept[SEARCH], f"study {name}")
        base = parse_config(kept[BASE], f"study {name}")
        if trials is not None and trials != kept[TRIALS]:
            found.set_user_attr(TRIALS, trials)
    found.sampler = NumberedSampler(search.seed, search.random_trials)
    found.pruner = make_pruner(search.pruner, base.training.epochs)
    return Study(name, search, base, trials or kept[TRIALS], found)


def _same_search(study: Study, search: Search, base: RunConfig) -> Study:
    free = {"description": "", "trials": 1}  # may differ
    same = search.model_copy(update=free) == study.search.model_copy(update=free)
    if not same or base.model_copy(update={"description": ""}) != study.base.model_copy(update={"description": ""}):
        raise RecommenderError(
            f"The study {study.name} was begun with another search or preset. Go on with it without --search, or "
            "choose another name."
        )
    return study
