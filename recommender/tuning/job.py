"""Work on a study as a process of its own, as `training.job` does for a run: it outlives the page that started it.

Read-only mode (`RECOMMENDER_READ_ONLY=1`) refuses everything here, since it all changes something.
"""

import os
import threading
import time
from pathlib import Path

from recommender.config import RunConfig
from recommender.config.presets import save_preset
from recommender.errors import RecommenderError
from recommender.runs.folder import Run
from recommender.runs.status import LIVE
from recommender.runs.studies import find_worker, live_trials, new_worker, workers
from recommender.settings import Settings
from recommender.training import job
from recommender.tuning.search import load_search

HANDOVER_SECONDS = 0.05

_starting = threading.Lock()  # two clicks must not start two processes


def start(name: str, search: str, trials: int, settings: Settings) -> Run:
    """A new study of a search that ships, and a process that works on it. Raises `RecommenderError` for a name that is
    taken or not plain."""
    from recommender.tuning.study import begin_study
    from recommender.tuning.view import study_names

    job.check_allowed(settings)
    with _starting:
        if name in study_names(settings):
            raise RecommenderError(f"There is a study {name} already. Go on with it, or choose another name.")
        begin_study(name, load_search(search), trials, settings)
        return _launch(name, settings)


def go_on(name: str, trials: int | None, settings: Settings) -> Run:
    """A process that works on a study nobody works on here; `trials`, if given, is how many it is to have now."""
    from recommender.tuning.study import find_study

    job.check_allowed(settings)
    with _starting:
        if live_workers(name, settings):
            raise RecommenderError(f"The study {name} is being worked on already.")
        find_study(name, settings, trials)
        return _launch(name, settings)


def stop(name: str, settings: Settings) -> None:
    """Ask the processes that work on the study here to end; the trial they are at is tried again when it goes on."""
    job.check_allowed(settings)
    for worker in live_workers(name, settings):
        job.stop(worker, settings)


def keep_best(name: str, preset: str, settings: Settings) -> Path:
    """Save the settings of the best trial as a preset of the user's own."""
    job.check_allowed(settings)
    return save_preset(preset, best_config(name, settings))


def best_config(name: str, settings: Settings) -> RunConfig:
    from recommender.tuning.study import find_study

    return find_study(name, settings).best_config()


def live_workers(name: str, settings: Settings) -> list[Run]:
    return [worker for worker, status in workers(name, settings) if status.state in LIVE]


def is_alive(name: str, settings: Settings) -> bool:
    """Whether anybody works on the study on this machine."""
    return bool(live_workers(name, settings) or live_trials(name, settings))


def handed_over(name: str, worker_id: str, settings: Settings) -> Run:
    """The folder that this process was started for, once whoever started it has written down who that is."""
    worker = find_worker(name, worker_id, settings)
    while (status := worker.status()).state in LIVE and status.pid != os.getpid():
        time.sleep(HANDOVER_SECONDS)
    if status.pid != os.getpid():
        raise RecommenderError(f"The study {name} was started by a process that has ended. Start it again.")
    return worker


def _launch(name: str, settings: Settings) -> Run:
    with new_worker(name, settings) as worker:
        return job.launch(worker, ["tune", "--study", name, "--wait", "--worker", worker.run_id], settings)
