"""Properties of a run's lists at any cut-off: accuracy, coverage, diversity and so on.

Computed from the per-wish record as far as it reaches, so that old and new reports are measured alike."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from recommender.compare.entries import Entry, Report
from recommender.data.catalog import Catalog
from recommender.data.task import load_catalog
from recommender.errors import CheckpointError
from recommender.evaluation.beyond import beyond_accuracy
from recommender.evaluation.measures import BEYOND, at
from recommender.evaluation.metrics import Ints, evaluate_gains
from recommender.evaluation.records import Record
from recommender.settings import Settings

USUAL = 10  # the cut-off to begin with
ACCURATE = ("ndcg", "recall")  # of the measures of accuracy those that are shown beside the others
SHOWN = (*ACCURATE, *BEYOND)
Lists = Mapping[str, Mapping[str, float]]  # run id -> `{"coverage@10": 0.17, ...}`


class Unknown(NamedTuple):
    """A run, the measures that it lacks, and why."""

    run_id: str
    names: tuple[str, ...]
    reason: str


def cutoffs_of(reports: Sequence[Report], records: Sequence[Record]) -> list[int]:
    """The cut-offs available for all of these runs: up to the shortest record, if every run has one, and those that
    every report contains."""
    depths = [record.rankings.shape[1] for record in records]
    reached = range(1, min(depths) + 1) if depths and len(depths) == len(reports) else range(0)
    held = [
        {int(name.partition("@")[2]) for name in report.beyond if name.startswith("coverage@")} for report in reports
    ]
    return sorted({*reached, *(set.intersection(*held) if held else ())})


def measures_at(cutoff: int, report: Report, record: Record | None, catalog: Catalog | None) -> dict[str, float]:
    """What is known of a run's lists at a cut-off, all measures of `SHOWN` if possible: from the record where that
    reaches, else from the report. `catalog` is the record's."""
    held = {name: value for name, value in (report.metrics | report.beyond).items() if name.endswith(f"@{cutoff}")}
    if record is None or cutoff > record.rankings.shape[1]:
        return held
    values = evaluate_gains(record.found, target_counts(record), [cutoff])
    found = {name: float(each.mean()) for name, each in values.items()}
    if catalog is not None:
        rankings = record.rankings.astype(np.int64)
        found |= beyond_accuracy(rankings, [cutoff], catalog, record.mentions, record.named)
    return held | found


def target_counts(record: Record) -> Ints:
    """How many targets each example has, [N], or 1 where none is found: then every measure is 0 whatever they are.

    A record keeps what was found and the recall, and one divided by the other is the number of targets.
    """
    depth = record.rankings.shape[1]
    deepest = max(
        (int(name.partition("@")[2]) for name in record.values if name.startswith("recall@")),
        key=lambda k: (k <= depth, k),
    )
    found = record.found[:, :deepest].sum(axis=1)  # [N]
    recall = record.values[at("recall", deepest)].astype(np.float64)
    counts = np.divide(found, recall, out=np.ones(len(found)), where=recall > 0)
    targets: Ints = np.maximum(np.rint(counts).astype(np.int64), np.maximum(record.found.sum(axis=1), 1))
    return targets


def targets_popularity(record: Record) -> float:
    """The mean popularity of the targets: that of a run that is always right."""
    return float(record.popularity.mean(dtype=np.float64))


def unknown(lists: Lists, records: Mapping[str, Record], cutoff: int) -> list[Unknown]:
    """The measures that are unknown for each run, and why."""
    found = []
    for run_id, values in lists.items():
        possible = (name for name in BEYOND if cutoff > 1 or name != "diversity")  # one movie has none
        names = tuple(name for name in possible if at(name, cutoff) not in values)
        if names:
            found.append(Unknown(run_id, names, _reason(records.get(run_id), cutoff)))
    return found


def _reason(record: Record | None, cutoff: int) -> str:
    if record is None or record.mentions is None or record.inputs is None:
        return "Measured by an older version that stored less per wish: evaluate again."
    if cutoff > record.rankings.shape[1]:
        return f"Only {record.rankings.shape[1]} ranks were stored: evaluate again with --cutoff {cutoff}."
    return "The catalogue is missing, or no movie of these lists has known genres."


def catalog_of(entry: Entry, record: Record, settings: Settings) -> Catalog:
    """The catalogue that a record's item indices refer to: the run's own, or the installed one if the run has none.

    Raises `RecommenderError` if it is not the one that the record was made with.
    """
    try:
        catalog = entry.run.catalog()
    except CheckpointError:
        catalog = load_catalog(settings)
    if record.catalog != catalog.fingerprint:
        raise CheckpointError(
            f"The catalogue of {entry.run_id} is missing or is not the one it was measured with, so its titles are "
            f"unknown. Evaluate it again."
        )
    return catalog
