"""A training run as a process of its own: it outlives the page, the browser and the app that started it.

Nothing here imports torch, so that a page can ask at once. In read-only mode (`RECOMMENDER_READ_ONLY=1`) everything
here that changes something raises `RecommenderError`; the command line is for who owns the machine and stays free.
"""

import os
import re
import signal
import subprocess  # nosec B404 # see the two calls
import sys
import threading
import time
from contextlib import suppress

import psutil

from recommender.config import RunConfig
from recommender.config.values import override, parse_config
from recommender.errors import RecommenderError
from recommender.files import remove_whole
from recommender.runs.folder import SHIPPED_RUNS, Run, list_runs, new_run
from recommender.runs.ownership import HANDOVER_SECONDS, owning
from recommender.runs.status import LIVE, State, Status
from recommender.settings import ROOT, Settings
from recommender.training.estimate import Estimate, remember, remembered
from recommender.training.queue import live_runs, queue_up
from recommender.training.stopping import set_stopped

RESUMABLE: tuple[State, ...] = ("stopped", "interrupted", "failed")
AGAIN = re.compile(r"-again(\d*)$")
TRIAL_SECONDS = 900  # a download or a machine that hangs must not hold up every later trial
GRACE_SECONDS = 10.0  # for a waiting run to note that it was stopped

_starting = threading.Lock()  # two clicks on "Resume" must not start two processes
_trying = threading.Lock()  # two trials at once would measure each other


def start(config: RunConfig, run_id: str, settings: Settings) -> Run:
    """A new run in the queue of its device. Raises `RecommenderError` for an id that is taken or no plain name."""
    check_allowed(settings)
    with _starting:
        run = new_run(run_id, config, settings)
        with owning(run):
            return _launch(run, settings)


def resume(run: Run, settings: Settings) -> Run:
    """Queue a run that was stopped, interrupted or has failed; it goes on from its last finished epoch."""
    check_allowed(settings)
    with _starting:
        run.check_own()
        _check_resumable(run)
        with owning(run, HANDOVER_SECONDS):
            status = _check_resumable(run)  # another process may have been quicker
            queue_up(run, status, settings)
            return _launch(run, settings)


def _check_resumable(run: Run) -> Status:
    status = run.status()
    if status.state not in RESUMABLE:
        raise RecommenderError(f"The run {run.run_id} is {status.state}: there is nothing to resume.")
    return status


def restart(run: Run, overrides: list[str], settings: Settings) -> Run:
    """A new run with the settings of `run` and `part.key=value` overrides; `run` stays as it is."""
    check_allowed(settings)
    values = run.config().model_dump()
    given = [override(values, setting) for setting in overrides]
    config = parse_config(values, f"the settings of {run.run_id} with {', '.join(overrides)}", given)
    return start(config, _next_id(run.run_id, settings), settings)


def stop(run: Run, settings: Settings) -> None:
    """Ask a live run to end: one that waits ends now, one that trains after its step, in a moment.

    The run's process is signalled only if it is still the one that was started: same number, same start time.
    """
    check_allowed(settings)
    with _starting:
        status = run.status()
        if status.pid == os.getpid():
            raise RecommenderError(f"The run {run.run_id} is just being started. Try again in a moment.")
        if status.state not in LIVE or status.pid is None:
            raise RecommenderError(f"The run {run.run_id} is {status.state}: there is nothing to stop.")
        waits = status.state == "queued"
        _terminate(status.pid)
        if waits:
            _wait_for_end(run, status.pid)


def delete(run: Run, settings: Settings) -> None:
    """Remove a run's folder for good. Raises `RecommenderError` for a live run, a shipped one, or another folder."""
    check_allowed(settings)
    with _starting:
        if run.run_id in SHIPPED_RUNS:
            raise RecommenderError(f"The run {run.run_id} belongs to the project and is not deleted.")
        folder = settings.checkpoints_dir / run.run_id
        if run.folder.is_symlink() or run.folder.resolve() != folder.resolve() or run not in list_runs(settings):
            raise RecommenderError(f"{run.folder} is not a run below {settings.checkpoints_dir}; nothing was deleted.")
        if any(run == live for live, _ in live_runs(settings)):
            raise RecommenderError(f"The run {run.run_id} is {run.status().state}. Stop it first.")
        with owning(run, HANDOVER_SECONDS):
            pass  # nobody has it by its lock either
        remove_whole(folder)


