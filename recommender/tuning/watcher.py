"""Training callback that reports a trial's value to the study after every epoch, and prunes the trial."""

from typing import Any

import optuna
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from recommender.errors import RecommenderError
from recommender.runs.folder import SELECTED_BY, Run
from recommender.training.stopping import Stopped
from recommender.tuning.study import DATA


class Watcher(TrainerCallback):
    """`pruned_after`: the epoch after which the trial was given up; 0 if it was not."""

    def __init__(self, trial: optuna.Trial, run: Run) -> None:
        self.trial, self.run = trial, run
        self.pruned_after = 0

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """The first trial says which data the study is of."""
        study, status = self.trial.study, self.run.status()
        known = study.user_attrs.get(DATA)
        if known is None:
            study.set_user_attr(DATA, status.data)
        elif known != status.data:
            raise RecommenderError(
                f"The data here ({status.source}) is not that of the study's other trials, so they could not be "
                "compared. Use the same data, or begin a study of its own."
            )

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        epoch = round(state.epoch or 0)
        self.trial.report((metrics or {})[SELECTED_BY], epoch)
        if state.global_step < state.max_steps and self.trial.should_prune():
            self.pruned_after = epoch
            raise Stopped  # ends the run as a stop does: nothing more is trained or measured
