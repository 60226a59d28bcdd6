"""What a kill may interrupt: whatever it is, the run goes on to the figures and the very file of an undisturbed one."""

from typing import Any

import pytest

from recommender.errors import CheckpointError
from recommender.runs.folder import new_run
from recommender.settings import Settings
from recommender.training import run as training_run
from recommender.training import trainer as training_trainer
from recommender.training.progress import Progress
from recommender.training.run import train_run
from tests.compared import reports_of
from tests.training.small import Killed, MakeConfig, evals, trained


@pytest.mark.parametrize("where", ["before", "while", "after"])
def test_a_kill_around_the_saving_of_the_best_epoch_changes_nothing(
    where: str, world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the best weights and their checkpoint, within it, and before the older one is removed."""
    whole = trained(config_of(), world, "whole")
    best = max(range(3), key=lambda epoch: evals(whole)[epoch]["eval_ndcg@10"]) + 1
    steps = whole.status().steps // 3
    save, name = (
        training_trainer.RecommenderTrainer._save_checkpoint,
        {"while": "rename_whole", "after": "remove_whole"},
    )

    def die(*_: Any) -> None:
        raise Killed

    def killed(self: Any, *args: Any) -> None:
        if self.state.global_step == max(2, best) * steps:
            if where == "before":
                raise Killed
            patch.setattr(training_trainer, name[where], die)
        save(self, *args)

    run = new_run("r", config_of(), world)
    with monkeypatch.context() as patch:
        patch.setattr(training_trainer.RecommenderTrainer, "_save_checkpoint", killed)
        with pytest.raises(Killed):
            train_run(run, world)
    run.write_status(run.status().model_copy(update={"pid": None}))
    train_run(run, world, resume=True)
    assert evals(run) == evals(whole)
    assert (run.folder / "model.safetensors").read_bytes() == (whole.folder / "model.safetensors").read_bytes()
    assert list(run.folder.rglob("*.part")) == []


def test_a_damaged_checkpoint_is_named_and_nothing_is_lost(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run("r", config_of(), world)
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "on_step_end", lambda self, args, state, control, **_: control_after(state))
        with pytest.raises(Killed):
            train_run(run, world)
    [checkpoint] = run.resume_folder.glob("checkpoint-*")
    (checkpoint / "optimizer.safetensors").write_bytes(b"half")
    run.write_status(run.status().model_copy(update={"pid": None}))
    with pytest.raises(CheckpointError, match=r"optimizer\.safetensors.*Delete the folder"):
        train_run(run, world, resume=True)
    assert len(evals(run)) == 1


def control_after(state: Any) -> None:
    if state.epoch > 1.5:
        raise Killed


def test_a_run_that_was_killed_while_it_was_measured_is_not_trained_again(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise Killed

    config = config_of(epochs=2)
    with monkeypatch.context() as patch:
        patch.setattr(training_run, "evaluate", killed)
        run = new_run("r", config, world)
        with pytest.raises(Killed):
            train_run(run, world)
    run.write_status(run.status().model_copy(update={"pid": None}))
    assert run.status().state == "interrupted"
    lines = run.metrics()
    train_run(run, world, resume=True)
    assert run.status().state == "finished"
    assert run.metrics() == lines
    [report] = reports_of(run)
    assert report["metrics"] == reports_of(trained(config, world, "whole"))[0]["metrics"]


def test_a_kill_while_the_state_to_go_on_from_is_removed_costs_nothing(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is removed when the training is over, which has to be known by then."""

    def killed(*_: Any) -> None:
        raise Killed

    run = new_run("r", config_of(), world)
    with monkeypatch.context() as patch:
        patch.setattr(training_run, "remove_whole", killed)
        with pytest.raises(Killed):
            train_run(run, world)
    [checkpoint] = run.resume_folder.glob("checkpoint-*")
    (checkpoint / "optimizer.safetensors").unlink()
    lines = run.metrics()
    run.write_status(run.status().model_copy(update={"pid": None}))
    train_run(run, world, resume=True)
    assert (run.status().state, run.metrics()) == ("finished", lines)
    assert not run.resume_folder.exists()


def test_a_run_that_had_lost_its_patience_is_not_trained_on_after_a_kill(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Trainer alone would learn one epoch more, and perhaps find it the best."""
    config = config_of(epochs=8, patience=1, head_lr=0.1)
    whole = trained(config, world, "whole")
    assert whole.status().step < whole.status().steps, "it ended early"

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    run = new_run("r", config, world)
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "on_train_end", killed)
        with pytest.raises(Killed):
            train_run(run, world)
    assert evals(run) == evals(whole)
    run.write_status(run.status().model_copy(update={"pid": None}))
    train_run(run, world, resume=True)
    assert run.status().state == "finished"
    assert evals(run) == evals(whole)
    assert (run.folder / "model.safetensors").read_bytes() == (whole.folder / "model.safetensors").read_bytes()
