"""A run that was killed goes on as if nothing had happened, and is never called running when it is not."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recommender.config import RunConfig
from recommender.errors import CheckpointError
from recommender.runs.folder import Run, find_run, new_run
from recommender.settings import ROOT, Settings
from recommender.training import resume
from recommender.training.progress import Progress
from recommender.training.resume import last_checkpoint
from recommender.training.run import train_run
from recommender.training.trainer import RecommenderTrainer

# `python -m recommender`, which kills itself in the middle of the second epoch, after something of it was logged.
KILLED = """
import os, signal, sys
from recommender.training.progress import Progress
beat = Progress.on_step_end
def die(self, args, state, control, **rest):
    beat(self, args, state, control, **rest)
    if state.epoch > 1.5:
        os.kill(os.getpid(), signal.SIGKILL)
Progress.on_step_end = die
from recommender.__main__ import app
app()
"""
GRU = ["model.history.kind=gru", "model.history.hidden=8", "model.embedding=8"]
EVERYTHING = [*GRU, "model.text.train=all", "model.tags=true", "model.head.hidden=16", "training.encoder_lr=1e-3"]
FROZEN = [
    "model.text.train=none", "model.head.kind=catalogue", "model.history.kind=attention", "model.history.hidden=8",
    "model.embedding=8", "training.patience=2",
]  # fmt: skip
SMALL = [*GRU, "model.text.train=none", "model.head.hidden=16"]


def settings_of(tiny_encoder: str, more: list[str]) -> list[str]:
    return [
        "protocol=conversational", "data.validation=0.25", f"model.text.name={tiny_encoder}", "loss.kind=softmax",
        "training.epochs=3", "training.batch_size=16", "training.head_lr=1e-2", *more,
    ]  # fmt: skip


def config_of(tiny_encoder: str, more: list[str]) -> RunConfig:
    from recommender.config.presets import load_preset

    return load_preset("original-baseline", settings_of(tiny_encoder, more))


def command(run_id: str, settings: list[str], *start: str) -> list[str]:
    overrides = [word for setting in settings for word in ("--set", setting)]
    return [sys.executable, *start, "train", "--preset", "original-baseline", "--run-id", run_id, *overrides]


def evals(run: Run) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in run.metrics() if "eval_ndcg@10" in row]


def check_same_weights(one: Run, other: Run) -> None:
    (weights, facts), (other_weights, other_facts) = one.weights(), other.weights()
    assert facts == other_facts
    assert weights.keys() == other_weights.keys()
    assert [name for name, tensor in weights.items() if not torch.equal(tensor, other_weights[name])] == []


def steps(run: Run) -> list[int]:
    return [row["step"] for row in run.metrics() if "loss" in row]


@pytest.mark.parametrize("more", [EVERYTHING, FROZEN], ids=["all weights and tags", "frozen encoder"])
def test_a_killed_run_goes_on_to_the_same_figures_and_weights(
    more: list[str], world: Settings, tiny_encoder: str
) -> None:
    whole = new_run("whole", config_of(tiny_encoder, more), world)
    train_run(whole, world)

    words = command("killed", settings_of(tiny_encoder, more), "-c", KILLED)
    done = subprocess.run(words, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    killed = find_run("killed", world)
    assert killed.status().state == "interrupted"
    assert killed.has_weights
    assert len(evals(killed)) == 1
    assert evals(killed) == evals(whole)[:1]
    [checkpoint] = killed.resume_folder.glob("checkpoint-*")
    assert max(steps(killed)) > int(checkpoint.name.rpartition("-")[2]), "the kill came before anything was logged"

    train_run(killed, world, resume=True)
    assert killed.status().state == "finished"
    assert evals(killed) == evals(whole)
    assert steps(killed) == steps(whole)
    check_same_weights(killed, whole)
    assert not killed.resume_folder.exists()


def test_a_stopped_run_goes_on_to_the_figures_of_an_uninterrupted_one(
    world: Settings, tiny_encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(tiny_encoder, SMALL)
    whole = new_run("whole", config, world)
    train_run(whole, world)
    stopped = new_run("stopped", config, world)
    in_second_epoch = whole.status().steps // 3 + 2
    beat = Progress.on_step_end

    def stop(self: Progress, args: Any, state: Any, control: Any, **rest: Any) -> None:
        self.work.stop.requested |= state.global_step == in_second_epoch
        beat(self, args, state, control, **rest)

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "on_step_end", stop)
        train_run(stopped, world)
    assert stopped.status().state == "stopped"
    assert [row["epoch"] for row in evals(stopped)] == [1], (
        "only whole epochs are measured, and may give the best weights"
    )
    checkpoint = last_checkpoint(stopped.resume_folder)
    assert checkpoint is not None
    assert checkpoint.name == f"checkpoint-{whole.status().steps // 3}", "its reason says: from the last finished epoch"
    train_run(stopped, world, resume=True)
    assert stopped.status().state == "finished"
    assert evals(stopped) == evals(whole)
    check_same_weights(stopped, whole)


def test_a_run_that_was_killed_before_its_first_checkpoint_starts_again(
    world: Settings, tiny_encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(tiny_encoder, SMALL)
    whole = new_run("whole", config, world)
    train_run(whole, world)
    early = new_run("early", config, world)

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "on_evaluate", die)
        with pytest.raises(Killed):
            train_run(early, world)
    assert last_checkpoint(early.resume_folder) is None
    status = early.status()
    early.write_status(status.model_copy(update={"pid": None}))
    train_run(early, world, resume=True)
    assert evals(early) == evals(whole)
    assert steps(early) == steps(whole)


class Killed(BaseException):
    """Ends a run without a word, as a kill does."""


def test_a_resumed_run_knows_what_its_best_epoch_was(
    world: Settings, tiny_encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Validation is told to be 0.9 before the kill and less after it: the first epoch's weights stay."""
    seen: list[torch.Tensor] = []

    def evaluate(self: RecommenderTrainer, *_: Any, **__: Any) -> dict[str, float]:
        if len(seen) == 1 and not resumed:
            raise Killed
        seen.append(self.recommender.state_dict()["head.4.bias"].clone())
        metrics = {"eval_ndcg@10": (0.9, 0.2, 0.4)[len(seen) - 1]}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    monkeypatch.setattr(RecommenderTrainer, "evaluate", evaluate)
    run = new_run("r", config_of(tiny_encoder, SMALL), world)
    resumed = False
    with pytest.raises(Killed):
        train_run(run, world)
    run.write_status(run.status().model_copy(update={"pid": None}))
    resumed = True
    train_run(run, world, resume=True)
    assert len(seen) == 3
    assert torch.equal(run.weights()[0]["head.4.bias"], seen[0])


