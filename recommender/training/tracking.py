"""Where a run is logged beside its own folder: TensorBoard, W&B, MLflow, Trackio, through the Trainer's callbacks.

What they write stays below the run's folder, on this machine; whoever wants it elsewhere says so in the tracker's own
variables (WANDB_MODE, MLFLOW_TRACKING_URI, TRACKIO_SPACE_ID, ...), which are left as they are.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from recommender.config import Tracker
from recommender.errors import RecommenderError
from recommender.runs.folder import Run
from recommender.training import processes

if TYPE_CHECKING:
    from transformers import TrainerCallback

PROJECT = "reelwish"  # as the trackers call it
PACKAGES: dict[Tracker, str] = {
    "tensorboard": "tensorboard==2.21.0",
    "wandb": "wandb==0.31.0",
    "mlflow": "mlflow-skinny==3.17.2 alembic==1.20.1",
    "trackio": "trackio==0.43.0",
}


def check_installed(trackers: Sequence[Tracker]) -> None:
    """Raises `RecommenderError` that names what is missing and the command to install it."""
    missing = [tracker for tracker in trackers if find_spec(tracker) is None]
    if missing:
        raise RecommenderError(
            f"training.report_to names {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not "
            f"installed: pip install {' '.join(PACKAGES[tracker] for tracker in missing)}"
        )


@contextmanager
def tracked(trackers: Sequence[Tracker], run: Run) -> "Iterator[list[TrainerCallback]]":
    """The callbacks of the trackers, while their variables point below the run's folder. The first process logs."""
    if not trackers or not processes.first():
        yield []
        return
    from transformers.integrations.integration_utils import get_reporting_integration_callbacks

    before = os.environ.copy()
    for name, value in _places(run).items():
        os.environ.setdefault(name, value)
    try:
        found = get_reporting_integration_callbacks(list(trackers))  # type: ignore[no-untyped-call]
        yield [callback() for callback in found]
    finally:
        if "wandb" in trackers:
            import wandb

            wandb.finish()
        os.environ.clear()
        os.environ.update(before)


def _places(run: Run) -> dict[str, str]:
    folder = run.folder.resolve()
    return {
        "TENSORBOARD_LOGGING_DIR": str(folder / "tensorboard"),
        "WANDB_DIR": str(folder),
        "WANDB_MODE": "offline",
        "WANDB_PROJECT": PROJECT,
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "MLFLOW_EXPERIMENT_NAME": PROJECT,
        "TRACKIO_DIR": str(folder / "trackio"),
    }
