"""Kill -9 at random moments of a run, also inside checkpoint writing: whether it always ends as the undisturbed one.

python -m benchmarks.faults [--kills 20] [--seed 0]
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import partial
from multiprocessing import get_context
from multiprocessing.process import BaseProcess as Process
from pathlib import Path
from typing import Any

from recommender.errors import RecommenderError
from recommender.models import vector_cache
from recommender.runs.folder import Run
from recommender.training.resume import check_readable

SETTINGS = (
    "data.source=sample", "training.epochs=5", "training.patience=4", "model.members=1",
    "model.width=64", "model.layers=1",
)  # fmt: skip
TIMED = ("seconds", "examples_per_second", "memory_mb")
# Processes are forked from one that has imported what takes long: the kills are to come while a run works.
FORKS = get_context("forkserver")
PRELOADED = ["recommender.training.run", "recommender.training.trainer", "recommender.cli"]
# Where a kill is aimed, how often, and the names that show that the process is there.
AIMS = {"anywhere": 10, "checkpoint": 7, "weights": 3}
SIGNS = {"checkpoint": "resume/.checkpoint-*.{pid}.*.part", "weights": ".model.safetensors.*.{pid}.*.part"}
SHARE = 1 / 3  # of the undisturbed run's time, at most, until a kill: a run is to take several
LATER = 3  # sightings, of which one is taken
AFTER_SECONDS = 0.03  # at most, between the sight and the kill
POLL_SECONDS = 0.005  # more often, and looking would slow the run down


class Place:
    """A folder of runs, and the processes that train in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        own = {"CHECKPOINTS_DIR": folder / "checkpoints", "CACHE_DIR": folder / "cache", "DEVICE": "cpu"}
        self.environment = {f"RECOMMENDER_{name}": str(value) for name, value in own.items()}

    @property
    def said(self) -> Path:
        """By the last process."""
        return self.folder / "said.txt"

    def run(self, run_id: str) -> Run:
        return Run(self.folder / "checkpoints" / run_id)

    def start(self, run_id: str) -> Process:
        """The run's first process, or the next one that goes on with it."""
        words = ["train", "--run-id", run_id]
        if self.run(run_id).folder.exists():
            words += ["--resume"]
        else:
            words += ["--preset", "frozen", *(word for setting in SETTINGS for word in ("--set", setting))]
        self.folder.mkdir(exist_ok=True)
        process = FORKS.Process(target=recommender, args=(words, self.environment, self.said))
        process.start()
        return process


def recommender(words: list[str], environment: dict[str, str], said: Path) -> None:
    """`python -m recommender`, in a process of its own that leads a group."""
    os.setsid()
    os.environ.update(environment)
    with said.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    from recommender.__main__ import app

    app(words)


def wait_for_the_moment(process: Process, run: Run, aim: str, seconds: float) -> None:
    """Until it is time to kill, or the process has ended by itself; without an aim, only that."""
    if not aim:
        process.join()
        return
    if aim == "anywhere":
        end = time.monotonic() + random.uniform(0, seconds * SHARE)
        while process.is_alive() and time.monotonic() < end:
            time.sleep(POLL_SECONDS)
        return
    sights, seen = random.randint(1, LATER), False
    while process.is_alive():
        before, seen = seen, any(run.folder.glob(SIGNS[aim].format(pid=process.pid)))
        sights -= seen and not before
        if not sights:
            time.sleep(random.uniform(0, AFTER_SECONDS))
            return
        time.sleep(POLL_SECONDS)


def kill(place: Place, run_id: str, aim: str, seconds: float) -> str | None:
    """Start the run's next process and kill it. Where the kill came, None if the process had ended before."""
    run = place.run(run_id)
    process = place.start(run_id)
    wait_for_the_moment(process, run, aim, seconds)
    if not process.is_alive():
        if process.exitcode:
            raise SystemExit(f"The run failed by itself:\n{place.said.read_text()}")
        return None
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    for found, sign in SIGNS.items():
        if any(run.folder.glob(sign.format(pid=process.pid))):
            return found
    return "elsewhere"


