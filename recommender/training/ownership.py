"""One process at a time writes a run. The system takes the lock away from a process that dies, also by kill -9."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from recommender.errors import RecommenderError
from recommender.runs.folder import Run
from recommender.runs.status import LIVE, Status
from recommender.training.processes import Follower

HANDOVER_SECONDS = 10.0  # for the one who started a process to write down whose it is now, and for one that ends


@contextmanager
def owning(run: Run, patience: float = 0.0) -> Iterator[None]:
    """Within, the run is this thread's; it may be entered again there. Others are waited for for `patience` seconds.

    Raises `RecommenderError` if another one keeps the run, or if its folder cannot be written.
    """
    if isinstance(run, Follower):  # it writes nothing
        yield
        return
    lock = FileLock(run.lock_file, is_singleton=True)
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        check_free(run, run.status())
        raise RecommenderError(
            f"Another process is just writing the run {run.run_id}. Try again in a moment."
        ) from None
    except OSError as error:
        raise RecommenderError(f"Cannot write in {run.folder}: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()


def check_free(run: Run, status: Status) -> None:
    """Raises `RecommenderError` if another process has the run by its status."""
    if status.state in LIVE and not status.is_own:
        doing = "being trained by" if status.state == "running" else "queued by"
        raise RecommenderError(f"The run {run.run_id} is {doing} process {status.pid}.")
