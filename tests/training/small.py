"""What the tests of small runs share."""

from collections.abc import Callable

from recommender.config import RunConfig
from recommender.runs.folder import Run, new_run
from recommender.settings import Settings
from recommender.training.run import train_run

MakeConfig = Callable[..., RunConfig]


class Killed(BaseException):
    """Ends a run without a word, as a kill does."""


def trained(config: RunConfig, settings: Settings, run_id: str = "r") -> Run:
    run = new_run(run_id, config, settings)
    train_run(run, settings)
    return run


def evals(run: Run) -> list[dict[str, float]]:
    timeless = ("seconds",)
    return [{k: v for k, v in row.items() if k not in timeless} for row in run.metrics() if "eval_ndcg@10" in row]


def losses(run: Run) -> list[float]:
    return [row["loss"] for row in run.metrics() if "loss" in row]
