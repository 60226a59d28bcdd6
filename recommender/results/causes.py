"""What each mistake of the 2025 reproduction cost, from the recorded measurements."""

from recommender.charts.findings import Step
from recommender.errors import DataError
from recommender.results.records import baseline_of, results_of

STEP_NAMES = {
    "cause-as-in-2025": "as in 2025",
    "cause-epoch": "epoch picked on validation",
    "notebook-original-rnn": "history also in use",
    "paper-original-rnn": "seeker by role",
    "cause-rate": "learning rate 1e-3",
    "cause-loss": "softmax loss",
}
LEAK_NAME = "without what stands in the input"
ALONE_NAMES = {
    "cause-only-history": "history also in use",
    "cause-only-roles": "seeker by role",
    "cause-only-weighted": "weighted loss",
    "cause-only-softmax": "softmax loss",
    "cause-only-rate": "learning rate 1e-3",
    "cause-rate-and-weighted": "learning rate 1e-3 and weighted loss",
}


def steps(metric: str) -> list[Step]:
    """One mistake after the other put right; at last the same model is asked for movies that the input lacks.

    Raises `DataError` if one was not measured.
    """
    found = [_step(experiment, label, metric) for experiment, label in STEP_NAMES.items()]
    return [*found, _step("cause-loss", LEAK_NAME, metric, "new")]


def alone(metric: str) -> list[Step]:
    """One thing changed from how it was in 2025, and at last two. Raises `DataError` if one was not measured."""
    return [_step(experiment, label, metric) for experiment, label in ALONE_NAMES.items()]


def _step(experiment: str, label: str, metric: str, targets: str = "all") -> Step:
    results = results_of(experiment, targets)
    if not results:
        raise DataError(f"The experiment {experiment} ({targets}) is not recorded.")
    values = tuple(result.metrics[metric][0] for result in results)
    return Step(label, values, baseline_of(results, "popularity", metric))
