"""Runs that seem to be at work: their locks are held here, in the name of any process."""

import fcntl
import os
from typing import IO

from recommender.runs.folder import Run

_held: list[IO[str]] = []


def hold(run: Run, pid: int | None = None) -> None:
    """The process (this one, if None) has the run from now on, until the test ends."""
    file = run.lock_file.open("w")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    file.write(str(pid or os.getpid()))
    file.flush()
    _held.append(file)


def release_all() -> None:
    while _held:
        _held.pop().close()
