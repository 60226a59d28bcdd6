"""One training run from its config to its finished folder: start, resume, stop, failure."""

import gc
import logging
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from recommender.config import SELECTION_TARGETS, RunConfig
from recommender.data.collate import Item
from recommender.data.digests import Digests, smallest
from recommender.data.task import Task, load_task
from recommender.device import choose_device, describe_device, device_type, peak_memory_mb
from recommender.errors import DataError, RecommenderError
from recommender.files import remove_leftovers, remove_whole
from recommender.models.base import Recommender
from recommender.query.facets import read_as_wishes
from recommender.ranking.ranker import Ranker
from recommender.reports.report import Validation, baseline_metrics, evaluate
from recommender.runs.checkpoints import weights_facts
from recommender.runs.folder import Run, find_run
from recommender.runs.ownership import check_free, check_there, owning
from recommender.runs.status import Phase
from recommender.runs.version import current_commit
from recommender.settings import Settings
from recommender.training import processes
from recommender.training.failure import explain, out_of_memory
from recommender.training.parts import build_model, checked_examples, make_trainer, precision, start_from
from recommender.training.queue import check_unfinished
from recommender.training.resume import check_readable, ended_early, last_checkpoint, step_of
from recommender.training.stopping import Stopped, set_stopped, stoppable
from recommender.training.tracking import PROJECT, check_installed, tracked
from recommender.training.work import Work, logging_to, telling_vectors

if TYPE_CHECKING:  # takes seconds to import
    from transformers import TrainerCallback

log = logging.getLogger(__name__)


def train_run(run: Run, settings: Settings, resume: bool = False, callbacks: "Sequence[TrainerCallback]" = ()) -> None:
    """Train the run to its end. The folder tells at every moment how far it is; a failure is written there too.
    `callbacks` are added to those of the run itself.

    Raises `RecommenderError` for what the user can mend.
    """
    run.check_own()
    with owning(run):
        _train_own(run, settings, resume, callbacks)


def _train_own(run: Run, settings: Settings, resume: bool, callbacks: "Sequence[TrainerCallback]") -> None:
    status, config = run.status(), None
    check_free(run, status)
    if resume:
        check_unfinished(run, status)
    status.belong_to(os.getpid())
    status.state, status.reason, status.problem = "running", "", ""
    status.started = status.started or time.time()
    with stoppable(run, status) as stop:
        try:
            if processes.first():
                remove_leftovers(run.folder)
                remove_leftovers(run.resume_folder)
            run.write_status(status)
            with logging_to(run.log_file):
                processes.join(settings)
                config = run.config()
                pieces = max(status.accumulation, config.training.accumulation)
                # Of several processes only the first one has read how far the run is.
                status.accumulation = int(processes.from_first(pieces))
                status.trained = bool(processes.from_first(status.trained))
                _train_within_memory(Work(run, config, status, settings, stop, callbacks), resume)
        except Exception as error:
            if run.writes and not run.lock_file.exists():
                _clear_remains(run)
                check_there(run)
            status.state, status.phase = "failed", ""
            status.problem, status.reason = explain(error, config, status.accumulation, run.keeps_epoch)
            log.error("%s failed: %s", run.run_id, status.reason)
            with suppress(OSError):  # a full disk may not even take this; the line above has said it
                run.write_status(status)
            if status.problem in ("out_of_memory", "disk_full") or isinstance(error, OSError):
                raise RecommenderError(status.reason) from error
            raise


def _clear_remains(run: Run) -> None:
    """What this process wrote after others had removed the folder; never one that holds a run again."""
    if not (run.folder / "config.json").exists():
        shutil.rmtree(run.folder, ignore_errors=True)


def _train_within_memory(work: Work, resume: bool) -> None:
    """When memory runs out while it learns, the run goes on from its last epoch with fewer examples at a time."""
    while True:
        try:
            return _train(work, resume)
        except Exception as error:
            # Of several processes the others would wait for this one for ever.
            if processes.count() > 1 or not out_of_memory(error) or not work.learn_less_at_once():
                raise
        resume = True
        gc.collect()  # what failed is held by nothing but circles now
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _train(work: Work, resume: bool) -> None:
    run, config, status = work.run, work.config, work.status
    work.say("reading the data")
    device = choose_device(work.settings)
    precision(config, device)  # an impossible setting is an error before the work begins
    check_installed(config.training.report_to)
    with processes.first_one_first():
        task = load_task(config.protocol, config.data, config.seed, work.settings)
    log.info("data: %s, read from %s", task.data.describe(), task.data.origin)
    if resume and status.data and status.data != task.fingerprint:
        raise RecommenderError(
            f"The run {run.run_id} was begun on {status.source}; now the data is {task.data.describe()}. "
            "Resume it with the data it was begun on."
        )
    model = build_model(config, task, work.settings).to(device)
    checkpoint = last_checkpoint(run.resume_folder) if resume else None
    if config.start_from and checkpoint is None:
        start_from(model, config.start_from, task, work.settings)
    status.device, status.device_type = describe_device(device), device_type(device)
    status.source, status.source_kind, status.data = task.data.describe(), task.data.source, task.fingerprint
    status.commit, status.seed = current_commit(), config.seed
    status.other_data = task.other_data(config.training.chosen_on)
    run.write_catalog(task.catalog)
    if run.learned() is None:  # else the run goes on, and what it started from may be gone
        run.write_learned(_learned(config, task, work.settings))
    with telling_vectors(work):
        _learn(work, task, model, checkpoint)
    check_there(run)
    if status.state == "stopped" or not processes.first():
        return
    run.write_status(status)  # that it is trained: a kill from here on must not find less than that
    remove_whole(run.resume_folder)
    _measure(work, task, model, device)
    check_there(run)
    status.state, status.phase = "finished", ""
    run.write_status(status)


