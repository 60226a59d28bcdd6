"""The parts of a training run, also for the trial that estimates one: examples, model, training loop."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from recommender.config import DIALOGUE_PROTOCOLS, SELECTION_TARGETS, RunConfig
from recommender.config.presets import preset_names
from recommender.data.collate import Item
from recommender.data.examples import Example
from recommender.data.source import Source
from recommender.data.task import Task
from recommender.device import supports_bfloat16
from recommender.errors import DataError, RecommenderError, UnknownNameError
from recommender.losses.weighting import TAGS, target_facts
from recommender.models.base import Context, Recommender
from recommender.models.movie_text import movie_vectors
from recommender.models.registry import make_model
from recommender.reports.report import wanted
from recommender.runs.folder import Run, find_run
from recommender.settings import Settings
from recommender.training.learner import Learner
from recommender.training.optimizer import check_modules

if TYPE_CHECKING:  # `transformers.Trainer` takes seconds to import, and the baselines do not need it
    from transformers import TrainerCallback

    from recommender.training.trainer import RecommenderTrainer


def checked_examples(task: Task, split: str) -> list[Example]:
    """The examples of a split. Raises `DataError` if none has an answer of the kind that validation measures."""
    examples = task.examples(split)
    if not any(wanted(example, SELECTION_TARGETS[task.protocol]) for example in examples):
        raise DataError(
            f"The {split} split has no example with a target under the protocol {task.protocol}: "
            f"{len(task.ids(split)):,} {task.parts.unit} were read. Use more data or another data.validation share."
        )
    return examples


def build_model(config: RunConfig, task: Task, settings: Settings) -> Recommender:
    """A fresh model; with the movies' text vectors [V, D], where it needs them."""
    text = None
    if config.model.reads_movie_text:
        text = torch.from_numpy(movie_vectors(task.catalog, config.data, settings))
    model = make_model(config.model, Context(task.catalog, text, config.data, config.seed, settings.cache_dir))
    check_modules(model, config.training)
    return model


def start_from(model: Recommender, run_id: str, task: Task, settings: Settings) -> None:
    """Take over the weights of another run; what it does not have (adapters of a frozen encoder) starts fresh.

    Raises `RecommenderError` if there is no such run, if it learned from other data or from dialogues that `task` holds
    out, or if its weights are of another catalogue or shape.
    """
    data = task.config
    alike = (
        f"--set seed={task.seed} --set data.validation={data.validation} --set data.hold_out={data.hold_out} "
        f"--set data.held_out_movies={data.held_out_movies}"
    )
    try:
        source = find_run(run_id, settings)
    except UnknownNameError as error:
        preset = f"--preset {run_id} --run-id {run_id} " if run_id in preset_names() else ""
        raise RecommenderError(
            f"This preset starts from the run {run_id!r}, which does not exist. Train it first, with the "
            f"same dialogues held out: python -m recommender train {preset}{alike}"
        ) from error
    status = source.status()
    if status.state != "finished":
        raise RecommenderError(f"The run {run_id!r} that this preset starts from is {status.state}, not finished.")
    if (status.source_kind == "sample") != (task.data.source is Source.SAMPLE):
        raise RecommenderError(f"The run {run_id!r} learned from other data: {status.source}. Start from another run.")
    if learned := _learned_from(source, task):
        raise RecommenderError(
            f"The run {run_id!r} learned from {learned:,} of the {len(task.ids('validation')):,} {task.parts.unit} "
            "that this run holds out, so its validation would say nothing. Start from a run (--set start_from=...) "
            f"trained with {alike}, or hold out what that one did."
        )
    weights, facts = source.weights()
    encoder = model.text.weights_hash if model.text is not None else ""
    if facts.get("catalog") != task.catalog.fingerprint or facts.get("encoder") not in ("", encoder):
        raise RecommenderError(f"The run {run_id!r} was made for another catalogue or encoder; train it again.")
    own = model.saved_weights()
    # The weights of an opinion head are of no use to a model without one.
    model.load_weights({**own, **{name: t for name, t in weights.items() if name in own or "opinions." not in name}})


def _learned_from(source: Run, task: Task) -> int:
    """How many of the validation dialogues or events the other run was trained on; none, if it is of the other kind."""
    config = source.config()
    if (config.protocol in DIALOGUE_PROTOCOLS) != (task.protocol in DIALOGUE_PROTOCOLS):
        return 0
    learned = replace(task, config=config.data, seed=config.seed).ids("train")
    return len(set(learned) & set(task.ids("validation")))


def make_trainer(
    config: RunConfig,
    model: Recommender,
    train: list[Item],
    tags: list[Item],
    validate: Callable[[], dict[str, float]],
    folder: Path,
    callbacks: "list[TrainerCallback]",
    accumulation: int | None = None,
) -> "RecommenderTrainer":
    """The loop over the items; `validate` measures the weights after an epoch. Its state to go on from goes to
    `folder`. A batch is learned in `accumulation` pieces, those of the settings if it is None."""
    from recommender.training.arguments import training_arguments
    from recommender.training.sampling import WishSet
    from recommender.training.trainer import RecommenderTrainer

    device, parts = next(model.parameters()).device, config.training
    if model.text is not None and device.type == "cpu":
        model.text.prepare_for_training_on_cpu()
    chosen = precision(config, device)
    args = training_arguments(
        parts,
        config.seed,
        folder,
        len(train),
        accumulation,
        use_cpu=device.type == "cpu",
        bf16=chosen == "bfloat16",
        fp16=chosen == "float16",
    )
    tasks = [*([TAGS] if tags else []), *(task for task in config.model.tasks if task != TAGS)]
    args._n_gpu = min(1, args.n_gpu)  # on two GPUs the Trainer would silently double the batch
    return RecommenderTrainer(
        Learner(model, config.loss, target_facts(train, len(model.context.catalog)), tasks),
        args,
        config=parts,
        train=WishSet(train, tags, parts.tag_batch_size // parts.batch_size, config.seed),
        validate=validate,
        callbacks=callbacks,
    )


def precision(config: RunConfig, device: torch.device) -> Literal["float32", "bfloat16", "float16"]:
    """`auto` takes bfloat16 where the processor has it and the encoder is trained: a head alone gains nothing.

    Raises `RecommenderError` for float16 on anything but cuda.
    """
    wanted = config.training.precision
    if wanted == "auto":
        return "bfloat16" if config.model.trains_encoder and supports_bfloat16(device) else "float32"
    if wanted == "float16" and device.type != "cuda":
        raise RecommenderError(
            f"training.precision = float16 needs a cuda device; this run is on {device.type}. Set bfloat16 or float32."
        )
    return wanted
