"""Cost estimates in a background thread, one at a time; the page polls for the result."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from recommender.config import RunConfig
from recommender.errors import RecommenderError
from recommender.settings import settings
from recommender.training import job

if TYPE_CHECKING:
    from recommender.training.estimate import Estimate

KEPT = 64  # estimates remembered
PATIENCE = 5.0  # seconds without a look after which settings are dropped: the page was closed or the settings changed


@dataclass
class Trial:
    """An estimate in progress or done. Without estimate and problem it waits or is being measured."""

    config: RunConfig
    looked: float
    begun: bool = False
    estimate: "Estimate | None" = None
    problem: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def done(self) -> bool:
        return self.ended.is_set()


class Trials:
    """Runs `measure`, which may take a minute, in a thread, for the newest settings that somebody still looks at."""

    def __init__(self, measure: "Callable[[RunConfig], Estimate]") -> None:
        self._measure = measure
        self._trials: dict[str, Trial] = {}
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None

    def look(self, config: RunConfig, ask: bool, wait: float = 0.0) -> Trial | None:
        """The trial of these settings. Where there is none: a new one if `ask`, else None.

        `wait`: seconds to wait for a stored estimate.
        """
        key = config.model_dump_json()
        with self._lock:
            trial = self._trials.get(key)
            if trial is None and not ask:
                return None
            if trial is None:
                trial = self._trials[key] = Trial(config, time.monotonic())
            trial.looked = time.monotonic()
            self._start_worker()
        trial.ended.wait(wait)
        return trial

    def forget(self, config: RunConfig) -> None:
        with self._lock:
            self._trials.pop(config.model_dump_json(), None)

    def _start_worker(self) -> None:
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="trials", daemon=True)
            self._worker.start()

    def _work(self) -> None:
        while trial := self._next():
            try:
                trial.estimate = self._measure(trial.config)
            except RecommenderError as error:
                trial.problem = str(error)
            except Exception as error:  # the worker goes on, and the page shows it
                trial.problem = f"{type(error).__name__}: {error}"
            trial.ended.set()

    def _next(self) -> Trial | None:
        """The next trial to measure. None ends the worker; the next look starts another."""
        with self._lock:
            now = time.monotonic()
            for key, trial in list(self._trials.items()):
                if not trial.begun and now - trial.looked > PATIENCE:
                    del self._trials[key]
            finished = [key for key, trial in self._trials.items() if trial.done]
            for key in finished[: max(0, len(finished) - KEPT)]:
                del self._trials[key]
            waiting = [trial for trial in self._trials.values() if not trial.begun]
            if not waiting:
                self._worker = None
                return None
            waiting[-1].begun = True
            return waiting[-1]


@st.cache_resource(show_spinner=False)
def trials() -> Trials:
    """Shared by all sessions: two measurements at once would distort each other."""
    return Trials(lambda config: job.estimate_apart(config, settings()))
