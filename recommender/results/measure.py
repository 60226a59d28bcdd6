"""A run measured under a protocol, on the data that it can have: for the command line and for what is run again."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recommender.config import DIALOGUE_PROTOCOLS, Protocol, TargetKind
from recommender.data.digests import overlap
from recommender.data.source import Source
from recommender.data.task import Task, load_data, measured_with
from recommender.device import choose_device
from recommender.errors import DataError
from recommender.evaluation.records import Record
from recommender.reports.report import evaluate, with_cutoffs
from recommender.runs.checkpoints import load_checkpoint
from recommender.runs.folder import Run
from recommender.runs.version import current_commit
from recommender.settings import Settings
from recommender.wording import chosen_on_test

MOST_SEEN = 0.01  # share: two short dialogues may be alike, word for word

log = logging.getLogger(__name__)


def measure_run(
    run: Run,
    protocol: Protocol,
    split: str,
    targets: TargetKind,
    settings: Settings,
    rankings: Path | None = None,
    cutoffs: Sequence[int] = (),
) -> tuple[dict[str, Any], Record]:
    """The report, with what is known of the training behind it, and the record of the single examples. `cutoffs`:
    more than every report has.

    Raises `DataError` for a run that learned from real data where there is only the sample, and what `load_checkpoint`
    and `evaluate` raise.
    """
    device = choose_device(settings)
    checkpoint = load_checkpoint(run, device, settings.cache_dir)
    config = checkpoint.config
    with_cutoffs(cutoffs, checkpoint.catalog)  # a wrong one is told before anything is ranked
    data = load_data(protocol, config.data, settings, checkpoint.catalog)
    if data.source is Source.SAMPLE and config.data.source != "sample" and run.status().source_kind != "sample":
        name, online = ("ReDial", ", or go online once") if protocol in DIALOGUE_PROTOCOLS else ("MovieLens", "")
        raise DataError(
            f"{run.run_id} learned from real data, and {name} is not here: on the synthetic sample its figures would "
            f"say nothing. Set RECOMMENDER_DATA_DIR to a folder that holds {name}{online}."
        )
    if config.training.chosen_on == "test":
        log.warning(chosen_on_test(run.run_id))
    log.info("data: %s, read from %s", data.describe(), data.origin)
    task = Task(checkpoint.catalog, data, protocol, measured_with(protocol, config.data), config.seed, settings)
    _check_unseen(run, task, split)
    report, record = evaluate(checkpoint.model, task, split, targets, device, rankings, cutoffs)
    facts = {"run": run.run_id, "commit": current_commit(), "data": task.other_data(split)}
    return {**facts, **run.training_facts(), **report}, record


def _check_unseen(run: Run, task: Task, split: str) -> None:
    """Raises `DataError` if the model was trained on what is to be measured; who names the training split knows it."""
    if split == "train":
        return
    learned = run.learned()
    if learned is None and run.status().data == task.fingerprint:  # a run of an older version, on its own data
        learned = task.digests("train")
    unit = task.parts.unit
    if learned is None:
        log.warning(
            "The run %s does not say what it learned from, and this is other data: if any of its %s are among these, "
            "the figures say little.", run.run_id, unit,
        )  # fmt: skip
        return
    seen, known = overlap(task.digests(split), learned)
    if seen > MOST_SEEN * known:
        raise DataError(
            f"The run {run.run_id} was trained on {seen:,} of these {known:,} {unit}, so its figures on them would say "
            f"nothing about new ones. Measure it on {unit} that it has not seen: "
            "ReDial's test split, or the data that it was trained with, from which it holds some out."
        )
    if seen:
        log.warning("%s was trained on %s of these %s %s", run.run_id, f"{seen:,}", f"{known:,}", unit)
