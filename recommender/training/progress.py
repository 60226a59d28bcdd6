"""Training callback that writes the metrics log, a heartbeat and the best weights into the run folder."""

import logging
import time
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from recommender.device import memory_mb, peak_memory_mb
from recommender.models.base import Recommender
from recommender.runs.folder import SELECTED_BY, SELECTION_METRIC, best_row
from recommender.runs.ownership import check_there
from recommender.runs.status import Phase
from recommender.training import processes
from recommender.training.work import Work

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0


class Progress(TrainerCallback):
    """Writes into the run folder, and ends the training when that is asked for."""

    def __init__(self, work: Work, model: Recommender, facts: dict[str, str]) -> None:
        self.work, self.run, self.status, self.model, self.facts = work, work.run, work.status, model, facts
        self.best = (best_row(self.run.metrics()) or {SELECTED_BY: -1.0})[SELECTED_BY]
        self._clock = time.monotonic()
        self._spent = self.status.seconds
        self._beaten = 0.0
        self._last = (0.0, 0.0)  # epoch and time from which the speed is counted

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.status.steps, self.status.phase = state.max_steps, Phase.TRAINING
        self._beat(state, args.device)

    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Validation and saving are over; they are no part of the training speed."""
        self._last = (state.epoch or 0.0, time.monotonic())

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if time.monotonic() - self._beaten > HEARTBEAT_SECONDS:
            self._beat(state, args.device)
        if processes.count() > 1:  # a signal that reached one of them ends all, after the same step
            self.work.stop.requested = processes.any_of(self.work.stop.asked)
        if self.work.stop.requested:
            control.should_training_stop = True

    def on_epoch_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """A run that is stopped within an epoch goes on from the last whole one, so this piece is not measured. The
        log ends with the epoch, too: a line across its end would tell less of it in a run that goes on from there."""
        control.should_log = True
        if self.work.stop.requested and state.epoch is not None and not float(state.epoch).is_integer():
            control.should_evaluate = control.should_save = False
        else:
            self.status.phase = Phase.MEASURING
            self._beat(state, args.device)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        check_there(self.run)
        row = {"step": state.global_step, "seconds": round(self.seconds, 1), **(logs or {})}
        if "loss" in row:
            row |= {"examples_per_second": self._speed(state), "memory_mb": memory_mb(args.device)}
        self.run.append_metrics(row)

    def _speed(self, state: TrainerState) -> float:
        """Examples a second since the last line."""
        (epoch, then), (now_epoch, now) = self._last, (state.epoch or 0.0, time.monotonic())
        self._last = (now_epoch, now)
        return round((now_epoch - epoch) * self.status.train_examples / max(now - then, 1e-9), 1)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """The best weights so far are the run's weights, from the first epoch on."""
        value = (metrics or {})[SELECTED_BY]
        log.info(
            "epoch %.0f of %s: validation %s %.4f", state.epoch or 0, args.num_train_epochs, SELECTION_METRIC, value
        )
        check_there(self.run)
        if value > self.best:
            self.best = value
            self.run.write_weights(self.model.saved_weights(), self.facts)
        self.status.phase = Phase.TRAINING
        self._beat(state, args.device)
        if self.work.stop.requested:
            control.should_training_stop = True

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
        self._beaten = time.monotonic()
        check_there(self.run)
        self.run.write_status(self.status)
