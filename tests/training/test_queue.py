"""Whose turn it is, worked out from the folders alone; processes that wait are in test_job.py."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from recommender.config import RunConfig
from recommender.errors import RecommenderError
from recommender.runs.folder import Run, Status, new_run
from recommender.settings import Settings
from recommender.training import queue
from recommender.training.queue import live_runs, take_turn
from tests.held import hold

CONFIG = RunConfig(protocol="paper")


@pytest.fixture(scope="module")
def other() -> Iterator[int]:
    """A live process that is neither this one nor its parent."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process.pid
    process.kill()
    process.wait()


def put(run_id: str, settings: Settings, pid: int, state: str, queued: float, device: str = "auto") -> Run:
    run = new_run(run_id, CONFIG, settings)
    status = Status(state=state, queued=queued, device_asked=device)
    status.belong_to(pid)
    run.write_status(status)
    hold(run, pid)
    return run


@pytest.fixture
def polls(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How often a run looked again; the third time it is told to give up."""
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise TimeoutError

    monkeypatch.setattr(queue.time, "sleep", sleep)
    return waits


def test_the_first_of_the_queue_runs_at_once(world: Settings, other: int, polls: list[float]) -> None:
    own = put("own", world, os.getpid(), "queued", queued=5.0)
    put("later", world, other, "queued", queued=6.0)
    put("gone", world, 2**22 + 1, "running", queued=1.0)
    new_run("done", CONFIG, world).write_status(Status(state="finished", queued=1.0))
    take_turn(own, world)
    assert polls == []
    assert (own.status().state, own.status().phase) == ("running", "starting")


@pytest.mark.parametrize(
    ("state", "queued", "name"),
    [("running", 9.0, "x"), ("running", 1.0, "x"), ("queued", 1.0, "x"), ("queued", 5.0, "a")],
)
def test_it_waits_for_a_running_one_and_for_an_earlier_one(
    state: str, queued: float, name: str, world: Settings, other: int, polls: list[float]
) -> None:
    own = put("own", world, os.getpid(), "queued", queued=5.0)
    put(name, world, other, state, queued)
    with pytest.raises(TimeoutError):
        take_turn(own, world)
    assert own.status().state == "queued"


@pytest.mark.parametrize(
    ("device", "waits"), [("cpu", True), ("cuda", False), ("auto", True)], ids=["same", "another", "may be the same"]
)
def test_only_runs_on_one_device_wait_for_each_other(
    device: str, waits: bool, world: Settings, other: int, polls: list[float]
) -> None:
    own = put("own", world, os.getpid(), "queued", queued=5.0, device="cpu")
    put("x", world, other, "running", queued=1.0, device=device)
    if waits:
        with pytest.raises(TimeoutError):
            take_turn(own, world)
    else:
        take_turn(own, world)


def test_a_run_of_another_process_is_refused(world: Settings, other: int, polls: list[float]) -> None:
    run = put("r", world, other, "queued", queued=1.0)
    with pytest.raises(RecommenderError, match=f"r is queued by process {other}"):
        take_turn(run, world)
    run.write_status(run.status().model_copy(update={"state": "running"}))
    with pytest.raises(RecommenderError, match=f"r is being trained by process {other}"):
        take_turn(run, world)
    run.write_status(Status(state="finished"))
    with pytest.raises(RecommenderError, match="r is finished"):
        take_turn(run, world)


def test_a_run_whose_process_is_gone_is_taken_over(world: Settings, polls: list[float]) -> None:
    run = put("r", world, 2**22 + 1, "queued", queued=1.0)
    take_turn(run, world)
    assert (run.status().state, run.status().pid) == ("running", os.getpid())


def test_the_queue_is_in_order_of_time_and_then_of_name(world: Settings, other: int) -> None:
    for name, queued in (("c", 2.0), ("b", 1.0), ("a", 2.0)):
        put(name, world, other, "queued", queued)
    (new_run("broken", CONFIG, world).folder / "status.json").write_text("{")
    assert [run.run_id for run, _ in live_runs(world)] == ["b", "a", "c"]


def test_a_clock_that_was_set_back_puts_nobody_before_those_who_wait(
    world: Settings, other: int, polls: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    put("first", world, other, "queued", queued=1000.0)
    monkeypatch.setattr("recommender.runs.status.time.time", lambda: 10.0)
    second = new_run("a-second", CONFIG, world)
    assert [run.run_id for run, _ in live_runs(world)] == ["first", "a-second"]
    second.write_status(Status(state="stopped"))
    with pytest.raises(TimeoutError):
        take_turn(second, world)  # queued anew
    assert [run.run_id for run, _ in live_runs(world)] == ["first", "a-second"]
