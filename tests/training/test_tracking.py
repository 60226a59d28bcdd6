"""Trackers: what they write stays below the run's folder, and a missing one is told with its command."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from recommender.config import RunConfig, Tracker
from recommender.errors import RecommenderError
from recommender.runs.folder import Run, new_run
from recommender.settings import Settings
from recommender.training import tracking
from recommender.training.run import train_run


def tracked_run(tracker: Tracker, world: Settings, encoder: str) -> Run:
    if find_spec(tracker) is None:
        pytest.skip(f"{tracker} is not installed: pip install {tracking.PACKAGES[tracker]}")
    config = RunConfig.model_validate(
        {
            "protocol": "conversational",
            "data": {"validation": 0.25},
            "model": {"text": {"name": encoder}, "head": {"hidden": 8}},
            "training": {"epochs": 1, "batch_size": 16, "report_to": [tracker]},
        }
    )
    before = dict(os.environ)
    run = new_run("followed", config, world)
    train_run(run, world)
    assert run.status().state == "finished"
    assert dict(os.environ) == before
    return run


def test_tensorboard_gets_the_loss_and_the_metrics(world: Settings, tiny_encoder: str) -> None:
    run = tracked_run("tensorboard", world, tiny_encoder)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run.folder / "tensorboard"))
    events.Reload()
    [value] = [event.value for event in events.Scalars("eval/ndcg@10")]
    [row] = [row for row in run.metrics() if "eval_ndcg@10" in row]
    assert value == pytest.approx(row["eval_ndcg@10"])
    assert len(events.Scalars("train/loss")) == sum("loss" in row for row in run.metrics())


@pytest.mark.parametrize("tracker", ["wandb", "mlflow", "trackio"])
def test_the_others_write_below_the_run(
    tracker: Tracker, world: Settings, tiny_encoder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In a working directory of its own, which stays empty; no connection is opened."""
    import socket

    def refuse(self: socket.socket, address: Any) -> None:
        assert self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1", "localhost"), address
        return connect(self, address)

    connect = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.chdir(tmp_path)
    run = tracked_run(tracker, world, tiny_encoder)
    written = [path for path in run.folder.glob(f"{tracker}*/**/*") if path.is_file()]
    if tracker == "mlflow":
        written = [run.folder / "mlflow.db"]
    assert sum(path.stat().st_size for path in written) > 0
    if tracker == "wandb":
        assert any(path.name.startswith("offline-run-") for path in (run.folder / "wandb").iterdir())
    assert list(tmp_path.iterdir()) == []


def test_a_missing_tracker_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    with pytest.raises(RecommenderError, match=r"wandb and trackio.*are not.*pip install wandb==.* trackio=="):
        tracking.check_installed(("wandb", "trackio"))
    tracking.check_installed(())


def test_what_the_user_has_set_up_is_left_alone(world: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.delenv("WANDB_DIR", raising=False)
    run = Run(world.checkpoints_dir / "r")
    with tracking.tracked(("tensorboard",), run):
        assert os.environ["WANDB_MODE"] == "online"
        assert os.environ["WANDB_DIR"] == str(run.folder.resolve())
    assert "WANDB_DIR" not in os.environ
