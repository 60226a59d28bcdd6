"""One training run from its config to its finished folder: start, resume, stop, and what is said when it fails."""

import errno
import logging
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from recommender.checkpoints import weights_facts
from recommender.config import LossConfig, Protocol, RunConfig
from recommender.data.assets import VECTORS_FILE, load_arrays
from recommender.data.catalog import Catalog
from recommender.data.collate import Item
from recommender.data.examples import Example
from recommender.data.task import Task, load_task
from recommender.device import choose_device, describe_device, peak_memory_mb, supports_bfloat16
from recommender.errors import DataError, RecommenderError, UnknownNameError
from recommender.evaluation.report import TargetKind, wanted
from recommender.losses import make_loss
from recommender.models.base import Recommender
from recommender.models.inputs import example_items, tag_items
from recommender.models.registry import make_model
from recommender.runs import Run, Status, find_run, process_start
from recommender.settings import ROOT, Settings
from recommender.training.resume import last_checkpoint

if TYPE_CHECKING:  # `transformers.Trainer` takes seconds to import, and the baselines do not need it
    from recommender.training.progress import Progress

log = logging.getLogger(__name__)

# Which targets pick the best epoch: where the answers may stand in the input, repeating them is part of the task.
SELECTION_TARGETS: dict[Protocol, TargetKind] = {
    "notebook": "all",
    "paper": "all",
    "one_shot": "new",
    "conversational": "new",
}


def train_run(run: Run, settings: Settings, resume: bool = False) -> None:
    """Train the run to its end. The folder tells at every moment how far it is; a failure is written there too.

    Raises `RecommenderError` for what the user can mend.
    """
    status = run.status()
    if status.state == "running":
        raise RecommenderError(f"The run {run.run_id} is being trained by process {status.pid}.")
    if resume and status.state == "finished":
        raise RecommenderError(f"The run {run.run_id} is finished; there is nothing to resume.")
    status.pid, status.process_started, status.reason = os.getpid(), process_start(os.getpid()), ""
    status.state, status.started = "running", status.started or time.time()
    try:
        run.write_status(status)
        with _logging_to(run.log_file):
            _train(run, run.config(), status, settings, resume)
    except Exception as error:
        status.state, status.reason = "failed", _reason(error)
        log.error("%s failed: %s", run.run_id, status.reason)
        with suppress(OSError):  # a full disk may not even take this; the line above has said it
            run.write_status(status)
        if isinstance(error, (OSError, torch.OutOfMemoryError, MemoryError)):
            raise RecommenderError(status.reason) from error
        raise


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Everything logged meanwhile goes to the run's log too."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


def _reason(error: Exception) -> str:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return "Out of memory. Use a smaller batch, for example --set training.batch_size=8."
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The disk is full. Make room and use --resume: the last finished epoch is kept."
    return str(error) or type(error).__name__


def _train(run: Run, config: RunConfig, status: Status, settings: Settings, resume: bool) -> None:
    device = choose_device(settings)
    task = load_task(config.protocol, config.data, config.seed, settings)
    log.info("data: %s, read from %s", task.dialogues.describe(), task.dialogues.origin)
    if resume and status.data and status.data != task.fingerprint:
        raise RecommenderError(
            f"The run {run.run_id} was begun on {status.source}; now the data is {task.dialogues.describe()}. "
            "Resume it with the data it was begun on."
        )
    model = make_model(config.model, len(task.catalog), _movie_text(config, task, settings), config.seed).to(device)
    checkpoint = last_checkpoint(run.resume_folder) if resume else None
    if config.start_from and checkpoint is None:
        _start_from(model, config.start_from, task.catalog, settings)
    status.device, status.source, status.data = describe_device(device), task.dialogues.describe(), task.fingerprint
    status.commit, status.seed = current_commit(), config.seed
    run.write_catalog(task.catalog)
    run.write_status(status)
    train = example_items(model, _examples(task, "train"), task.catalog, config.data, settings.cache_dir)
    status.train_examples = len(train)
    log.info("%s examples on %s", f"{len(train):,}", status.device)
    model.fit(train)
    if model.learns_by_gradient:
        _train_by_gradient(run, config, status, settings, checkpoint, model, task, train)
    else:
        run.write_weights(model.saved_weights(), weights_facts(model, task.catalog))
        status.state, status.seconds = "finished", round(time.time() - (status.started or 0), 1)
        status.peak_memory_mb = peak_memory_mb(device)
    run.write_status(status)


def _examples(task: Task, split: str) -> list[Example]:
    """The examples of a split. Raises `DataError` if none has an answer of the kind that validation measures."""
    examples = task.examples(split)
    if not any(wanted(example, SELECTION_TARGETS[task.protocol]) for example in examples):
        raise DataError(
            f"The {split} split has no example with a target under the protocol {task.protocol}: "
            f"{len(task.split(split)):,} dialogues were read. Use more data or another data.validation share."
        )
    return examples


