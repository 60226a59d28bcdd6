"""A model under a protocol -> metrics with confidence intervals, the baselines beside it, and the record of single
examples that the means are made of."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recommender.config import TargetKind
from recommender.data.catalog import Catalog
from recommender.data.examples import Example
from recommender.data.task import Task
from recommender.errors import DataError
from recommender.evaluation.beyond import beyond_accuracy, training_mentions
from recommender.evaluation.metrics import CUTOFFS, Floats, Ints, MetricError, evaluate_rankings, hits, ragged
from recommender.evaluation.records import KEPT, Record
from recommender.evaluation.resampling import bootstrap_interval
from recommender.files import write_atomically
from recommender.models.base import Context, Recommender
from recommender.models.registry import baselines_of, make_model
from recommender.query.facets import read_as_wishes
from recommender.ranking.ranker import Exclude, Ranker


def wanted(example: Example, targets: TargetKind) -> tuple[int, ...]:
    return example.new_targets if targets == "new" else example.targets


def left_out_for(targets: TargetKind) -> Exclude:
    """`new` leaves all movies that came up before out of the ranking, `all` only what was refused."""
    return "named" if targets == "new" else "refused"


def with_cutoffs(asked: Sequence[int], catalog: Catalog) -> tuple[int, ...]:
    """The cut-offs of a report: those that every report has, since others read them, and those asked for, ascending.

    Raises `MetricError` for one below 1 or above the number of movies.
    """
    if wrong := [cutoff for cutoff in asked if not 1 <= cutoff <= len(catalog)]:
        raise MetricError(
            f"A cut-off is a number of ranks from 1 to {len(catalog)}, as many as there are movies; found {wrong[0]}."
        )
    return tuple(sorted({*CUTOFFS, *asked}))


def measure(
    rankings: Ints, examples: Sequence[Example], catalog: Catalog, targets: TargetKind, cutoffs: Sequence[int] = CUTOFFS
) -> dict[str, Floats]:
    return evaluate_rankings(rankings, _answers(examples, catalog, targets), cutoffs)


def _answers(examples: Sequence[Example], catalog: Catalog, targets: TargetKind) -> list[list[int]]:
    return [catalog.indices(wanted(example, targets)) for example in examples]


def evaluate(
    model: Recommender,
    task: Task,
    split: str,
    targets: TargetKind,
    device: torch.device,
    rankings_file: Path | None = None,
    asked: Sequence[int] = (),
) -> tuple[dict[str, Any], Record]:
    """The report: metrics with 95 % intervals (bootstrap over dialogues, or over people), what is beyond accuracy, the
    counts, and the baselines fitted on the examples that the run learns from; and the record of the single examples.
    Everything at the cut-offs `CUTOFFS` and at those `asked` for, to which the record's rankings reach too.
    `rankings_file` gets a JSON line an example.

    Raises `DataError` when no example of the split has such a target, and `MetricError` for a cut-off that cannot be.
    """
    cutoffs = with_cutoffs(asked, task.catalog)
    examples = _measured(task, split, targets)
    rankings = Ranker(model, device).rank(examples, max(cutoffs), left_out_for(targets))
    if rankings_file is not None:
        _write_rankings(rankings_file, rankings, examples, task.catalog, targets)
    values = measure(rankings, examples, task.catalog, targets, cutoffs)
    kept = rankings[:, : max(KEPT, *asked)] if asked else rankings[:, :KEPT]
    record = _record(task, examples, kept, values, targets)
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
        "beyond": beyond_accuracy(rankings, cutoffs, task.catalog, record.mentions, record.named),
        "baselines": _baselines(task, examples, targets, cutoffs),
    }
    return report, record


def baseline_metrics(task: Task, split: str, targets: TargetKind) -> dict[str, dict[str, float]]:
    """What the baselines of the protocol reach on a split, fitted on the examples that the task's settings say to learn
    from: baseline -> metric -> mean. A few seconds for ReDial.

    Raises `DataError` when no example of the split has such a target.
    """
    return _baselines(task, _measured(task, split, targets), targets)


def _measured(task: Task, split: str, targets: TargetKind) -> list[Example]:
    examples = [example for example in read_as_wishes(task.examples(split), task) if wanted(example, targets)]
    if not examples:
        raise DataError(f"No example of the {split} split has a target of the kind {targets!r}.")
    return examples


def _baselines(
    task: Task, examples: Sequence[Example], targets: TargetKind, cutoffs: Sequence[int] = CUTOFFS
) -> dict[str, dict[str, float]]:
    device = torch.device("cpu")
    results = {}
    context = Context(task.catalog, data=task.config, seed=task.seed)
    for kind, settings in baselines_of(task.protocol).items():
        model = make_model(settings, context)
        model.fit(model.training_items(task))
        rankings = Ranker(model, device).rank(examples, max(cutoffs), left_out_for(targets))
        values = measure(rankings, examples, task.catalog, targets, cutoffs)
        results[kind] = {name: float(v.mean()) for name, v in values.items()}
    return results


def _parameters(model: Recommender) -> dict[str, int]:
    """How many numbers are learned by gradient, and how many there are with those of a frozen encoder."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return {"trained": sum(size for size, trained in sizes if trained), "all": sum(size for size, _ in sizes)}


def _record(
    task: Task, examples: Sequence[Example], rankings: Ints, values: dict[str, Floats], targets: TargetKind
) -> Record:
    answers = _answers(examples, task.catalog, targets)
    mentions = training_mentions(task)
    named = ragged([task.catalog.indices(example.named) for example in examples])
    return Record(
        example_ids=tuple(example.example_id for example in examples),
        dialogues=tuple(example.dialogue_id for example in examples),
        values={name: v.astype(np.float32) for name, v in values.items()},
        rankings=rankings.astype(np.int32),
        found=hits(rankings, answers),
        mentioned=named.lengths.astype(np.int32),
        words=np.array([len(example.text.split()) for example in examples], dtype=np.int32),
        popularity=np.array([mentions[answer].mean() for answer in answers], dtype=np.float32),
        catalog=task.catalog.fingerprint,
        inputs=named.items,
        mentions=mentions,
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
                "mentioned": list(example.named),
                "ranking": [catalog[int(index)].movie_id for index in row if index >= 0],
            }
        )
        for example, row in zip(examples, rankings, strict=True)
    ]
    write_atomically(path, "\n".join(lines) + "\n")


class Validation:
    """The measurement that chooses a run's best epoch: validation examples that have a target of the kind `targets`,
    prepared once and ranked after every epoch."""

    def __init__(self, ranker: Ranker, examples: Sequence[Example], targets: TargetKind) -> None:
        self.ranker, self.targets = ranker, targets
        asked = [example for example in examples if wanted(example, targets)]
        self.prepared = ranker.prepare(asked)
        self.wanted = [ranker.catalog.indices(wanted(example, targets)) for example in asked]  # [N] lists of items

    def measure(self) -> dict[str, float]:
        """The means of the metrics for the weights that the model has now. Raises `MetricError` for NaN scores."""
        rankings = self.ranker.rank_prepared(self.prepared, max(CUTOFFS), left_out_for(self.targets))
        values = evaluate_rankings(rankings, self.wanted, CUTOFFS)
        return {name: float(per_example.mean()) for name, per_example in values.items()}
