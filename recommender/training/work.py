"""A run that is being trained, for those who work on it: its settings, its status, what it says of itself."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recommender.config import RunConfig
from recommender.models import vector_cache
from recommender.runs import Run
from recommender.settings import Settings
from recommender.status import Status
from recommender.training.stopping import StopSignal

if TYPE_CHECKING:
    from transformers import TrainerCallback


@dataclass(frozen=True)
class Work:
    """`status` is the one that is written; everyone who works on the run changes this one."""

    run: Run
    config: RunConfig
    status: Status
    settings: Settings
    stop: StopSignal
    callbacks: "Sequence[TrainerCallback]" = ()

    def say(self, phase: str) -> None:
        self.status.phase = phase
        self.run.write_status(self.status)


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Everything logged meanwhile goes to the run's log too, where standard error does not go there anyway."""
    path.touch()
    if os.path.samestat(path.stat(), os.fstat(2)):
        yield
        return
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    with _handling(logging.getLogger(), handler):
        yield


@contextmanager
def telling_vectors(work: Work) -> Iterator[None]:
    """Text vectors take the longest of all preparation: what is logged about them is what the run is doing."""
    with _handling(logging.getLogger(vector_cache.__name__), _Saying(work)):
        yield


class _Saying(logging.Handler):
    def __init__(self, work: Work) -> None:
        super().__init__()
        self.work = work

    def emit(self, record: logging.LogRecord) -> None:
        self.work.say(f"computing {record.getMessage()}")


@contextmanager
def _handling(logger: logging.Logger, handler: logging.Handler) -> Iterator[None]:
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
