"""What each mistake of the 2025 reproduction cost, from the recorded measurements."""

from recommender.charts.findings import Step
from recommender.errors import DataError
from recommender.results.records import mean_of, results_of

STEP_NAMES = {
    "as-in-2025": "as in 2025",
    "epoch": "epoch picked on validation",
    "history": "history also in use",
    "roles": "seeker by role",
    "rate": "learning rate 1e-3",
    "loss": "softmax loss",
}
LEAK_NAME = "without what stands in the input"
ALONE_NAMES = {
    "only-history": "history also in use",
    "only-roles": "seeker by role",
    "only-weighted": "weighted loss",
    "only-softmax": "softmax loss",
    "only-rate": "learning rate 1e-3",
    "rate-and-weighted": "learning rate 1e-3 and weighted loss",
}


def steps(metric: str) -> list[Step]:
    """One mistake after the other put right; at last the same model is asked for movies that the input lacks.

    Raises `DataError` if one was not measured.
    """
    found = [_step(f"cause-{name}", label, metric) for name, label in STEP_NAMES.items()]
    return [*found, _step("cause-loss", LEAK_NAME, metric, "new")]


def alone(metric: str) -> list[Step]:
    """One thing changed from how it was in 2025. Raises `DataError` if one was not measured."""
    return [_step(f"cause-{name}", label, metric) for name, label in ALONE_NAMES.items()]


def _step(experiment: str, label: str, metric: str, targets: str = "all") -> Step:
    results = results_of(experiment, targets)
    if not results:
        raise DataError(f"The experiment {experiment} ({targets}) is not recorded.")
    values = [result.metrics[metric][0] for result in results]
    return Step(label, mean_of(results, metric), min(values), max(values))
