"""One run in two processes on the CPU: what one process learns, and one run folder."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from recommender.config.presets import load_preset
from recommender.errors import RecommenderError
from recommender.files import HOST
from recommender.runs.folder import find_run, new_run
from recommender.settings import ROOT, Settings
from recommender.training import processes
from recommender.training.arguments import training_arguments
from recommender.training.run import train_run
from tests.compared import reports_of


def test_two_processes_learn_what_one_does(world: Settings, tiny_encoder: str) -> None:
    """The batch is shared out between them; 32 examples are whole batches, so without dropout the weights are those of
    one process within rounding, and the metrics within 0.01."""
    changes = [
        f"model.text.name={tiny_encoder}",
        *("protocol=paper", "model.text.train=none", "model.head.hidden=16", "model.head.dropout=0"),
        *("training.epochs=2", "training.batch_size=8", "training.head_lr=1e-2", "data.validation=0.2"),
    ]
    alone = new_run("alone", load_preset("weighted-quick", changes), world)
    train_run(alone, world)
    options = [word for change in changes for word in ("--set", change)]
    done = launched("train", "--preset", "weighted-quick", "--run-id", "shared", *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("shared: finished after")
    assert done.stdout.count("\n") == 1
    shared = find_run("shared", world)
    assert shared.status().step == alone.status().step
    assert {path.name for path in shared.folder.iterdir()} == {path.name for path in alone.folder.iterdir()}
    steps = [[row["step"] for row in run.metrics()] for run in (alone, shared)]
    assert steps[0] == steps[1], "each line once"
    mine, theirs = alone.weights()[0], shared.weights()[0]
    for name, tensor in mine.items():
        torch.testing.assert_close(theirs[name], tensor, atol=1e-6, rtol=1e-5, msg=name)  # measured: 1.5e-8
    [one], [two] = reports_of(alone), reports_of(shared)
    for name, value in one["metrics"].items():
        assert two["metrics"][name] == pytest.approx(value, abs=0.01), name
    log = (shared.folder / "log.txt").read_text()
    assert log.count("epoch 2 of 2") == 1


@pytest.mark.parametrize(("rank", "removed"), [("0", True), ("1", False)])
def test_the_first_process_alone_removes_leftovers(
    world: Settings, monkeypatch: pytest.MonkeyPatch, rank: str, removed: bool
) -> None:
    run = new_run("r", load_preset("weighted-quick"), world)
    leftover = run.folder / f".status.json.{HOST}.{2**22 + 1}.1.part"  # no process has this number
    leftover.write_text("half")

    def fail(_: Settings) -> None:
        raise RecommenderError("no further")

    monkeypatch.setenv("RANK", rank)
    monkeypatch.setattr(processes, "join", fail)
    with pytest.raises(RecommenderError, match="no further"):
        train_run(run if rank == "0" else processes.follow("r", world), world)
    assert leftover.exists() is not removed


def launched(*command: str) -> subprocess.CompletedProcess[str]:
    launch: Sequence[str] = (
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "recommender",
    )
    environment = {**os.environ, "RECOMMENDER_DEVICE": "cpu"}
    return subprocess.run(
        [sys.executable, *launch, *command], cwd=ROOT, env=environment, text=True, capture_output=True, timeout=300
    )


def test_without_a_name_processes_would_not_know_each_other(world: Settings) -> None:
    with pytest.raises(RecommenderError, match=r"add --run-id"):
        processes.follow("", world)


def test_a_follower_writes_nothing(world: Settings) -> None:
    run = processes.follow("r", world)
    run.write_status(run.status())
    run.append_metrics({"step": 1})
    run.keep_metrics_until(0)
    assert not run.folder.exists()


def test_a_batch_that_cannot_be_shared_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    config = load_preset("frozen").training
    with pytest.raises(
        RecommenderError, match=r"batch_size = 32 cannot be split evenly over 3 processes.*multiple of 3"
    ):
        training_arguments(config, 1, tmp_path, 100, use_cpu=True)
