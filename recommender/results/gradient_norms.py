"""Gradient norms of the losses at the encoder that they share, from the logs of runs with the tag task."""

import json
from pathlib import Path

import numpy as np

from recommender.charts.training import Floats, series
from recommender.errors import DataError
from recommender.files import write_atomically
from recommender.results.records import SHIPPED_SEED, experiment_of
from recommender.runs.folder import Run

FILE = Path(__file__).parent / "gradient_norms.json"
SHOWN = {"pull-alpha-1": "alpha 1", "pull-alpha-0.001": "alpha 0.001"}  # experiment -> what is said of it
LOSSES = {"movie_gradient": "movie loss", "tag_gradient": "tag loss"}  # key of the log -> what is said of it

Curves = dict[tuple[str, str], tuple[Floats, Floats]]  # (loss, run) -> epochs and gradient norms


def collect_gradient_norms(folder: Path, path: Path = FILE) -> list[str]:
    """Keep the curves of the runs below a folder that belong to one of the experiments; returns a line for each."""
    found: Curves = {}
    for run in map(Run, sorted(folder.iterdir())):
        name, seed = experiment_of(run.run_id)
        if name in SHOWN and seed == SHIPPED_SEED:
            curves = {(loss, SHOWN[name]): series(run.metrics(), key) for key, loss in LOSSES.items()}
            found |= {key: curve for key, curve in curves.items() if len(curve[0])}
    if found:
        kept = (load_gradient_norms(path) if path.exists() else {}) | found
        write_atomically(path, json.dumps([_row(*key, *kept[key]) for key in sorted(kept)]) + "\n")
    return [f"{loss}, {run}" for loss, run in found]


def _row(loss: str, run: str, epochs: Floats, norms: Floats) -> dict[str, object]:
    numbers = {"epochs": [round(float(x), 3) for x in epochs], "norms": [float(f"{x:.4g}") for x in norms]}
    return {"loss": loss, "run": run, **numbers}


def load_gradient_norms(path: Path = FILE) -> Curves:
    """Raises `DataError` for a file that is missing or damaged."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        found = {(row["loss"], row["run"]): (np.array(row["epochs"]), np.array(row["norms"])) for row in rows}
        if not all(len(epochs) == len(norms) > 0 for epochs, norms in found.values()):
            raise ValueError("a curve without points")
        return found
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is missing or damaged: {error}.") from error
