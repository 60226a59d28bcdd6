"""Training settings as `transformers.TrainingArguments`."""

from pathlib import Path
from typing import Any

from transformers import TrainingArguments

from recommender.config import TrainingConfig
from recommender.errors import RecommenderError
from recommender.runs.folder import SELECTION_METRIC
from recommender.training import processes

LOGS_PER_EPOCH = 20
SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


def training_arguments(
    config: TrainingConfig, seed: int, folder: Path, items: int, accumulation: int | None = None, **hardware: Any
) -> TrainingArguments:
    """`items` is the number of training examples. Each process reads a batch in `accumulation` pieces, those of the
    settings if it is None.

    Raises `RecommenderError` for a batch that cannot be split so.
    """
    steps, pieces = -(-items // config.batch_size), accumulation or config.accumulation
    at_once, rest = divmod(config.batch_size, pieces * processes.count())
    if rest:
        raise RecommenderError(
            f"training.batch_size = {config.batch_size} cannot be split evenly over {processes.count()} processes with "
            f"{pieces} pieces each. Choose a multiple of {pieces * processes.count()}."
        )
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=pieces,
        learning_rate=config.head_lr,
        weight_decay=config.weight_decay,
        warmup_steps=config.warmup,  # below one it is a share of the steps
        max_grad_norm=config.clip,
        lr_scheduler_type=SCHEDULES[config.schedule],
        activation_checkpointing=config.gradient_checkpointing,
        torch_compile=config.compile,
        ddp_broadcast_buffers=False,  # they are the same everywhere and stay so: text vectors, counts
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_steps=max(1, steps // LOGS_PER_EPOCH),
        logging_nan_inf_filter=False,
        metric_for_best_model=SELECTION_METRIC,
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,  # the patience of early stopping survives an interruption
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to="none",  # `tracking` adds what the settings ask for
        seed=seed,
        **hardware,
    )