def _learned(config: RunConfig, task: Task, settings: Settings) -> Digests:
    """What the run learns from, and what the run learned from that it starts from."""
    before = find_run(config.start_from, settings).learned() if config.start_from else None
    own = task.digests("train")
    return smallest(own if before is None else np.concatenate([own, before]))


def _learn(work: Work, task: Task, model: Recommender, checkpoint: Path | None) -> None:
    """Everything up to the best weights in the run's folder, or to a stop."""
    run, config, status = work.run, work.config, work.status
    device = choose_device(work.settings)
    if status.trained:
        return
    work.say("preparing the examples")
    status.train_examples = len(checked_examples(task, "train"))
    log.info("%s examples on %s", f"{status.train_examples:,}", status.device)
    with processes.first_one_first():
        train = model.training_items(task)
        model.precompute(train)
    model.fit(train)
    if not config.model.learns:
        run.write_weights(model.saved_weights(), weights_facts(model, task.catalog))
        status.seconds = round(time.monotonic() - work.begun, 1)
        status.peak_memory_mb = peak_memory_mb(torch.device("cpu"))
        status.trained = True
        return
    with processes.first_one_first():
        examples = read_as_wishes(checked_examples(task, config.training.chosen_on), task)
        ranker = Ranker(model, device, bfloat16=precision(config, device) == "bfloat16")
        validation = Validation(ranker, examples, SELECTION_TARGETS[config.protocol])
        tags = model.tag_items(task)
        model.precompute(tags)
        if not run.baselines():
            work.say("measuring the baselines")
            run.write_baselines(baseline_metrics(task, config.training.chosen_on, SELECTION_TARGETS[config.protocol]))
    status.validation_examples = len(examples)
    _learn_by_gradient(work, task, model, train, tags, validation, checkpoint)


def _learn_by_gradient(
    work: Work,
    task: Task,
    model: Recommender,
    train: list[Item],
    tags: list[Item],
    validation: Validation,
    checkpoint: Path | None,
) -> None:
    from recommender.training.progress import Progress

    run, config = work.run, work.config
    if checkpoint is not None:
        check_readable(checkpoint, config.loss.balance != "fixed")
    run.keep_metrics_until(step_of(checkpoint) if checkpoint else 0)
    progress = Progress(work, model, weights_facts(model, task.catalog))
    folder, pieces = run.resume_folder, work.status.accumulation
    with tracked(config.training.report_to, run) as trackers, work.stop.noted():
        callbacks = [*trackers, progress, *work.callbacks]
        trainer = make_trainer(config, model, train, tags, validation.measure, folder, callbacks, pieces)
        trainer.args.run_name, trainer.args.project = run.run_id, PROJECT
        if config.training.epochs == 0:
            trainer.evaluate()
        elif checkpoint is None or not ended_early(checkpoint):
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if work.stop.requested and trainer.state.global_step < trainer.state.max_steps:
        set_stopped(run, work.status)
        run.write_status(work.status)
    else:
        work.status.trained = True


def _measure(work: Work, task: Task, model: Recommender, device: torch.device) -> None:
    """The best weights on the validation split become the run's report. A run that is stopped here, or whose split has
    no target of the kind, is finished without one."""
    work.say(Phase.MEASURING)
    if work.stop.requested:
        return
    weights, _ = work.run.weights()
    model.load_weights(weights)
    try:
        report, record = evaluate(model, task, "validation", SELECTION_TARGETS[work.config.protocol], device)
    except DataError as error:
        log.warning("not measured: %s", error)
        return
    except Stopped:
        log.info("trained; not measured, since it was stopped")
        return
    facts = {"run": work.run.run_id, "commit": work.status.commit, **work.run.training_facts()}
    facts["data"] = task.other_data("validation")
    work.run.write_report(facts | report, record)
