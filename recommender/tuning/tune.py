"""Runs the trials of a study: each is an ordinary training run, given up early if it is bad."""

import logging
import os
import platform
import shutil
import time

import optuna
from optuna.trial import TrialState

from recommender.errors import CheckpointError, RecommenderError
from recommender.runs.folder import SELECTED_BY, Run, best_row, new_run
from recommender.runs.ownership import HANDOVER_SECONDS, owning
from recommender.runs.status import LIVE, State
from recommender.runs.studies import trial_run
from recommender.settings import Settings
from recommender.training.queue import take_turn
from recommender.training.stopping import StopSignal, stoppable
from recommender.training.work import logging_to
from recommender.tuning.search import as_overrides, with_params
from recommender.tuning.storage import fail_stale, retry, telling, try_again
from recommender.tuning.study import BEGUN, ENDED, HOST, REASON, SECONDS, Study

log = logging.getLogger(__name__)

MOST_FAILURES = 3  # in a row: then it is not the settings of a trial
HOPELESS = ("not_finite", "out_of_memory")  # failures that are the fault of a trial's settings, so that it was bad


class Surplus(RecommenderError):
    """Another process has begun the last trial at the same moment."""


class TrialStopped(RecommenderError):
    """The user has stopped the process that the trial ran in."""


class Tuning:
    """One process's work on a study. With `wait` every trial has its turn on the device, as runs have."""

    def __init__(self, study: Study, settings: Settings, worker: Run, wait: bool) -> None:
        self.study, self.settings, self.worker, self.wait = study, settings, worker, wait
        self._failures: list[RecommenderError] = []  # of the last trials
        self._stopped: int | None = None  # the trial that the user stopped

    def work(self, stop: StopSignal, timeout: float | None = None) -> State:
        """Trial after trial; "stopped" if somebody asked for it or after `timeout` seconds, which ends no trial.

        Raises the `RecommenderError` of a trial when several have failed in a row.
        """
        end = float("inf") if timeout is None else time.monotonic() + timeout
        with telling(self.settings.studies_url):
            while self._left():
                if stop.requested or time.monotonic() >= end:
                    return "stopped"
                self.study.optuna.optimize(self._run, n_trials=1, catch=(RecommenderError,))
                self._keep_best()
                if len(self._failures) >= MOST_FAILURES:
                    raise self._failures[-1]
                if self._stopped is not None:
                    try_again(self.study.optuna, self.study.optuna.get_trials()[self._stopped])
                    return "stopped"
        return "finished"

    def _left(self) -> bool:
        """Whether a trial is left to begin. Those whose process is gone are tried again."""
        fail_stale(self.study.optuna)
        for trial in self.study.optuna.get_trials(states=(TrialState.RUNNING,)):
            if trial.user_attrs.get(HOST) == platform.node() and not self._alive(trial.number):
                log.info("trial %s was interrupted and is tried again", trial.number)
                self.study.optuna.tell(trial.number, state=TrialState.FAIL)
                retry(self.study.optuna, trial)
        return len(self._begun()) < self.study.trials

    def _begun(self) -> list[int]:
        """Trials that are done, or that a process is at."""
        return [trial.number for trial in self.study.optuna.get_trials(deepcopy=False, states=BEGUN)]

    def _alive(self, number: int) -> bool:
        try:
            return trial_run(self.study.name, number, self.settings).status().state in LIVE
        except CheckpointError:
            return True  # its process may be just about to write it; if it is gone, the heartbeat tells

    def _run(self, trial: optuna.Trial) -> float:
        if sum(number < trial.number for number in self._begun()) >= self.study.trials:
            raise Surplus(f"Trial {trial.number} is one too many.")
        trial.set_user_attr(HOST, platform.node())
        try:
            value = self._train(trial)
        except TrialStopped:
            self._stopped = trial.number
            raise
        except optuna.TrialPruned:
            self._failures.clear()
            raise
        except RecommenderError as error:
            log.error("trial %s failed: %s", trial.number, error)
            trial.set_user_attr(REASON, str(error))
            self._failures.append(error)
            raise
        self._failures.clear()
        return value

    def _train(self, trial: optuna.Trial) -> float:
        """The best validation nDCG@10 over the epochs of the trial's run."""
        from recommender.training.run import train_run
        from recommender.tuning.watcher import Watcher

        config = with_params(self.study.base, self.study.search.suggest(trial))
        run = trial_run(self.study.name, trial.number, self.settings)
        shutil.rmtree(run.folder, ignore_errors=True)  # of an earlier study of that name
        run = new_run(run.run_id, config, self.settings.model_copy(update={"checkpoints_dir": run.folder.parent}))
        try:
            with owning(run), stoppable(run):
                log.info("trial %s of %s: %s", trial.number, self.study.trials, ", ".join(as_overrides(trial.params)))
                watcher = Watcher(trial, run)
                if self.wait:
                    take_turn(run, self.settings)
                train_run(run, self.settings, callbacks=[watcher])
        except RecommenderError as error:
            if run.status().problem in HOPELESS:
                raise _pruned(trial, run, str(error)) from error
            raise
        if watcher.pruned_after:
            raise _pruned(trial, run, f"given up after epoch {watcher.pruned_after}")
        best = best_row(run.metrics())
        if run.status().state == "stopped" or best is None:
            raise TrialStopped(f"Trial {trial.number} was stopped.")
        trial.set_user_attr(SECONDS, run.status().seconds)
        log.info("trial %s: validation nDCG@10 %.4f", trial.number, best[SELECTED_BY])
        return float(best[SELECTED_BY])

    def _keep_best(self) -> None:
        """Of the trials that have ended here, only the best keeps its weights."""
        best = best_number(self.study.optuna)
        for trial in self.study.optuna.get_trials(deepcopy=False, states=ENDED):
            run = trial_run(self.study.name, trial.number, self.settings)
            if trial.number != best and trial.user_attrs.get(HOST) == platform.node():
                run.drop_weights()


def _pruned(trial: optuna.Trial, run: Run, reason: str) -> optuna.TrialPruned:
    log.info("trial %s: %s", trial.number, reason)
    status = run.status()
    status.reason = reason
    run.write_status(status)
    trial.set_user_attr(REASON, reason)
    trial.set_user_attr(SECONDS, status.seconds)
    return optuna.TrialPruned(reason)


def best_number(study: optuna.Study) -> int | None:
    return study.best_trial.number if study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)) else None


def work_on(study: Study, settings: Settings, worker: Run, wait: bool, timeout: float | None) -> State:
    """Work on the study in the name of `worker`, whose status says how it ended."""
    status = worker.status()
    status.belong_to(os.getpid())
    status.state, status.started = "running", time.time()
    with owning(worker, HANDOVER_SECONDS), stoppable(worker, status) as stop, logging_to(worker.log_file), stop.noted():
        worker.write_status(status)
        try:
            status.state = Tuning(study, settings, worker, wait).work(stop, timeout)
        except Exception as error:
            status.state, status.reason = "failed", str(error) or type(error).__name__
            raise
        finally:
            worker.write_status(status)
    return status.state
