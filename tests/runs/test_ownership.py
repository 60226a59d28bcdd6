"""A run is written by one process at a time, whatever its status says and whoever came at the same instant."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from recommender.__main__ import app
from recommender.config import RunConfig
from recommender.errors import RecommenderError
from recommender.runs.folder import Run, new_run
from recommender.runs.ownership import owning
from recommender.runs.status import Status, process_start
from recommender.settings import ROOT, Settings
from recommender.training import job
from recommender.training.queue import live_runs, take_turn
from recommender.training.run import train_run

PATIENCE = 300  # seconds for one step of a process, on a machine that has much else to do
BUSY = "Another process is just writing the run r"
# Says that it owns the run, and then waits to be told to end.
OWNER = """
import sys
from pathlib import Path
from recommender.runs.folder import Run
from recommender.runs.ownership import owning
with owning(Run(Path(sys.argv[1]))):
    print("mine", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def run(world: Settings) -> Run:
    run = new_run("r", RunConfig.model_validate({"protocol": "conversational", "model": {"kind": "copy"}}), world)
    run.write_status(run.status().model_copy(update={"state": "stopped"}))
    return run


@pytest.fixture
def owner(run: Run) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, run.folder],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "mine\n"
    yield process
    process.kill()
    process.communicate()


def test_a_run_that_another_process_owns_is_refused_whatever_its_status(
    run: Run, world: Settings, owner: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "HANDOVER_SECONDS", 0.1)
    before = (run.folder / "status.json").read_bytes()
    for act in (lambda: train_run(run, world, True), lambda: job.resume(run, world), lambda: job.delete(run, world)):
        with pytest.raises(RecommenderError, match=BUSY):
            act()
    assert (run.folder / "status.json").read_bytes() == before
    run.write_status(run.status().model_copy(update={"state": "running", "pid": owner.pid, "process_started": 1.0}))
    with pytest.raises(RecommenderError, match=BUSY):
        train_run(run, world, resume=True)  # it reads as interrupted: its number seems to be another process's


def test_a_process_that_was_killed_owns_nothing(run: Run, world: Settings, owner: "subprocess.Popen[str]") -> None:
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait(PATIENCE)
    train_run(run, world, resume=True)
    assert run.status().state == "finished"


def test_the_owner_may_enter_again_but_no_other_thread(run: Run) -> None:
    refused: list[str] = []

    def other() -> None:
        try:
            with owning(run):
                pass
        except RecommenderError as error:
            refused.append(str(error))

    with owning(run), owning(run):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(refused) == 1
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert len(refused) == 1


def test_of_processes_that_start_in_the_same_instant_one_has_the_run(run: Run) -> None:
    words = [sys.executable, "-m", "recommender", "train", "--run-id", "r", "--resume"]
    four = [
        subprocess.Popen(words, cwd=ROOT, env=dict(os.environ), stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    said = [process.communicate(timeout=PATIENCE)[1] for process in four]
    codes = [process.returncode for process in four]
    assert codes.count(0) == 1, said
    refused = [words for words, code in zip(said, codes, strict=True) if code]
    assert all("error: " in words and "Traceback" not in words for words in refused), said
    assert run.status().state == "finished"
    assert run.log_file.read_text().count("data: ") == 1


def test_of_two_that_make_one_run_in_the_same_instant_one_does(
    world: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one gives the folder its name in the last moment."""
    write, folder = Run.write_status, world.checkpoints_dir / "twice"

    def be_quicker(self: Run, status: Status) -> None:
        write(self, status)
        folder.mkdir()
        (folder / "config.json").write_text("the other's")

    monkeypatch.setattr(Run, "write_status", be_quicker)
    with pytest.raises(RecommenderError, match="The run twice exists"):
        new_run("twice", RunConfig(protocol="paper"), world)
    assert [path.name for path in folder.iterdir()] == ["config.json"]
    assert (folder / "config.json").read_text() == "the other's"
    assert list(world.checkpoints_dir.glob(".*")) == []


@pytest.mark.parametrize("pid", [1, os.getppid()], ids=["the system's first", "the parent"])
def test_a_status_from_elsewhere_that_names_a_live_process_is_no_live_run(
    pid: int, run: Run, world: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Number and start are right, but that process has never had the run."""
    signalled: list[int] = []
    monkeypatch.setattr("os.kill", lambda *given: signalled.append(given[0]))
    monkeypatch.setattr("os.killpg", lambda *given: signalled.append(given[0]))
    run.write_status(Status(state="running", pid=pid, process_started=process_start(pid), queued=1.0))
    assert run.status().state == "interrupted"
    assert live_runs(world) == []
    with pytest.raises(RecommenderError, match="nothing to stop"):
        job.stop(run, world)
    assert signalled == []
    own = new_run("own", run.config(), world)
    take_turn(own, world)  # waits for nobody
    job.delete(run, world)
    assert not run.folder.exists()


def test_who_holds_the_lock_has_the_run_only_in_its_own_name(run: Run, owner: "subprocess.Popen[str]") -> None:
    status = Status(state="running")
    status.belong_to(owner.pid)
    run.write_status(status)
    assert run.status().state == "running"
    status.belong_to(1)
    run.write_status(status)
    assert run.status().state == "interrupted"


def test_a_process_that_is_started_for_a_run_has_it_before_it_has_the_lock(run: Run) -> None:
    words = [sys.executable, "-c", "import time; time.sleep(600)", "recommender", "train", "--run-id", "r"]
    with subprocess.Popen(words) as process:
        status = Status(state="queued")
        status.belong_to(process.pid)
        run.write_status(status)
        assert run.status().state == "queued"
        assert Run(run.folder.rename(run.folder.with_name("other"))).status().state == "interrupted"
        process.kill()


def test_the_weights_of_a_run_that_is_being_trained_are_not_rewritten(run: Run, owner: "subprocess.Popen[str]") -> None:
    status = Status(state="running")
    status.belong_to(owner.pid)
    run.write_status(status)
    done = CliRunner().invoke(app, ["halve", "--run", "r"])
    assert done.exit_code == 2
    assert f"is being trained by process {owner.pid}" in done.stderr
