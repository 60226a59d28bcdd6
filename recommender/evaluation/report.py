"""A checkpoint under a protocol -> metrics with confidence intervals, and the three baselines beside it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from recommender.config import ModelConfig
from recommender.data.catalog import Catalog
from recommender.data.examples import Example
from recommender.data.task import Task
from recommender.errors import DataError
from recommender.evaluation.metrics import CUTOFFS, Floats, bootstrap_interval, evaluate_rankings
from recommender.evaluation.ranking import rank
from recommender.files import write_atomically
from recommender.models.base import Recommender
from recommender.models.inputs import example_items
from recommender.models.registry import BASELINES, make_model

TargetKind = Literal["all", "new"]


def wanted(example: Example, targets: TargetKind) -> tuple[int, ...]:
    return example.new_targets if targets == "new" else example.targets


def rankings_of(
    model: Recommender, examples: Sequence[Example], task: Task, targets: TargetKind, device: torch.device
) -> np.ndarray:
    """The best 50 of the catalogue for every example, as catalogue indices [N, 50]."""
    items = example_items(model, examples, task.catalog, task.config, task.settings.cache_dir)
    rankings = rank(model, items, max(CUTOFFS), device)
    return rankings.new if targets == "new" else rankings.all


def measure(
    rankings: np.ndarray, examples: Sequence[Example], catalog: Catalog, targets: TargetKind
) -> dict[str, Floats]:
    answers = [catalog.indices(wanted(example, targets)) for example in examples]
    return evaluate_rankings(rankings, answers, CUTOFFS)


def evaluate(
    model: Recommender,
    task: Task,
    split: str,
    targets: TargetKind,
    device: torch.device,
    rankings_file: Path | None = None,
) -> dict[str, Any]:
    """Metrics with 95 % intervals (bootstrap over dialogues), the counts, and the baselines fitted on the same
    training examples. `rankings_file` gets a JSON line an example.

    Raises `DataError` when no example of the split has such a target.
    """
    examples = [example for example in task.examples(split) if wanted(example, targets)]
    if not examples:
        raise DataError(f"No example of the {split} split has a target of the kind {targets!r}.")
    rankings = rankings_of(model, examples, task, targets, device)
    if rankings_file is not None:
        _write_rankings(rankings_file, rankings, examples, task.catalog, targets)
    values = measure(rankings, examples, task.catalog, targets)
    dialogues = [example.dialogue_id for example in examples]
    return {
        "protocol": task.protocol,
        "split": split,
        "targets": targets,
        "source": task.dialogues.source,
        "examples": len(examples),
        "target_count": sum(len(wanted(example, targets)) for example in examples),
        "seed": task.seed,
        "metrics": {name: float(v.mean()) for name, v in values.items()},
        "intervals": {name: bootstrap_interval(v, dialogues, task.seed) for name, v in values.items()},
        "baselines": _baselines(task, examples, targets),
    }


def _baselines(task: Task, examples: Sequence[Example], targets: TargetKind) -> dict[str, dict[str, float]]:
    device = torch.device("cpu")
    train = task.examples("train")
    results = {}
    for kind in BASELINES:
        model = make_model(ModelConfig.model_validate({"kind": kind}), len(task.catalog), None, task.seed)
        model.fit(example_items(model, train, task.catalog, task.config, task.settings.cache_dir))
        values = measure(rankings_of(model, examples, task, targets, device), examples, task.catalog, targets)
        results[kind] = {name: float(v.mean()) for name, v in values.items()}
    return results


def _write_rankings(
    path: Path, rankings: np.ndarray, examples: Sequence[Example], catalog: Catalog, targets: TargetKind
) -> None:
    lines = [
        json.dumps(
            {
                "example_id": example.example_id,
                "dialogue_id": example.dialogue_id,
                "turn": example.turn,
                "targets": list(wanted(example, targets)),
                "mentioned": list(example.mentioned),
                "ranking": [catalog[int(index)].movie_id for index in row if index >= 0],
            }
        )
        for example, row in zip(examples, rankings, strict=True)
    ]
    write_atomically(path, "\n".join(lines) + "\n")
