"""One process at a time writes a run. The system takes the lock away from a process that dies, also by kill -9.

The lock tells whether a run is alive: what `status.json` says may have come from elsewhere.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from filelock import FileLock, Timeout

from recommender.errors import RecommenderError
from recommender.files import open_regular
from recommender.runs.status import LIVE, Status

if TYPE_CHECKING:  # a run asks here whether it is alive
    from recommender.runs.folder import Run

HANDOVER_SECONDS = 10.0  # for the one who started a process to write down whose it is now, and for one that ends
LOOKING_SECONDS = 0.5  # somebody who only looks whether the lock is held has it for a moment


@contextmanager
def owning(run: "Run", patience: float = 0.0) -> Iterator[None]:
    """Within, the run is this thread's; it may be entered again there. Others are waited for for `patience` seconds.

    Raises `RecommenderError` if another one keeps the run, or if its folder cannot be written.
    """
    if not run.writes:
        yield
        return
    lock = FileLock(run.lock_file, is_singleton=True)
    try:
        lock.acquire(timeout=max(patience, LOOKING_SECONDS))
        _write_owner(run.lock_file)
    except Timeout:
        check_free(run, run.status())
        raise RecommenderError(
            f"Another process is just writing the run {run.run_id}. Try again in a moment."
        ) from None
    except OSError as error:
        lock.release()
        raise RecommenderError(f"Cannot write in {run.folder}: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()


def _write_owner(lock_file: Path) -> None:
    number = os.open(lock_file, os.O_WRONLY | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0))
    try:
        os.write(number, str(os.getpid()).encode())
    finally:
        os.close(number)


class FolderRemoved(RecommenderError):
    """The run's folder was removed while it was trained."""


def check_there(run: "Run") -> None:
    """Raises `FolderRemoved` if the folder of a run that this process owns was removed: the lock's file is never
    written anew, while others are."""
    if run.writes and not run.lock_file.exists():
        raise FolderRemoved(f"The folder of the run {run.run_id} was removed while it was trained: {run.folder}.")


def check_free(run: "Run", status: Status) -> None:
    """Raises `RecommenderError` if another process has the run by its status."""
    if status.state in LIVE and not status.is_own:
        doing = "being trained by" if status.state == "running" else "queued by"
        raise RecommenderError(f"The run {run.run_id} is {doing} process {status.pid}.")


def is_alive(run: "Run", status: Status) -> bool:
    """Whether the process that the status names works on the run: it has the run's lock, or its command names the run
    and it is about to take the lock. The number and the start of another process prove nothing: those of the system's
    first processes are the same everywhere."""
    if status.pid is None or not status.process_runs():
        return False
    return status.is_own or owner_of(run.lock_file) == status.pid or _is_commanded(status.pid, run.run_id)


def owner_of(lock_file: Path) -> int | None:
    """The process that holds the lock; None if nobody does."""
    try:
        file = open_regular(lock_file)
    except OSError:
        return None
    with file:
        if not _is_locked(file.fileno(), lock_file):
            return None
        owner = file.read(20)
    return int(owner) if owner.isdigit() else None


def _is_locked(number: int, lock_file: Path) -> bool:
    if sys.platform == "win32":
        try:
            with FileLock(lock_file, timeout=0):
                return False
        except Timeout:
            return True
    import fcntl

    try:
        fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two that look do not disturb each other
    except OSError:
        return True
    return False


def _is_commanded(pid: int, run_id: str) -> bool:
    """Whether the process was started by a command of ours that names the run (`job.launch`)."""
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return "recommender" in words and run_id in words
