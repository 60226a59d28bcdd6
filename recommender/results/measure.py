"""A run measured under a protocol, on the data that it can have: for the command line and for what is run again."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recommender.config import DIALOGUE_PROTOCOLS, Protocol, TargetKind
from recommender.data.task import Task, load_data, measured_with
from recommender.device import choose_device
from recommender.errors import DataError
from recommender.evaluation.records import Record
from recommender.evaluation.report import evaluate, with_cutoffs
from recommender.runs.checkpoints import load_checkpoint
from recommender.runs.folder import Run
from recommender.runs.version import current_commit
from recommender.settings import Settings
from recommender.wording import SAMPLE, chosen_on_test

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
    checkpoint = load_checkpoint(run, device)
    config = checkpoint.config
    with_cutoffs(cutoffs, checkpoint.catalog)  # a wrong one is told before anything is ranked
    data = load_data(protocol, config.data, settings, checkpoint.catalog)
    if data.source == "sample" and config.data.source != "sample" and SAMPLE not in run.status().source:
        name, online = ("ReDial", ", or go online once") if protocol in DIALOGUE_PROTOCOLS else ("MovieLens", "")
        raise DataError(
            f"{run.run_id} learned from real data, and {name} is not here: on the synthetic sample its figures would "
            f"say nothing. Set RECOMMENDER_DATA_DIR to a folder that holds {name}{online}."
        )
    if config.training.chosen_on == "test":
        log.warning(chosen_on_test(run.run_id))
    log.info("data: %s, read from %s", data.describe(), data.origin)
    task = Task(checkpoint.catalog, data, protocol, measured_with(protocol, config.data), config.seed, settings)
    report, record = evaluate(checkpoint.model, task, split, targets, device, rankings, cutoffs)
    return {"run": run.run_id, "commit": current_commit(), **run.training_facts(), **report}, record
