"""Graceful shutdown on SIGTERM and Ctrl-C: a run ends where nothing is lost, and its status says so."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from recommender.runs.folder import Run
from recommender.runs.status import LIVE, Status
from recommender.training.processes import count

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(BaseException):
    """Ends whatever is being done. Not an `Exception`, so that nothing on the way takes it for a failure."""


class StopSignal:
    """Called when the signal comes: raises `Stopped` there and then, but within `noted` only remembers it.

    `requested` is what training goes by. `outer` is the one before it, which hears of the signal too, so that work
    on several runs does not begin the next. Of several processes (`together`) each only notes in `asked` that the
    signal came, until all of them agree to stop after the same step.
    """

    def __init__(self, together: bool = False, outer: "StopSignal | None" = None) -> None:
        self.asked = self.requested = False
        self.outer = outer
        self._raises, self._together = True, together

    def __call__(self, *_: object) -> None:
        first, self.asked = not self.asked, True
        self.requested = self._raises or not self._together
        if self.outer is not None:
            self.outer.hear()
        if first and self._raises:
            raise Stopped

    def hear(self) -> None:
        """That the signal came while another stood before this one."""
        self.asked = self.requested = True
        if self.outer is not None:
            self.outer.hear()

    @contextmanager
    def noted(self) -> Iterator[None]:
        """For training, which ends after the step and not within it."""
        self._raises = False
        try:
            yield
        finally:
            self._raises = True
            self.requested |= self.asked


@contextmanager
def stoppable(run: Run, status: Status | None = None) -> Iterator[StopSignal]:
    """Within, a signal stops the run and its status is written. `status`: the one kept in memory, if any."""
    outer = signal.getsignal(signal.SIGTERM)
    stop = StopSignal(together=count() > 1, outer=outer if isinstance(outer, StopSignal) else None)
    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield stop
    except Stopped:
        status = status or run.status()
        if status.pid == os.getpid():  # otherwise the run is not ours yet
            if status.state in LIVE:
                set_stopped(run, status)
            run.write_status(status)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def set_stopped(run: Run, status: Status) -> None:
    status.state, status.phase = "stopped", ""
    begun = "resumed, it begins again: no epoch was finished" if status.step else "nothing was trained yet"
    goes_on = "resumed, it goes on from the last finished epoch" if run.keeps_epoch else begun
    status.reason = f"stopped on request; {goes_on}"
