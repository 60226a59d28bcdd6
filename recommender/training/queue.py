"""One run at a time on a device. A run that waits is a live process, so the queue needs nobody who keeps it.

Nothing here imports torch: a run that waits costs little memory and no time.
"""

import logging
import time

from recommender.errors import CheckpointError, RecommenderError
from recommender.runs.folder import Run, end_of_queue, list_runs
from recommender.runs.ownership import check_free
from recommender.runs.status import LIVE, Status
from recommender.runs.studies import all_trials
from recommender.settings import Settings

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0


def live_runs(settings: Settings) -> list[tuple[Run, Status]]:
    """Runs with a process behind them, those of studies' trials as well, in the order in which they were queued.
    Damaged folders are passed over."""
    found = []
    for run in [*list_runs(settings), *all_trials(settings)]:
        try:
            status = run.status()
        except CheckpointError:
            continue
        if status.state in LIVE:
            found.append((run, status))
    return sorted(found, key=lambda pair: (pair[1].queued or 0.0, pair[0].run_id))


def queue_up(run: Run, status: Status, settings: Settings) -> None:
    """To the end of the queue, in the name of this process; also when the clock was set back since others came."""
    status.queue(settings.device, after=end_of_queue(settings))
    run.write_status(status)


def check_unfinished(run: Run, status: Status) -> None:
    if status.state == "finished":
        raise RecommenderError(f"The run {run.run_id} is finished; there is nothing to resume.")


def take_turn(run: Run, settings: Settings) -> None:
    """Wait until no earlier run is queued or running on the device; from then on this one counts as running. The
    caller owns the run.

    Raises `RecommenderError` if another process has the run.
    """
    status = _claim(run, settings)
    told = None
    while (ahead := _ahead(run, status, settings)) is not None:
        if ahead != told:
            log.info("waiting for the run %s to end", ahead.run_id)
            told = ahead
        time.sleep(POLL_SECONDS)
    status.state, status.phase = "running", "starting"
    run.write_status(status)


def _claim(run: Run, settings: Settings) -> Status:
    """The run's status in the name of this process."""
    status = run.status()
    check_free(run, status)
    check_unfinished(run, status)
    if status.state not in LIVE:
        queue_up(run, status, settings)
    return status


def _ahead(run: Run, own: Status, settings: Settings) -> Run | None:
    """The run that this one waits for: one that is running, else one that was queued earlier."""
    for other, status in live_runs(settings):
        earlier = (status.queued or 0.0, other.run_id) < (own.queued or 0.0, run.run_id)
        if other != run and (status.state == "running" or earlier) and _same_device(status, own):
            return other
    return None


def _same_device(one: Status, other: Status) -> bool:
    """`auto` may be any; without torch nobody here can know which."""
    return one.device_asked == other.device_asked or "auto" in (one.device_asked, other.device_asked)
