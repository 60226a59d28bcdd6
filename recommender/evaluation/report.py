"""A model under a protocol -> metrics with confidence intervals, the three baselines beside it, and the record of
single examples that the means are made of."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recommender.config import ModelConfig, TargetKind
from recommender.data.catalog import Catalog
from recommender.data.examples import Example
from recommender.data.task import Task
from recommender.errors import DataError
from recommender.evaluation.beyond import Counts, beyond_accuracy, training_mentions
from recommender.evaluation.metrics import CUTOFFS, Floats, Ints, evaluate_rankings
from recommender.evaluation.ranking import rank
from recommender.evaluation.records import KEPT, Record
from recommender.evaluation.resampling import bootstrap_interval
from recommender.files import write_atomically
from recommender.models.base import Recommender
from recommender.models.inputs import example_items
from recommender.models.registry import BASELINES, make_model


def wanted(example: Example, targets: TargetKind) -> tuple[int, ...]:
    return example.new_targets if targets == "new" else example.targets


def rankings_of(
    model: Recommender, examples: Sequence[Example], task: Task, targets: TargetKind, device: torch.device
) -> Ints:
    """The best 50 of the catalogue for every example, as catalogue indices [N, 50]."""
    items = example_items(model, examples, task.catalog, task.config, task.settings.cache_dir)
    rankings = rank(model, items, max(CUTOFFS), device)
    return rankings.new if targets == "new" else rankings.all


def measure(rankings: Ints, examples: Sequence[Example], catalog: Catalog, targets: TargetKind) -> dict[str, Floats]:
    answers = [catalog.indices(wanted(example, targets)) for example in examples]
    return evaluate_rankings(rankings, answers, CUTOFFS)


def evaluate(
    model: Recommender,
    task: Task,
    split: str,
    targets: TargetKind,
    device: torch.device,
    rankings_file: Path | None = None,
) -> tuple[dict[str, Any], Record]:
    """The report: metrics with 95 % intervals (bootstrap over dialogues, or over people), what is beyond accuracy, the
    counts, and the baselines fitted on the same training examples; and the record of the single examples.
    `rankings_file` gets a JSON line an example.

    Raises `DataError` when no example of the split has such a target.
    """
    examples = _measured(task, split, targets)
    rankings = rankings_of(model, examples, task, targets, device)
    if rankings_file is not None:
        _write_rankings(rankings_file, rankings, examples, task.catalog, targets)
    values = measure(rankings, examples, task.catalog, targets)
    mentions = training_mentions(task)
    dialogues = [example.dialogue_id for example in examples]
    report = {
        "protocol": task.protocol,
        "split": split,
        "targets": targets,
        "source": task.data.source,
        "examples": len(examples),
        "target_count": sum(len(wanted(example, targets)) for example in examples),
        "seed": task.seed,
        "parameters": _parameters(model),
        "metrics": {name: float(v.mean()) for name, v in values.items()},
        "intervals": {name: bootstrap_interval(v, dialogues, task.seed) for name, v in values.items()},
        "beyond": beyond_accuracy(rankings, task.catalog, mentions),
        "baselines": _baselines(task, examples, targets),
    }
    return report, _record(examples, rankings, values, task.catalog, targets, mentions)


def baseline_metrics(task: Task, split: str, targets: TargetKind) -> dict[str, dict[str, float]]:
    """What popularity, copy and item-kNN reach on a split, fitted on the task's training examples: baseline -> metric
    -> mean. A few seconds for ReDial.

    Raises `DataError` when no example of the split has such a target.
    """
    return _baselines(task, _measured(task, split, targets), targets)


def _measured(task: Task, split: str, targets: TargetKind) -> list[Example]:
    examples = [example for example in task.examples(split) if wanted(example, targets)]
    if not examples:
        raise DataError(f"No example of the {split} split has a target of the kind {targets!r}.")
    return examples


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


def _parameters(model: Recommender) -> dict[str, int]:
    """How many numbers are learned by gradient, and how many there are with those of a frozen encoder."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return {"trained": sum(size for size, trained in sizes if trained), "all": sum(size for size, _ in sizes)}


def _record(
    examples: Sequence[Example],
    rankings: Ints,
    values: dict[str, Floats],
    catalog: Catalog,
    targets: TargetKind,
    mentions: Counts,
) -> Record:
    answers = [catalog.indices(wanted(example, targets)) for example in examples]
    kept = rankings[:, :KEPT].astype(np.int32)
    return Record(
        example_ids=tuple(example.example_id for example in examples),
        dialogues=tuple(example.dialogue_id for example in examples),
        values={name: v.astype(np.float32) for name, v in values.items()},
        rankings=kept,
        found=np.array([np.isin(row, answer) for row, answer in zip(kept, answers, strict=True)]),
        mentioned=np.array([len(example.mentioned) for example in examples], dtype=np.int32),
        words=np.array([len(example.text.split()) for example in examples], dtype=np.int32),
        popularity=np.array([mentions[answer].mean() for answer in answers], dtype=np.float32),
        catalog=catalog.fingerprint,
    )


def _write_rankings(
    path: Path, rankings: Ints, examples: Sequence[Example], catalog: Catalog, targets: TargetKind
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