def test_a_process_that_is_gone_or_another_one_is_not_running(world: Settings, tiny_encoder: str) -> None:
    run = new_run("r", config_of(tiny_encoder, SMALL), world)
    own = run.status().model_copy(update={"state": "running", "pid": os.getpid(), "process_started": 1.0})
    run.write_status(own)
    assert run.status().state == "interrupted", "the number was given to another process since"


def test_the_newest_checkpoint_is_taken_by_number_and_never_a_half_written_one(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None
    for name in ("checkpoint-9", "checkpoint-100", ".checkpoint-200.part"):
        (tmp_path / name).mkdir()
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-100"


def draw() -> tuple[Any, ...]:
    return random.random(), np.random.rand(3).tolist(), np.random.randn(1).tolist(), torch.rand(3).tolist()


def test_all_random_numbers_go_on_where_they_were(tmp_path: Path) -> None:
    np.random.randn(1)  # leaves a second normal number waiting, which is part of the state
    resume.save_random_state(tmp_path)
    first = draw()
    assert draw() != first
    resume.load_random_state(tmp_path)
    assert draw() == first


def one_step(model: torch.nn.Module, optimizer: torch.optim.Optimizer, schedule: Any) -> None:
    optimizer.zero_grad()
    model(torch.ones(1, 3)).square().sum().backward()
    optimizer.step()
    schedule.step()


@pytest.fixture
def setup() -> Callable[[], tuple[torch.nn.Module, torch.optim.Optimizer, Any]]:
    def make() -> tuple[torch.nn.Module, torch.optim.Optimizer, Any]:
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 2)
        groups = [{"params": [model.weight], "lr": 1e-2}, {"params": [model.bias], "lr": 1e-1}]
        optimizer = torch.optim.AdamW(groups, weight_decay=0.1)
        return model, optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))

    return make


def test_optimizer_and_schedule_go_on_where_they_were(tmp_path: Path, setup: Callable[[], Any]) -> None:
    model, optimizer, schedule = setup()
    for _ in range(3):
        one_step(model, optimizer, schedule)
    resume.save_optimizer(tmp_path, optimizer, schedule)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    again, other_optimizer, other_schedule = setup()
    again.load_state_dict(weights)
    resume.load_optimizer(tmp_path, other_optimizer, other_schedule)
    assert [group["lr"] for group in other_optimizer.param_groups] == [1e-2 / 4, 1e-1 / 4]
    for _ in range(2):
        one_step(model, optimizer, schedule)
        one_step(again, other_optimizer, other_schedule)
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("groups", [[["weight", "bias"]], [["bias"], ["weight"]]])
def test_a_state_with_other_parameter_groups_is_refused(
    groups: list[list[str]], tmp_path: Path, setup: Callable[[], Any]
) -> None:
    """One group where there were two, as before biases had one of their own; and as many of them with others inside."""
    model, _, _ = setup()
    named = dict(model.named_parameters())
    old = torch.optim.AdamW([{"params": [(name, named[name]) for name in group]} for group in groups])
    schedule = torch.optim.lr_scheduler.LambdaLR(old, lambda step: 1.0)
    one_step(model, old, schedule)
    resume.save_optimizer(tmp_path, old, schedule)
    optimizer = torch.optim.AdamW([{"params": [("weight", model.weight)]}, {"params": [("bias", model.bias)]}])
    with pytest.raises(CheckpointError, match=rf"{len(groups)} groups .* 2 others.*delete the folder"):
        resume.load_optimizer(tmp_path, optimizer, schedule)


def test_a_state_from_before_the_groups_had_names_is_refused(tmp_path: Path, setup: Callable[[], Any]) -> None:
    model, old, schedule = setup()
    one_step(model, old, schedule)
    resume.save_optimizer(tmp_path, old, schedule)
    optimizer = torch.optim.AdamW([{"params": list(model.named_parameters())}])
    with pytest.raises(CheckpointError, match="2 groups"):
        resume.load_optimizer(tmp_path, optimizer, schedule)


def test_nothing_in_a_resume_folder_has_to_be_run_to_be_read(tmp_path: Path, setup: Callable[[], Any]) -> None:
    model, optimizer, schedule = setup()
    one_step(model, optimizer, schedule)
    resume.save_optimizer(tmp_path, optimizer, schedule)
    resume.save_random_state(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".safetensors", ".json"}
