"""The folders of studies: their trials, each an ordinary run, and the processes that work on them here.

They stand below `.studies` in the checkpoints folder: no name of a run, so that trials do not crowd the list of runs.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock

from recommender.errors import CheckpointError, RecommenderError
from recommender.files import PLAIN_NAME
from recommender.runs.folder import Run
from recommender.runs.ownership import owning
from recommender.runs.status import LIVE, Status
from recommender.settings import Settings

LONGEST_NAME = 48  # with a trial's number it is still the name of a run


def check_study_name(name: str) -> None:
    if not PLAIN_NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise RecommenderError(
            f"The study's name {name!r} may hold letters, digits, '.', '_' and '-' only, at most {LONGEST_NAME}."
        )


def trial_run(study: str, number: int, settings: Settings) -> Run:
    """The run of a trial, which need not be on this machine."""
    return Run(trials_folder(study, settings) / f"{study}-{number:04}")


def trials_folder(study: str, settings: Settings) -> Path:
    return _study_folder(study, settings) / "trials"


def all_trials(settings: Settings) -> list[Run]:
    """The trials of all studies whose folders are here."""
    return [Run(folder) for folder in _folders(_root(settings), "*/trials/*") if (folder / "status.json").is_file()]


@contextmanager
def new_worker(study: str, settings: Settings) -> Iterator[Run]:
    """The folder of a process that is about to work on the study, with its status and log, owned by this thread within.
    Those of processes that have ended are removed."""
    folder = _study_folder(study, settings) / "workers"
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as owned:
        # Of two that begin at once neither may take the other's folder for a dead one's.
        with FileLock(folder / ".lock"):
            number = 1
            for worker in _workers(study, settings):
                number = max(number, int(worker.run_id.rpartition("-")[2]) + 1)
                if (status := _status(worker)) is None or status.state not in LIVE:
                    _remove(worker)
            worker = Run(folder / f"{study}-worker-{number}")
            worker.folder.mkdir()
            owned.enter_context(owning(worker))
            status = Status(state="queued")
            status.queue(settings.device)
            worker.write_status(status)
        yield worker


def find_worker(study: str, worker_id: str, settings: Settings) -> Run:
    """Raises `RecommenderError` if there is none of that name."""
    for worker in _workers(study, settings):
        if worker.run_id == worker_id:
            return worker
    raise RecommenderError(f"The study {study} has no process {worker_id!r} here.")


def workers(study: str, settings: Settings) -> list[tuple[Run, Status]]:
    """The processes that work on the study here, and those that ended last; the newest last."""
    return [(worker, status) for worker in _workers(study, settings) if (status := _status(worker)) is not None]


def live_trials(study: str, settings: Settings) -> list[tuple[Run, Status]]:
    """The trials of the study that wait or train on this machine."""
    runs = [run for run in all_trials(settings) if run.folder.parent == trials_folder(study, settings)]
    return [(run, status) for run in runs if (status := _status(run)) is not None and status.state in LIVE]


def _workers(study: str, settings: Settings) -> list[Run]:
    folders = _folders(_study_folder(study, settings) / "workers", f"{study}-worker-*")
    return sorted(
        (Run(folder) for folder in folders if folder.name.rpartition("-")[2].isdigit()),
        key=lambda run: int(run.run_id.rpartition("-")[2]),
    )


def _status(run: Run) -> Status | None:
    try:
        return run.status()
    except CheckpointError:
        return None


def _remove(worker: Run) -> None:
    for file in (worker.log_file, worker.lock_file, worker.folder / "status.json"):
        file.unlink(missing_ok=True)
    worker.folder.rmdir()


def _folders(root: Path, pattern: str) -> Iterator[Path]:
    """Links to folders elsewhere are passed over."""
    found = (path for path in sorted(root.glob(pattern)) if PLAIN_NAME.fullmatch(path.name))
    return (path for path in found if path.is_dir() and not path.is_symlink() and not path.parent.is_symlink())


def _study_folder(study: str, settings: Settings) -> Path:
    check_study_name(study)
    return _root(settings) / study


def _root(settings: Settings) -> Path:
    return settings.checkpoints_dir / ".studies"