def unreadable(place: Place, run: Run) -> list[str]:
    """What under a finished name cannot be read, and why."""
    if not run.folder.exists():
        return []
    readers: list[Callable[[], Any]] = [run.config, partial(_check_state, run), partial(_check_log, run), run.baselines]
    if run.has_weights:
        readers.append(run.weights)
    if (run.folder / "catalog.json").exists():
        readers.append(run.catalog)
    readers += [partial(_check_record, run, name) for name in run.report_names()]
    readers += [
        partial(check_readable, checkpoint, with_balance=False) for checkpoint in run.resume_folder.glob("checkpoint-*")
    ]
    if (store := place.folder / "cache" / vector_cache.FILE).exists():
        readers.append(partial(_check_store, store))
    problems = []
    for read in readers:
        try:
            read()
        except (RecommenderError, ValueError, OSError, sqlite3.Error) as error:
            problems.append(f"{run.run_id}: {error}")
    return problems


def _check_state(run: Run) -> None:
    if (state := run.status().state) not in ("interrupted", "finished"):
        raise ValueError(f"status.json says {state} of a process that is gone")


def _check_log(run: Run) -> None:
    if run.metrics_file.exists():
        for line in run.metrics_file.read_text().splitlines():
            json.loads(line)


def _check_record(run: Run, name: str) -> None:
    if run.record(run.report(name)) is None:
        raise ValueError(f"{name} has no record")


def _check_store(store: Path) -> None:
    with closing(sqlite3.connect(store)) as connection:
        if (said := connection.execute("PRAGMA quick_check").fetchone()) != ("ok",):
            raise ValueError(f"{store.name}: {said}")


def facts(run: Run) -> dict[str, Any]:
    """What has to be the same: the log without its times, the report, the very bytes of the weights and the record."""
    # The Trainer sums up each piece of a run in a line of its own.
    rows = [row for row in run.metrics() if "train_runtime" not in row]
    found: dict[str, Any] = {
        "metrics": [{k: v for k, v in row.items() if k not in TIMED} for row in rows],
        "weights": (run.folder / "model.safetensors").read_bytes(),
        "leftovers": [path.name for path in run.folder.rglob("*.part")],
    }
    for name in run.report_names():
        report = run.report(name)
        found[name] = {key: value for key, value in report.items() if key not in ("run", "seconds", "peak_memory_mb")}
        found[f"record of {name}"] = (run.folder / name).with_suffix(".safetensors").read_bytes()
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    random.seed(asked.seed)
    os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    FORKS.set_forkserver_preload(PRELOADED)
    with tempfile.TemporaryDirectory() as folder:
        undisturbed, disturbed = Place(Path(folder) / "undisturbed"), Place(Path(folder) / "disturbed")
        begin = time.monotonic()
        process = undisturbed.start("whole")
        process.join()
        if process.exitcode:
            raise SystemExit(undisturbed.said.read_text())
        seconds = time.monotonic() - begin
        expected = facts(undisturbed.run("whole"))
        epochs = sum("eval_ndcg@10" in row for row in expected["metrics"])
        print(f"undisturbed: {seconds:.0f} s, {epochs} epochs", flush=True)

        aims = random.choices(list(AIMS), list(AIMS.values()), k=10 * asked.kills)
        places: Counter[str] = Counter()
        starts = runs = 0
        differences: list[str] = []
        damaged: list[str] = []
        ended = False
        while places.total() < asked.kills or not ended:
            run = disturbed.run(f"killed-{runs}")
            last = places.total() == asked.kills  # then the run is left alone
            place = kill(disturbed, run.run_id, "" if last else aims.pop(), seconds)
            starts += 1
            damaged += unreadable(disturbed, run)
            status = run.status() if run.folder.exists() else None
            if place is not None:
                places[place] += 1
                where = f"{status.phase or status.state}, step {status.step} of {status.steps}" if status else "no run"
                print(f"kill {places.total()}: came {place} ({where})", flush=True)
            ended = status is not None and status.state == "finished"
            if ended:
                found = facts(run)
                wrong = [name for name in expected.keys() | found.keys() if found.get(name) != expected.get(name)]
                differences += [f"{run.run_id}: {name}" for name in wrong]
                print(f"{run.run_id} ended; differences: {wrong or 'none'}", flush=True)
                runs += 1
    inside = places["checkpoint"] + places["weights"]
    print(
        f"{places.total()} kills ({places['checkpoint']} inside a checkpoint's writing, {places['weights']} inside the "
        f"best weights'), {starts} processes for {runs} runs, "
        f"{len(differences)} differences, {len(damaged)} unreadable files; "
        f"{inside / places.total():.0%} of the kills inside a write"
    )
    if differences or damaged:
        raise SystemExit("\n".join([*differences, *damaged]))


if __name__ == "__main__":
    main()
