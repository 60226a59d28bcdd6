"""One training run from its config to its finished folder: start, resume, stop, and what is said when it fails."""

import logging
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

import torch

from recommender.checkpoints import weights_facts
from recommender.config import SELECTION_TARGETS
from recommender.data.collate import Item
from recommender.data.task import Task, load_task
from recommender.device import choose_device, describe_device, peak_memory_mb
from recommender.errors import DataError, RecommenderError
from recommender.evaluation.report import baseline_metrics, evaluate
from recommender.models.base import Recommender
from recommender.models.inputs import example_items, learning_items, tag_items
from recommender.runs import Run
from recommender.settings import Settings
from recommender.training.failure import explain
from recommender.training.parts import build_model, checked_examples, make_trainer, start_from
from recommender.training.queue import check_free, check_unfinished
from recommender.training.resume import last_checkpoint
from recommender.training.stopping import Stopped, set_stopped, stoppable
from recommender.training.work import Work, logging_to, telling_vectors
from recommender.version import current_commit

log = logging.getLogger(__name__)


def train_run(run: Run, settings: Settings, resume: bool = False) -> None:
    """Train the run to its end. The folder tells at every moment how far it is; a failure is written there too.

    Raises `RecommenderError` for what the user can mend.
    """
    status, config = run.status(), None
    check_free(run, status)
    if resume:
        check_unfinished(run, status)
    status.belong_to(os.getpid())
    status.state, status.reason, status.problem = "running", "", ""
    status.started = status.started or time.time()
    with stoppable(run, status) as stop:
        try:
            run.write_status(status)
            with logging_to(run.log_file):
                config = run.config()
                _train(Work(run, config, status, settings, stop), resume)
        except Exception as error:
            status.state, status.phase = "failed", ""
            status.problem, status.reason = explain(error, config)
            log.error("%s failed: %s", run.run_id, status.reason)
            with suppress(OSError):  # a full disk may not even take this; the line above has said it
                run.write_status(status)
            if status.problem in ("out_of_memory", "disk_full") or isinstance(error, OSError):
                raise RecommenderError(status.reason) from error
            raise


def _train(work: Work, resume: bool) -> None:
    run, config, status = work.run, work.config, work.status
    work.say("reading the data")
    device = choose_device(work.settings)
    task = load_task(config.protocol, config.data, config.seed, work.settings)
    log.info("data: %s, read from %s", task.dialogues.describe(), task.dialogues.origin)
    if resume and status.data and status.data != task.fingerprint:
        raise RecommenderError(
            f"The run {run.run_id} was begun on {status.source}; now the data is {task.dialogues.describe()}. "
            "Resume it with the data it was begun on."
        )
    model = build_model(config, task, work.settings).to(device)
    checkpoint = last_checkpoint(run.resume_folder) if resume else None
    if config.start_from and checkpoint is None:
        start_from(model, config.start_from, task, work.settings)
    status.device, status.source, status.data = describe_device(device), task.dialogues.describe(), task.fingerprint
    status.commit, status.seed = current_commit(), config.seed
    run.write_catalog(task.catalog)
    with telling_vectors(work):
        _learn(work, task, model, checkpoint)
    if status.state == "stopped":
        return
    shutil.rmtree(run.resume_folder, ignore_errors=True)
    _measure(work, task, model, device)
    status.state, status.phase = "finished", ""
    run.write_status(status)


def _learn(work: Work, task: Task, model: Recommender, checkpoint: Path | None) -> None:
    """Everything up to the best weights in the run's folder, or to a stop."""
    run, config, status, cache = work.run, work.config, work.status, work.settings.cache_dir
    if status.trained:
        return
    work.say("preparing the examples")
    status.train_examples = len(checked_examples(task, "train"))
    log.info("%s examples on %s", f"{status.train_examples:,}", status.device)
    train = example_items(model, task.learning_examples(), task.catalog, config.data, cache)
    model.fit(train)
    train = learning_items(model, train)
    if not model.learns_by_gradient:
        run.write_weights(model.saved_weights(), weights_facts(model, task.catalog))
        status.seconds = round(time.time() - (status.started or 0), 1)
        status.peak_memory_mb = peak_memory_mb(torch.device("cpu"))
        status.trained = True
        return
    validation = example_items(
        model, checked_examples(task, config.training.chosen_on), task.catalog, config.data, cache
    )
    status.validation_examples = len(validation)
    tags = tag_items(model, task.tags(), task.catalog, config.data, cache) if config.model.tags else []
    if not run.baselines():
        work.say("measuring the baselines")
        run.write_baselines(baseline_metrics(task, config.training.chosen_on, SELECTION_TARGETS[config.protocol]))
    _learn_by_gradient(work, task, model, train, tags, validation, checkpoint)


def _learn_by_gradient(
    work: Work,
    task: Task,
    model: Recommender,
    train: list[Item],
    tags: list[Item],
    validation: list[Item],
    checkpoint: Path | None,
) -> None:
    from recommender.training.progress import Progress

    run, config = work.run, work.config
    run.keep_metrics_until(int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0)
    progress = Progress(work, model, weights_facts(model, task.catalog))
    trainer = make_trainer(config, model, len(task.catalog), train, tags, validation, run.resume_folder, [progress])
    with work.stop.noted():
        if config.training.epochs == 0:
            trainer.evaluate()
        else:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if work.stop.requested and trainer.state.global_step < trainer.state.max_steps:
        set_stopped(work.status)
        run.write_status(work.status)
    else:
        work.status.trained = True


def _measure(work: Work, task: Task, model: Recommender, device: torch.device) -> None:
    """The best weights on the validation split become the run's report. A run that is stopped here, or whose split has
    no target of the kind, is finished without one."""
    work.say("measuring")
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
    work.run.write_report(facts | report, record)
