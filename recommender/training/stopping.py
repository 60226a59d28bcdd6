"""SIGTERM and Ctrl-C as a wish: a run ends where nothing is lost, and its status says so."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from recommender.runs import Run
from recommender.status import LIVE, Status

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(BaseException):
    """Ends whatever is being done. Not an `Exception`, so that nothing on the way takes it for a failure."""


class StopSignal:
    """Called when the signal comes: raises `Stopped` there and then, but within `noted` only remembers it."""

    def __init__(self) -> None:
        self.requested = False
        self._raises = True

    def __call__(self, *_: object) -> None:
        first, self.requested = not self.requested, True
        if first and self._raises:
            raise Stopped

    @contextmanager
    def noted(self) -> Iterator[None]:
        """For training, which ends after the step and not within it."""
        self._raises = False
        try:
            yield
        finally:
            self._raises = True


@contextmanager
def stoppable(run: Run, status: Status | None = None) -> Iterator[StopSignal]:
    """Within, a signal ends the run politely. `status` is the one that is kept in memory, if there is one."""
    stop = StopSignal()
    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield stop
    except Stopped:
        status = status or run.status()
        if status.pid == os.getpid():  # otherwise the run is not ours yet
            if status.state in LIVE:
                set_stopped(status)
            run.write_status(status)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def set_stopped(status: Status) -> None:
    status.state, status.phase = "stopped", ""
    goes_on = "resumed, it goes on from the last finished epoch" if status.step else "nothing was trained yet"
    status.reason = f"stopped on request; {goes_on}"
