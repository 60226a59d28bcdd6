"""A run during training: its settings, its status and its log."""

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from recommender.config import RunConfig
from recommender.models import vector_cache
from recommender.runs.folder import Run
from recommender.runs.status import Phase, Status
from recommender.settings import Settings
from recommender.training.stopping import StopSignal

if TYPE_CHECKING:
    from transformers import TrainerCallback

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """`status` is the one that is written; everyone who works on the run changes this one."""

    run: Run
    config: RunConfig
    status: Status
    settings: Settings
    stop: StopSignal
    callbacks: "Sequence[TrainerCallback]" = ()
    begun: float = field(default_factory=time.monotonic)

    def say(self, phase: str) -> None:
        self.status.phase = phase
        self.run.write_status(self.status)

    def learn_less_at_once(self) -> bool:
        """After memory ran out: cut the batch into twice as many parts, or into the next number that gives equal ones.
        A step still learns from the whole batch. False if it was not learning that took the memory, or if it learns
        one example at a time already."""
        status, size = self.status, self.config.training.batch_size
        before = status.accumulation
        if status.phase != Phase.TRAINING or before >= size:
            return False
        status.accumulation = next(parts for parts in range(2 * before, size + 1) if size % parts == 0)
        log.warning(
            "memory ran out with %s examples at a time: going on from the last finished epoch with %s at a time; "
            "a step still learns from %s",
            size // before, size // status.accumulation, size,
        )  # fmt: skip
        self.run.write_status(status)
        return True


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
        if record.levelno == logging.INFO:  # warnings are for the log
            self.work.say(f"computing {record.getMessage()}")


@contextmanager
def _handling(logger: logging.Logger, handler: logging.Handler) -> Iterator[None]:
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
