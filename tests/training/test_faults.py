"""Every way in which a run can end that is not its own: figures that are none, a full disk, a signal, a kill."""

import errno
import logging
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback

from recommender.config import RunConfig
from recommender.errors import RecommenderError
from recommender.runs.folder import Run, new_run
from recommender.settings import Settings
from recommender.training import run as training_run
from recommender.training import trainer as training_trainer
from recommender.training.progress import Progress
from recommender.training.run import train_run
from tests.compared import reports_of
from tests.training.small import MakeConfig, evals, trained


def test_a_loss_that_is_not_finite_fails_with_what_to_change(
    world: Settings, config_of: MakeConfig, caplog: pytest.LogCaptureFixture
) -> None:
    run = new_run("r", config_of(head_lr=1e30, clip=1e30, warmup=0.0), world)
    with pytest.raises(RecommenderError, match="not finite"), caplog.at_level(logging.ERROR):
        train_run(run, world)
    status = run.status()
    assert (status.state, status.problem, status.phase) == ("failed", "not_finite", "")
    assert "The movie loss is not finite at step" in status.reason
    assert "training.head_lr=1e-5" in status.reason
    assert "r failed: The movie loss is not finite" in caplog.text


def no_space(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_fails_with_what_to_do_and_leaves_no_half_model(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run("r", config_of(), world)
    monkeypatch.setattr("recommender.files.os.fsync", lambda _: no_space() if has_part(run, "model") else None)
    with pytest.raises(RecommenderError, match="disk is full"):
        train_run(run, world)
    status = run.status()
    assert (status.state, status.problem) == ("failed", "disk_full")
    assert status.reason == "The disk is full. Make room and resume: no epoch was finished, so it begins again."
    assert not run.has_weights
    assert not has_part(run, "model")


def test_a_full_disk_after_an_epoch_says_that_it_is_kept(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run("r", config_of(), world)
    monkeypatch.setattr("recommender.files.os.fsync", lambda _: no_space() if run.keeps_epoch else None)
    with pytest.raises(RecommenderError, match="the last finished epoch is kept"):
        train_run(run, world)


@pytest.mark.parametrize("moment", ["on_step_end", "on_evaluate", "on_save"])
def test_a_run_whose_folder_is_removed_while_it_trains_fails_and_leaves_nothing(
    moment: str, world: Settings, config_of: MakeConfig
) -> None:
    run = new_run("r", config_of(), world)
    remover = TrainerCallback()
    setattr(remover, moment, lambda *_, **__: shutil.rmtree(run.folder, ignore_errors=True))
    with pytest.raises(RecommenderError, match=r"The folder of the run r was removed while it was trained"):
        train_run(run, world, callbacks=[remover])
    assert not run.folder.exists()


def has_part(run: Run, name: str) -> bool:
    return any(run.folder.glob(f".{name}*.part"))


def test_a_disk_that_is_full_for_the_status_too_is_still_told(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run("r", config_of(), world)
    monkeypatch.setattr("recommender.files.os.fsync", no_space)
    with pytest.raises(RecommenderError, match="disk is full"):
        train_run(run, world)


def test_a_full_disk_under_the_resume_state_fails_the_same_way(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(training_trainer, "write_atomically", fail)
    run = new_run("r", config_of(), world)
    with pytest.raises(RecommenderError, match="disk is full"):
        train_run(run, world)
    assert run.status().state == "failed"
    assert run.has_weights  # of the epoch that had been evaluated


def test_an_unforeseen_error_is_written_down_and_passed_on(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(training_trainer.RecommenderTrainer, "compute_loss", fail)
    run = new_run("r", config_of(), world)
    with pytest.raises(ZeroDivisionError):
        train_run(run, world)
    status = run.status()
    assert (status.state, status.problem, status.reason) == ("failed", "other", "ZeroDivisionError")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_run_after_the_step(
    number: signal.Signals, world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat = Progress.on_step_end

    def interrupt(self: Progress, args: Any, state: Any, control: Any, **rest: Any) -> None:
        if state.global_step == 2:
            os.kill(os.getpid(), number)
        beat(self, args, state, control, **rest)

    monkeypatch.setattr(Progress, "on_step_end", interrupt)
    before = signal.getsignal(number)
    run = trained(config_of(), world)
    assert run.status().state == "stopped"
    assert "resume" in run.status().reason
    assert run.status().step < run.status().steps
    assert signal.getsignal(number) == before


def test_a_signal_ends_the_preparation_at_once(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also within code that takes every `Exception` for a mistake in a file."""

    def interrupted(*_: Any) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        except Exception as error:
            raise RecommenderError("damaged") from error

    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(training_run, "checked_examples", interrupted)
        run = trained(config_of(), world)
    status = run.status()
    assert (status.state, status.phase, status.problem) == ("stopped", "", "")
    assert "nothing was trained yet" in status.reason
    assert signal.getsignal(signal.SIGTERM) == before
    train_run(run, world, resume=True)
    assert run.status().state == "finished"


def test_a_run_that_is_stopped_while_it_is_measured_is_finished(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_run, "evaluate", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    run = trained(config_of(epochs=1), world)
    assert run.status().state == "finished"
    assert run.has_weights
    assert reports_of(run) == []


def test_a_loss_that_turns_infinite_leaves_the_best_weights_so_far(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the second epoch. Resumed, the run fails there again; with other settings it can be started from there."""
    config = config_of()
    whole = trained(config_of(epochs=1), world, "whole")
    steps = whole.status().steps
    compute = training_trainer.RecommenderTrainer.compute_loss

    def spoilt(self: Any, *args: Any, **options: Any) -> torch.Tensor:
        if self.state.global_step == steps + 2:
            self.recommender.head[4].bias.data[0] = float("nan")
        return compute(self, *args, **options)

    monkeypatch.setattr(training_trainer.RecommenderTrainer, "compute_loss", spoilt)
    run = new_run("r", config, world)
    for resume in (False, True):
        with pytest.raises(
            RecommenderError, match=rf"head.4.bias are not finite at step {steps + 3} \(batch 3 of epoch 2\)"
        ):
            train_run(run, world, resume)
        assert run.status().problem == "not_finite"
        assert len(evals(run)) == 1
        [checkpoint] = run.resume_folder.glob("checkpoint-*")
        assert checkpoint.name == f"checkpoint-{steps}"
        run.weights()  # raises for values that are not finite


def test_a_gradient_that_is_not_finite_is_no_step(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    backward = training_trainer.RecommenderTrainer.training_step

    def spoilt(self: Any, *args: Any, **options: Any) -> torch.Tensor:
        loss = backward(self, *args, **options)
        self.recommender.head[4].bias.grad[0] = float("inf")
        return loss

    monkeypatch.setattr(training_trainer.RecommenderTrainer, "training_step", spoilt)
    run = new_run("r", config_of(), world)
    with pytest.raises(RecommenderError, match=r"The gradient is not finite at step 1 \(batch 1 of epoch 1\)"):
        train_run(run, world)


def test_weights_that_the_last_step_made_infinite_are_not_kept(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No loss is computed with them before they are measured."""

    def spoil(self: Progress, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.model.head[4].bias.data[0] = float("inf")

    monkeypatch.setattr(Progress, "on_epoch_end", spoil)
    run = new_run("r", config_of(), world)
    with pytest.raises(RecommenderError, match=r"head.4.bias are not finite after step \d+\."):
        train_run(run, world)
    assert run.status().problem == "not_finite"
    assert not run.has_weights


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a megabyte, which may be made read-only."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a disk: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_is_really_full_keeps_what_was_whole(
    small_disk: Path, world: Settings, config_of: MakeConfig
) -> None:
    """It takes the first epoch. Then something else fills it."""
    full = world.model_copy(update={"checkpoints_dir": small_disk / "checkpoints"})
    run = new_run("r", config_of(epochs=6), full)
    save = training_trainer.RecommenderTrainer._save_checkpoint

    def fill(self: Any, *args: Any) -> None:
        save(self, *args)
        with suppress(OSError), (small_disk / "other").open("wb", buffering=0) as file:
            while file.write(bytes(1024)) == 1024:
                pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_trainer.RecommenderTrainer, "_save_checkpoint", fill)
        with pytest.raises(RecommenderError, match="disk is full"):
            train_run(run, full)
    run.weights()
    assert [path.suffix for path in run.folder.rglob("*.part")] == []
    (small_disk / "other").unlink()
    if run.status().state == "running":  # the disk did not even take that it failed
        run.write_status(run.status().model_copy(update={"pid": None}))
    train_run(run, full, resume=True)
    assert evals(run) == evals(trained(config_of(epochs=6), world, "whole"))


def test_a_folder_that_became_read_only_is_named(small_disk: Path, world: Settings, config_of: MakeConfig) -> None:
    fixed = world.model_copy(update={"checkpoints_dir": small_disk / "checkpoints"})
    run = new_run("r", config_of(), fixed)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(RecommenderError, match=rf"Cannot write in {run.folder}: Read-only"):
        train_run(run, fixed)
    with pytest.raises(RecommenderError, match=r"Cannot create .*other: Read-only"):
        new_run("other", config_of(), fixed)
    assert run.status().state == "queued"


def test_a_file_that_may_not_be_written_is_named(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run("r", config_of(), world)

    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(run.metrics_file))

    monkeypatch.setattr(Run, "append_metrics", refuse)
    with pytest.raises(RecommenderError, match=r"Cannot write .*metrics\.jsonl: Permission denied\. Make the folder"):
        train_run(run, world)
    assert run.status().state == "failed"


def test_a_clock_that_runs_backwards_stops_no_heartbeat_and_gives_no_negative_time(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = count(2e9, -3600)
    beats: list[int] = []
    beat = Progress._beat

    def noted(self: Progress, state: Any, device: Any) -> None:
        beats.append(state.global_step)
        beat(self, state, device)

    monkeypatch.setattr("recommender.runs.folder.time.time", lambda: next(clock))
    monkeypatch.setattr("recommender.training.progress.HEARTBEAT_SECONDS", 0.0)
    monkeypatch.setattr(Progress, "_beat", noted)
    run = trained(config_of(epochs=2), world)
    assert set(range(1, run.status().steps + 1)) <= set(beats)
    assert run.status().seconds > 0
    assert all(row["seconds"] >= 0 and row.get("examples_per_second", 1) > 0 for row in run.metrics())
    counts = RunConfig.model_validate({"protocol": "paper", "model": {"kind": "copy"}})
    assert trained(counts, world, "counts").status().seconds >= 0
