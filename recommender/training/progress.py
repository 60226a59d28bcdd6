"""What a run says while it trains: metrics a line at a time, a heartbeat, the best weights as soon as they exist."""

import logging
import time
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from recommender.device import peak_memory_mb
from recommender.models.base import Recommender
from recommender.runs import Run, Status
from recommender.training.trainer import SELECTION_METRIC

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0


class Progress(TrainerCallback):
    """Writes into the run folder. `stop_requested` becomes true from outside (a signal) and ends the run politely."""

    def __init__(self, run: Run, status: Status, model: Recommender, facts: dict[str, str], best: float) -> None:
        self.run, self.status, self.model, self.facts, self.best = run, status, model, facts, best
        self.stop_requested = False
        self._clock = time.monotonic()
        self._spent = status.seconds

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.status.state, self.status.steps = "running", state.max_steps
        self._beat(state, args.device)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if time.time() - (self.status.updated or 0) > HEARTBEAT_SECONDS:
            self._beat(state, args.device)
        if self.stop_requested:
            control.should_training_stop = True

    def on_epoch_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """A run that is stopped within an epoch goes on from the last whole one, so this piece is not measured."""
        if self.stop_requested and state.epoch is not None and not float(state.epoch).is_integer():
            control.should_evaluate = control.should_save = False

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        self.run.append_metrics({"step": state.global_step, "seconds": round(self.seconds, 1), **(logs or {})})

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """The best weights so far are the run's weights, from the first epoch on."""
        value = (metrics or {})[f"eval_{SELECTION_METRIC}"]
        log.info(
            "epoch %.0f of %s: validation %s %.4f", state.epoch or 0, args.num_train_epochs, SELECTION_METRIC, value
        )
        if value > self.best:
            self.best = value
            self.run.write_weights(self.model.saved_weights(), self.facts)
        self._beat(state, args.device)

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._beat(state, args.device)

    @property
    def seconds(self) -> float:
        """Time spent training, over all the pieces of an interrupted run."""
        return self._spent + time.monotonic() - self._clock

    def _beat(self, state: TrainerState, device: torch.device) -> None:
        self.status.epoch, self.status.step = round(state.epoch or 0.0, 3), state.global_step
        self.status.seconds = round(self.seconds, 1)
        self.status.peak_memory_mb = peak_memory_mb(device)
        self.status.updated = time.time()
        self.run.write_status(self.status)