def _start_from(model: Recommender, run_id: str, catalog: Catalog, settings: Settings) -> None:
    """Take over the weights of another run; what it does not have (adapters of a frozen encoder) starts fresh.

    Raises `RecommenderError` if there is no such run, or its weights are of another catalogue or shape.
    """
    try:
        source = find_run(run_id, settings)
    except UnknownNameError as error:
        raise RecommenderError(
            f"This preset starts from the run {run_id!r}, which does not exist. Train it first: "
            f"python -m recommender train --preset {run_id} --run-id {run_id}"
        ) from error
    if (state := source.status().state) != "finished":
        raise RecommenderError(f"The run {run_id!r} that this preset starts from is {state}, not finished.")
    weights, facts = source.weights()
    encoder = model.text.weights_hash if model.text is not None else ""
    if facts.get("catalog") != catalog.fingerprint or facts.get("encoder") not in ("", encoder):
        raise RecommenderError(f"The run {run_id!r} was made for another catalogue or encoder; train it again.")
    model.load_weights({**model.saved_weights(), **weights})


def _movie_text(config: RunConfig, task: Task, settings: Settings) -> torch.Tensor | None:
    if config.model.kind != "one_shot" or config.model.head.kind != "catalogue":
        return None
    return torch.from_numpy(load_arrays(settings.assets_dir / VECTORS_FILE, task.catalog)["vectors"])


def _train_by_gradient(
    run: Run,
    config: RunConfig,
    status: Status,
    settings: Settings,
    checkpoint: Path | None,
    model: Recommender,
    task: Task,
    train: list[Item],
) -> None:
    from recommender.training.progress import Progress
    from recommender.training.trainer import RecommenderTrainer, WishSet, training_arguments

    catalog, cache, parts = task.catalog, settings.cache_dir, config.training
    validation = example_items(model, _examples(task, "validation"), catalog, config.data, cache)
    status.validation_examples = len(validation)
    tags = tag_items(model, task.tags(), catalog, config.data, cache) if config.model.tags else []
    device = next(model.parameters()).device
    if model.text is not None and device.type == "cpu":
        model.text.prepare_for_training_on_cpu()
    args = training_arguments(
        parts, config.seed, run.resume_folder, len(train), use_cpu=device.type == "cpu", bf16=_bfloat16(config, device)
    )
    args._n_gpu = min(1, args.n_gpu)  # on two GPUs the Trainer would silently double the batch
    run.keep_metrics_until(_step_of(checkpoint))
    progress = Progress(run, status, model, weights_facts(model, catalog), best=_best_so_far(run))
    trainer = RecommenderTrainer(
        model,
        args,
        loss=make_loss(config.loss, len(catalog), _mean_targets(train)),
        tag_loss=make_loss(LossConfig(kind="bce"), len(catalog), 1.0),
        config=parts,
        loss_config=config.loss,
        train=WishSet(train, tags, parts.tag_batch_size // parts.batch_size, config.seed),
        validation=validation,
        targets=SELECTION_TARGETS[config.protocol],
        callbacks=[progress],
    )
    with _stopping_politely(progress):
        if parts.epochs == 0:
            trainer.evaluate()
        else:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if progress.stop_requested and trainer.state.global_step < trainer.state.max_steps:
        status.state, status.reason = "stopped", "stopped on request; --resume goes on from the last finished epoch"
        return
    status.state = "finished"
    shutil.rmtree(run.resume_folder, ignore_errors=True)


def _bfloat16(config: RunConfig, device: torch.device) -> bool:
    """`auto` takes it where the processor has it and the encoder is trained: a head alone gains nothing."""
    if config.training.precision == "auto":
        return config.model.text.train != "none" and supports_bfloat16(device)
    return config.training.precision == "bfloat16"


def _mean_targets(items: list[Item]) -> float:
    return sum(len(item.targets) for item in items) / len(items)


def _step_of(checkpoint: os.PathLike[str] | None) -> int:
    return int(os.fspath(checkpoint).rpartition("-")[2]) if checkpoint else 0


def _best_so_far(run: Run) -> float:
    from recommender.training.trainer import SELECTION_METRIC

    return max((row.get(f"eval_{SELECTION_METRIC}", -1.0) for row in run.metrics()), default=-1.0)


def current_commit() -> str:
    """The commit the code is at, with `+` when it was changed since; empty outside a git checkout."""
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
        changed = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head.stdout.strip()[:12] + ("+" if changed.stdout.strip() else "")


@contextmanager
def _stopping_politely(progress: "Progress") -> Iterator[None]:
    """SIGTERM and Ctrl-C end the run after the current step, with its state written."""

    def request(*_: object) -> None:
        progress.stop_requested = True

    before = {number: signal.signal(number, request) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def fresh_run_id(preset: str) -> str:
    """A name no earlier run has: the preset and the time."""
    return f"{preset}-{time.strftime('%Y%m%d-%H%M%S')}"