def waiting(settings: Settings) -> list[Run]:
    """The runs that wait for their turn, the next one first."""
    return [run for run, status in live_runs(settings) if status.state == "queued"]


def fresh_run_id(preset: str) -> str:
    """A name no earlier run has: the preset and the time."""
    return f"{preset}-{time.strftime('%Y%m%d-%H%M%S')}"


def environment(settings: Settings) -> dict[str, str]:
    """This process's environment with exactly these settings in it. Read-only is for the app's visitors alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECOMMENDER_")}
    values = {name: value for name, value in settings.model_dump().items() if value is not None}
    values |= {"read_only": False, "hosts": ",".join(settings.hosts)}
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])  # the app may run from elsewhere
    return kept | {f"RECOMMENDER_{name.upper()}": str(value) for name, value in values.items()} | {"PYTHONPATH": path}


def check_allowed(settings: Settings) -> None:
    if settings.read_only:
        raise RecommenderError("This is a read-only demo: runs are not started, stopped or deleted here.")


def _launch(run: Run, settings: Settings) -> Run:
    return launch(run, ["train", "--run-id", run.run_id, "--resume", "--wait"], settings)


def launch(run: Run, command: list[str], settings: Settings) -> Run:
    """Start a command of ours in the name of `run`, which gets its log and knows its process."""
    words = [sys.executable, "-m", "recommender", *command]
    status = run.status()
    try:
        with run.log_file.open("ab") as log:
            process = subprocess.Popen(  # nosec B603 # no shell; a run id is a plain name
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(settings),
                start_new_session=True,
            )
    except OSError as error:
        status.state, status.problem, status.reason = "failed", "other", f"its process could not be started: {error}"
        run.write_status(status)
        raise RecommenderError(f"The run {run.run_id} could not be started: {error}.") from error
    status.belong_to(process.pid)
    try:
        run.write_status(status)
    except OSError as error:  # a run that nobody can see must not hold up the queue
        _terminate(process.pid)
        raise RecommenderError(f"The run {run.run_id} could not be started: {error}.") from error
    threading.Thread(target=process.wait, daemon=True).start()  # so that it leaves no zombie behind
    return run


def _terminate(pid: int) -> None:
    """SIGTERM to the process and what it started. One that leads no group shares its shell's, which is left alone."""
    with suppress(ProcessLookupError):  # it has just ended by itself
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGTERM)
        else:
            os.kill(pid, signal.SIGTERM)


def _wait_for_end(run: Run, pid: int) -> None:
    """A process that was stopped before it could listen to the signal says nothing; then it is said here."""
    with suppress(psutil.Error):
        psutil.Process(pid).wait(GRACE_SECONDS)
    if run.status().state == "interrupted":
        with owning(run):
            status = run.status()
            set_stopped(run, status)
            run.write_status(status)


def _next_id(run_id: str, settings: Settings) -> str:
    """`x` -> `x-again`, `x-again2`, ...: the first that is free."""
    base = AGAIN.sub("", run_id)[:50]
    taken = {run.run_id for run in list_runs(settings)}
    names = (f"{base}-again{number if number > 1 else ''}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def estimate_apart(config: RunConfig, settings: Settings) -> Estimate:
    """What a run would cost: an earlier trial's answer, or a trial in a process of its own, which takes half a minute.

    Raises `RecommenderError` for what would keep the run from starting, and for too little memory.
    """
    with _trying:
        if (found := remembered(config, settings)) is not None:
            return found
        check_allowed(settings)
        try:
            done = subprocess.run(  # nosec B603 # a fixed command, no shell; the settings go to its standard input
                [sys.executable, "-m", "recommender", "estimate", "--config", "-", "--json"],
                input=config.model_dump_json(),
                env=environment(settings),
                capture_output=True,
                text=True,
                check=False,
                timeout=TRIAL_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise RecommenderError(
                f"Trying a few batches took more than {TRIAL_SECONDS // 60} minutes and was given up. "
                "The run itself can still be started."
            ) from error
        if done.returncode:
            raise RecommenderError(_last_words(done))
        found = Estimate.model_validate_json(done.stdout)
        remember(found, config, settings)
        return found


def _last_words(done: "subprocess.CompletedProcess[str]") -> str:
    if done.returncode == -signal.SIGKILL:
        return "The trial was ended by the system, most likely because memory ran out. Use a smaller batch."
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return lines[-1].removeprefix("error: ")
