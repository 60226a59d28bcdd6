"""How hard each loss pulls at the encoder that they share: gradient norms, from the logs of runs with the tag task."""

import json
from pathlib import Path

import numpy as np

from recommender.charts.training import Floats, series
from recommender.errors import DataError
from recommender.files import write_atomically
from recommender.results.records import experiment_of
from recommender.runs import Run

FILE = Path(__file__).parent / "pulls.json"
SHOWN = {"pull-alpha-1": "alpha 1", "pull-alpha-0.001": "alpha 0.001"}  # experiment -> what is said of it

Pulls = dict[str, tuple[Floats, Floats]]


def collect_pulls(folder: Path, path: Path = FILE) -> list[str]:
    """Keep the curves of the runs below a folder that belong to one of the experiments; returns their names."""
    kept = load_pulls(path) if path.exists() else {}
    found: Pulls = {}
    for run in map(Run, sorted(folder.iterdir())):
        shown = SHOWN.get(experiment_of(run.run_id)[0])
        if shown:
            found |= {f"{part} loss, {shown}": series(run.metrics(), f"{part}_gradient") for part in ("movie", "tag")}
    if found:
        curves = kept | found
        write_atomically(path, json.dumps({name: _plain(*curves[name]) for name in sorted(curves)}) + "\n")
    return list(found)


def _plain(epochs: Floats, norms: Floats) -> dict[str, list[float]]:
    return {"epoch": [round(float(x), 3) for x in epochs], "norm": [float(f"{x:.4g}") for x in norms]}


def load_pulls(path: Path = FILE) -> Pulls:
    """Name of the curve -> epochs and gradient norms. Raises `DataError` for a file that is missing or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: (np.array(curve["epoch"]), np.array(curve["norm"])) for name, curve in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is missing or damaged: {error}.") from error
