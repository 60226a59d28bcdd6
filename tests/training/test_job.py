"""Runs as processes of their own: they live on without the one who started them, wait for each other, and end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from recommender.config import RunConfig
from recommender.config.losses import SoftmaxSettings
from recommender.errors import RecommenderError
from recommender.runs.folder import Run, State, Status, find_run, list_runs, new_run
from recommender.settings import Settings
from recommender.training import job
from recommender.training.run import train_run
from tests.compared import reports_of

PATIENCE = 300  # seconds for one step of a process, on a machine that has much else to do


@pytest.fixture
def config_of(tiny_encoder: str) -> Callable[[int], RunConfig]:
    def make(epochs: int) -> RunConfig:
        return RunConfig.model_validate(
            {
                "protocol": "conversational",
                "data": {"validation": 0.25},
                "model": {
                    "text": {"name": tiny_encoder},
                    "embedding": 8,
                    "history": {"kind": "gru", "hidden": 8},
                    "head": {"hidden": 16},
                },
                "loss": {"kind": "softmax"},
                "training": {"epochs": epochs, "batch_size": 16, "head_lr": 1e-2},
            }
        )

    return make


@pytest.fixture
def jobs(world: Settings) -> Iterator[Settings]:
    """The small installation; whatever still runs at the end of a test is killed."""
    yield world
    for run in list_runs(world):
        status = run.status()
        if status.state in ("queued", "running") and status.pid not in (None, os.getpid()):
            psutil.Process(status.pid).kill()


def wait_for(run: Run, done: Callable[[Status], bool]) -> Status:
    """Until the status is as asked; what the process said is told if that takes too long or the run fails."""
    end = time.monotonic() + PATIENCE
    while not done(status := run.status()):
        assert time.monotonic() < end, f"{status}\n{run.log_file.read_text()}"
        assert status.state != "failed", f"{status.reason}\n{run.log_file.read_text()}"
        time.sleep(0.05)
    return status


def in_state(state: State) -> Callable[[Status], bool]:
    return lambda status: status.state == state


def evals(run: Run) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in run.metrics() if "eval_ndcg@10" in row]


def test_a_run_is_started_stopped_and_resumed_to_the_figures_of_an_undisturbed_one(
    jobs: Settings, config_of: Callable[[int], RunConfig]
) -> None:
    epochs = 60
    whole = new_run("whole", config_of(epochs), jobs)
    train_run(whole, jobs)

    run = job.start(config_of(epochs), "r", jobs)
    status = run.status()
    assert status.pid not in (None, os.getpid())
    assert os.getsid(status.pid) == status.pid, "a session of its own: no signal for the app reaches it"
    with pytest.raises(RecommenderError, match="nothing to resume"):
        job.resume(run, jobs)
    with pytest.raises(RecommenderError, match="Stop it first"):
        job.delete(run, jobs)
    wait_for(run, lambda status: status.epoch > 1)
    with pytest.raises(RecommenderError, match=f"is being trained by process {status.pid}"):
        train_run(run, jobs, resume=True)
    job.stop(run, jobs)
    stopped = wait_for(run, lambda status: status.state not in ("queued", "running"))
    assert (stopped.state, stopped.phase) == ("stopped", "")
    assert 0 < stopped.step < stopped.steps
    assert len(evals(run)) < epochs

    job.resume(run, jobs)
    finished = wait_for(run, in_state("finished"))
    assert finished.pid != stopped.pid
    assert finished.reason == ""
    assert evals(run) == evals(whole)
    assert reports_of(run)[0]["metrics"] == reports_of(whole)[0]["metrics"]
    assert run.baselines() == whole.baselines()
    log = run.log_file.read_text()
    assert log.count("epoch 2 of 60: validation") == 1, "one line each, although the log is standard error too"
    job.delete(run, jobs)
    assert [run.run_id for run in list_runs(jobs)] == ["whole"]
    assert not list(jobs.checkpoints_dir.glob(".*"))


def test_runs_wait_for_each_other_and_outlive_a_kill(jobs: Settings, config_of: Callable[[int], RunConfig]) -> None:
    endless, queued, unwanted = (job.start(config_of(n), name, jobs) for n, name in ((10**6, "z"), (1, "b"), (1, "a")))
    running = wait_for(endless, lambda status: status.step > 0)
    assert [run.run_id for run in job.waiting(jobs)] == ["b", "a"], "in the order of starting, not of the names"
    wait_for(queued, lambda _: "waiting for the run z to end" in queued.log_file.read_text())
    process = psutil.Process(queued.status().pid)
    assert not any("torch" in Path(file.path).name for file in process.memory_maps()), "waiting is cheap"

    job.stop(unwanted, jobs)
    assert (unwanted.status().state, unwanted.status().step) == ("stopped", 0)
    assert "nothing was trained yet" in unwanted.status().reason
    assert [run.run_id for run in job.waiting(jobs)] == ["b"]

    assert queued.status().state == "queued"
    os.kill(running.pid, signal.SIGKILL)
    wait_for(endless, in_state("interrupted"))
    finished = wait_for(queued, in_state("finished"))
    assert finished.started > running.started
    assert endless.status().reason == "its process ended without a word"

    job.resume(endless, jobs)
    wait_for(endless, lambda status: status.state == "running" and status.epoch > 1)
    job.stop(endless, jobs)
    wait_for(endless, in_state("stopped"))


# Takes the lock of a run and does nothing.
SLEEPER = """
import fcntl, os, sys, time
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
print(os.getpid(), end="", file=lock, flush=True)
print("mine", flush=True)
time.sleep(600)
"""


@pytest.fixture
def sleeper(run: Run) -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for the run's."""
    words = [sys.executable, "-c", SLEEPER, run.lock_file]
    process = subprocess.Popen(words, start_new_session=True, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"mine\n"
    yield process
    process.kill()
    process.wait()


def live(run: Run, pid: int, **changes: Any) -> Status:
    status = run.status().model_copy(update={"state": "running", **changes})
    status.belong_to(pid)
    run.write_status(status)
    return status


@pytest.fixture
def run(world: Settings) -> Run:
    return new_run("r", RunConfig(protocol="paper"), world)


def test_stop_reaches_the_process_that_was_started_and_no_other(
    run: Run, world: Settings, sleeper: subprocess.Popen[bytes]
) -> None:
    status = live(run, sleeper.pid)
    run.write_status(status.model_copy(update={"process_started": status.process_started - 60}))
    with pytest.raises(RecommenderError, match="is interrupted: there is nothing to stop"):
        job.stop(run, world)  # the number was given to another process since
    assert sleeper.poll() is None
    run.write_status(status)
    job.stop(run, world)
    assert sleeper.wait(PATIENCE) == -signal.SIGTERM


def test_a_run_that_is_killed_while_it_waits_reads_as_stopped(
    run: Run, world: Settings, sleeper: subprocess.Popen[bytes]
) -> None:
    """Before its process listens to signals, the signal just ends it."""
    live(run, sleeper.pid, state="queued")
    job.stop(run, world)
    assert run.status().state == "stopped"


def test_a_process_that_nobody_has_taken_note_of_is_dead(
    run: Run, world: Settings, sleeper: subprocess.Popen[bytes]
) -> None:
    live(run, sleeper.pid)
    sleeper.kill()
    wait_for(run, in_state("interrupted"))
    assert psutil.Process(sleeper.pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("state", ["finished", "stopped", "failed"])
def test_only_a_live_run_is_stopped(state: State, run: Run, world: Settings) -> None:
    run.write_status(Status(state=state))
    with pytest.raises(RecommenderError, match=f"r is {state}: there is nothing to stop"):
        job.stop(run, world)


def test_a_finished_run_is_not_resumed(run: Run, world: Settings) -> None:
    run.write_status(Status(state="finished"))
    with pytest.raises(RecommenderError, match="r is finished: there is nothing to resume"):
        job.resume(run, world)


def test_nothing_but_a_run_that_is_done_is_deleted(
    run: Run, world: Settings, sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    live(run, sleeper.pid)
    with pytest.raises(RecommenderError, match="r is running"):
        job.delete(run, world)
    default = new_run("default", RunConfig(protocol="paper"), world)
    default.write_status(Status(state="finished"))
    with pytest.raises(RecommenderError, match="belongs to the project"):
        job.delete(default, world)
    elsewhere = world.model_copy(update={"checkpoints_dir": tmp_path / "other"})
    outside = new_run("o", RunConfig(protocol="paper"), elsewhere)
    inner = world.checkpoints_dir / "r" / "inner"
    inner.mkdir()
    link = world.checkpoints_dir / "link"
    link.symlink_to(outside.folder)
    for folder in (outside.folder, inner, world.checkpoints_dir, world.checkpoints_dir / ".." / "x", link):
        with pytest.raises(RecommenderError, match="nothing was deleted"):
            job.delete(Run(folder), world)
    assert outside.config() == RunConfig(protocol="paper")
    assert {run.run_id for run in list_runs(world)} == {"r", "default", "link"}


def test_a_damaged_run_can_be_deleted_and_holds_up_nobody(run: Run, world: Settings) -> None:
    (run.folder / "status.json").write_text('{"state": ')
    assert job.waiting(world) == []
    job.delete(run, world)
    assert list_runs(world) == []


def test_a_read_only_app_changes_nothing(run: Run, world: Settings, sleeper: subprocess.Popen[bytes]) -> None:
    demo = world.model_copy(update={"read_only": True})
    live(run, sleeper.pid)
    acts = [
        lambda: job.start(RunConfig(protocol="paper"), "new", demo),
        lambda: job.stop(run, demo),
        lambda: job.resume(run, demo),
        lambda: job.restart(run, [], demo),
        lambda: job.delete(run, demo),
        lambda: job.estimate_apart(RunConfig(protocol="paper"), demo),
    ]
    for act in acts:
        with pytest.raises(RecommenderError, match="read-only demo"):
            act()
    assert [run.run_id for run in list_runs(world)] == ["r"]
    assert sleeper.poll() is None
    assert run.status().state == "running"


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that would get a process."""
    names: list[str] = []

    def launch(run: Run, _: Settings) -> Run:
        names.append(run.run_id)
        return run

    monkeypatch.setattr(job, "_launch", launch)
    return names


def test_a_restart_is_a_new_run_with_what_was_changed(run: Run, world: Settings, launched: list[str]) -> None:
    first = job.restart(run, ["training.batch_size=16", "loss.kind=focal"], world)
    assert first.config() == RunConfig.model_validate(
        {"protocol": "paper", "training": {"batch_size": 16}, "loss": {"kind": "focal"}}
    )
    second = job.restart(first, [], world)
    third = job.restart(run, [], world)
    assert launched == ["r-again", "r-again2", "r-again3"]
    assert (second.config(), third.config()) == (first.config(), run.config())
    long = new_run("x" * 64, RunConfig(protocol="paper"), world)
    assert len(job.restart(long, [], world).run_id) <= 64
    with pytest.raises(RecommenderError, match="batch_size must be a multiple of accumulation"):
        job.restart(run, ["training.batch_size=7", "training.accumulation=2"], world)
    assert len(launched) == 4


def test_a_restart_with_another_loss_drops_what_only_the_old_one_reads(world: Settings, launched: list[str]) -> None:
    focal = RunConfig.model_validate({"protocol": "paper", "loss": {"kind": "focal", "gamma": 3}})
    again = job.restart(new_run("focal", focal, world), ["loss.kind=softmax"], world)
    assert again.config().loss == SoftmaxSettings()


def test_a_name_that_is_taken_starts_nothing(run: Run, world: Settings, launched: list[str]) -> None:
    with pytest.raises(RecommenderError, match="r exists"):
        job.start(RunConfig(protocol="one_shot"), "r", world)
    assert launched == []


def test_a_process_that_cannot_be_started_is_said_and_written_down(
    world: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(RecommenderError, match="could not be started"):
        job.start(RunConfig(protocol="paper"), "r", world)
    assert find_run("r", world).status().state == "failed"


def test_the_process_gets_the_settings_of_the_app(
    world: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RECOMMENDER_MAX_WISH_CHARS", "7")
    asked = world.model_copy(update={"device": "cpu", "data_dir": None, "cache_dir": tmp_path, "read_only": True})
    given = job.environment(asked)
    with monkeypatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("RECOMMENDER_")]:
            patch.delenv(name)
        for name, value in given.items():
            patch.setenv(name, value)
        assert Settings() == asked.model_copy(update={"read_only": False})
