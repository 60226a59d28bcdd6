"""A training run from its settings to its finished folder, and every way in which it can end."""

import errno
import json
import logging
import os
import signal
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from recommender.checkpoints import load_checkpoint
from recommender.config import RunConfig
from recommender.data.catalog import Catalog
from recommender.data.task import load_task
from recommender.errors import DataError, RecommenderError
from recommender.evaluation.report import evaluate
from recommender.runs import Run, Status, new_run
from recommender.settings import Settings
from recommender.training import run as training_run
from recommender.training import trainer as training_trainer
from recommender.training.job import fresh_run_id
from recommender.training.progress import Progress
from recommender.training.run import train_run
from tests.compared import reports_of

MakeConfig = Callable[..., RunConfig]


@pytest.fixture
def config_of(tiny_encoder: str) -> MakeConfig:
    def make(protocol: str = "conversational", text: str = "none", tags: bool = False, **training: Any) -> RunConfig:
        settings = {"epochs": 3, "batch_size": 16, "encoder_lr": 1e-3, "head_lr": 1e-2}
        return RunConfig.model_validate(
            {
                "protocol": protocol,
                "data": {"validation": 0.25},
                "model": {
                    "text": {"name": tiny_encoder, "train": text},
                    "history": {"kind": "gru", "embedding": 8, "hidden": 8},
                    "head": {"hidden": 16},
                    "tags": tags,
                },
                "loss": {"kind": "softmax"},
                "training": settings | training,
            }
        )

    return make


def trained(config: RunConfig, settings: Settings, run_id: str = "r") -> Run:
    run = new_run(run_id, config, settings)
    train_run(run, settings)
    return run


def evals(run: Run) -> list[dict[str, float]]:
    timeless = ("seconds",)
    return [{k: v for k, v in row.items() if k not in timeless} for row in run.metrics() if "eval_ndcg@10" in row]


def losses(run: Run) -> list[float]:
    return [row["loss"] for row in run.metrics() if "loss" in row]


def test_a_finished_run_says_what_it_was(
    world: Settings, config_of: MakeConfig, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        run = trained(config_of(), world)
    status = run.status()
    assert (status.state, status.reason, status.epoch) == ("finished", "", 3)
    assert status.step == status.steps > 0
    assert status.steps == 3 * -(-status.train_examples // 16)
    assert 0 < status.validation_examples < status.train_examples
    assert status.source.startswith("ReDial (folder)")
    assert (status.seed, status.pid) == (42, os.getpid())
    assert status.device.startswith("CPU")
    assert status.peak_memory_mb > 0
    names = {path.name for path in run.folder.iterdir()}
    report = "report-folder-conversational-validation-new"
    assert names == {
        "config.json", "status.json", "metrics.jsonl", "catalog.json", "model.safetensors", "log.txt", "baselines.json",
        f"{report}.json", f"{report}.safetensors",
    }  # fmt: skip
    assert run.config() == config_of()
    log = (run.folder / "log.txt").read_text()
    assert "data: ReDial (folder)" in log
    assert "epoch 3 of 3: validation ndcg@10" in log


def test_a_finished_run_is_measured_with_its_best_weights(world: Settings, config_of: MakeConfig) -> None:
    run = trained(config_of(epochs=4), world)
    [report] = reports_of(run)
    best = max(evals(run), key=lambda row: row["eval_ndcg@10"])
    assert report["metrics"]["ndcg@10"] == pytest.approx(best["eval_ndcg@10"], abs=1e-9)
    assert (report["epoch"], report["split"], report["targets"]) == (best["epoch"], "validation", "new")
    assert (report["run"], report["seconds"]) == ("r", run.status().seconds)
    record = run.record(report)
    assert record.values["ndcg@10"].mean() == pytest.approx(best["eval_ndcg@10"], abs=1e-6)
    assert run.baselines() == report["baselines"]
    assert set(run.baselines()) == {"popularity", "copy", "item_knn"}


def test_it_says_what_it_is_doing(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []
    write = Run.write_status

    def note(self: Run, status: Status) -> None:
        seen.append(status.phase)
        write(self, status)

    monkeypatch.setattr(Run, "write_status", note)
    with caplog.at_level(logging.INFO):
        run = trained(config_of(epochs=1), world)
    told = [phase for before, phase in pairwise(["", *seen]) if phase != before]
    vectors = [phase for phase in told if phase.startswith("computing text vectors: ")]
    count = f"{run.status().train_examples:,}"
    assert vectors[0].startswith(f"computing text vectors: {count} of {count} ")
    assert [phase for phase in told if phase not in vectors] == [
        "reading the data", "preparing the examples", "measuring the baselines", "training", "measuring", "training",
        "measuring", "",
    ]  # fmt: skip


def test_training_lines_hold_speed_and_memory(world: Settings, config_of: MakeConfig) -> None:
    run = trained(config_of(epochs=2), world)
    rows = [row for row in run.metrics() if "loss" in row]
    assert len(rows) > 2
    assert all(row["examples_per_second"] > 0 and row["memory_mb"] > 0 for row in rows)
    assert not any("memory_mb" in row for row in run.metrics() if "loss" not in row)


def test_it_learns(world: Settings, config_of: MakeConfig) -> None:
    run = trained(config_of(epochs=12), world)
    assert losses(run)[-1] < 0.8 * losses(run)[0]
    values = [row["eval_ndcg@10"] for row in evals(run)]
    assert len(values) == 12
    assert max(values) > values[0]


@pytest.mark.parametrize(("text", "tags"), [("none", False), ("all", True), ("lora", False)])
def test_the_same_seed_gives_the_same_figures_to_the_last_digit(
    text: str, tags: bool, world: Settings, config_of: MakeConfig
) -> None:
    config = config_of(text=text, tags=tags, epochs=2)
    one = trained(config, world, "one")
    torch.rand(17)  # whatever was drawn before a run does not reach it
    same = trained(config, world, "same")
    assert len(evals(one)) == 2
    assert evals(one) == evals(same)
    assert losses(one) == losses(same)
    weights, again = one.weights()[0], same.weights()[0]
    assert all(torch.equal(tensor, again[name]) for name, tensor in weights.items())
    other = trained(config.model_copy(update={"seed": 43}), world, "other")
    assert losses(other) != losses(one)


def test_the_run_keeps_the_weights_of_the_best_epoch(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Validation is told to be 0.2, 0.9, 0.4: the weights of the second epoch stay."""
    seen: list[torch.Tensor] = []

    def evaluated(self: training_trainer.RecommenderTrainer, *_: Any, **__: Any) -> dict[str, float]:
        seen.append(self.recommender.state_dict()["head.4.bias"].clone())
        metrics = {"eval_ndcg@10": (0.2, 0.9, 0.4)[len(seen) - 1]}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    monkeypatch.setattr(training_trainer.RecommenderTrainer, "evaluate", evaluated)
    run = trained(config_of(), world)
    weights, _ = run.weights()
    assert torch.equal(weights["head.4.bias"], seen[1])
    assert not torch.equal(seen[1], seen[2])


def test_the_kept_weights_score_what_was_logged_for_their_epoch(world: Settings, config_of: MakeConfig) -> None:
    config = config_of(epochs=4)
    run = trained(config, world)
    task = load_task(config.protocol, config.data, config.seed, world)
    model = load_checkpoint(run, torch.device("cpu")).model
    report, _ = evaluate(model, task, "validation", "new", torch.device("cpu"))
    best = max(row["eval_ndcg@10"] for row in evals(run))
    assert report["metrics"]["ndcg@10"] == pytest.approx(best, abs=1e-9)
    assert report["source"] == "folder"
    assert set(report["baselines"]) == {"popularity", "copy", "item_knn"}


def test_a_counting_model_is_trained_in_one_pass(world: Settings) -> None:
    config = RunConfig.model_validate({"protocol": "conversational", "model": {"kind": "popularity"}})
    run = trained(config, world)
    assert run.status().state == "finished"
    assert run.metrics() == []
    weights, _ = run.weights()
    assert weights["counts"].sum() > run.status().train_examples > 0


def test_tags_without_movielens_end_the_run_with_the_reason(
    world: Settings, config_of: MakeConfig, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for split in ("train", "test"):
        (bare / f"{split}_data.jsonl").write_bytes((world.data_dir / f"{split}_data.jsonl").read_bytes())
    run = new_run("r", config_of(tags=True), world)
    with pytest.raises(RecommenderError, match="needs MovieLens tags"):
        train_run(run, world.model_copy(update={"data_dir": bare}))
    assert run.status().state == "failed"
    assert "choose a preset without tags" in run.status().reason


def test_a_loss_that_is_not_finite_fails_with_what_to_change(
    world: Settings, config_of: MakeConfig, caplog: pytest.LogCaptureFixture
) -> None:
    run = new_run("r", config_of(head_lr=1e30, encoder_lr=1e30, clip=1e30, warmup=0.0), world)
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
    assert "resume" in status.reason
    assert not run.has_weights
    assert not has_part(run, "model")


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


def test_too_little_memory_names_the_batch_size(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(training_trainer.RecommenderTrainer, "compute_loss", fail)
    run = new_run("r", config_of(), world)
    with pytest.raises(RecommenderError, match=r"training\.batch_size=8"):
        train_run(run, world)
    assert (run.status().state, run.status().problem) == ("failed", "out_of_memory")


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


class Killed(BaseException):
    """Ends a run without a word, as a kill does."""


def test_a_validation_split_without_targets_is_not_measured(world: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: Any) -> None:
        raise DataError("No example of the validation split has a target")

    monkeypatch.setattr(training_run, "evaluate", nothing)
    run = trained(RunConfig.model_validate({"protocol": "conversational", "model": {"kind": "copy"}}), world)
    assert run.status().state == "finished"
    assert reports_of(run) == []
    assert "not measured: No example" in run.log_file.read_text()


def test_metrics_can_be_read_line_by_line(world: Settings, config_of: MakeConfig) -> None:
    run = trained(config_of(epochs=2), world)
    lines = (run.folder / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert rows == run.metrics()
    assert all(row["step"] >= 1 and row["seconds"] >= 0 for row in rows)
    names = {f"eval_{name}@{cutoff}" for name in ("ndcg", "recall", "hit", "mrr") for cutoff in (1, 10, 50)}
    assert [names <= row.keys() for row in rows if "eval_ndcg@10" in row] == [True, True]


def start_from(config: RunConfig, run_id: str) -> RunConfig:
    return config.model_copy(update={"start_from": run_id})


def test_a_run_starts_with_the_weights_of_another(world: Settings, config_of: MakeConfig) -> None:
    """A rate near zero: what it had learned is still there after an epoch; its adapters are fresh."""
    first = trained(config_of(epochs=6), world, "first")
    still = {"epochs": 1, "head_lr": 1e-12, "encoder_lr": 1e-12}
    second = trained(start_from(config_of(text="lora", **still), "first"), world, "second")
    (learned, _), (taken, _) = first.weights(), second.weights()
    assert learned.keys() < taken.keys()
    assert all("lora_" in name for name in taken.keys() - learned.keys())
    for name, tensor in learned.items():
        torch.testing.assert_close(taken[name], tensor, atol=1e-6, rtol=0)
    assert evals(second)[0]["eval_ndcg@10"] == pytest.approx(max(row["eval_ndcg@10"] for row in evals(first)), abs=1e-6)


def test_a_run_to_start_from_that_does_not_fit_is_an_error_that_says_what_to_do(
    world: Settings, config_of: MakeConfig, small_catalog: Catalog
) -> None:
    run = new_run("r", start_from(config_of(), "frozen"), world)
    with pytest.raises(RecommenderError, match=r"train --preset frozen --run-id frozen .* data.hold_out=random"):
        train_run(run, world)
    assert run.status().state == "failed"
    frozen = new_run("frozen", config_of(), world)
    with pytest.raises(RecommenderError, match="is queued, not finished"):
        train_run(run, world, resume=True)
    frozen.write_status(Status(state="finished"))
    frozen.write_weights({"x": torch.zeros(1)}, {"catalog": "another", "encoder": ""})
    with pytest.raises(RecommenderError, match="another catalogue or encoder; train it again"):
        train_run(run, world, resume=True)
    frozen.write_weights({"x": torch.zeros(1)}, {"catalog": small_catalog.fingerprint, "encoder": ""})
    with pytest.raises(RecommenderError, match="unknown tensor x"):
        train_run(run, world, resume=True)


def test_a_run_is_not_started_from_one_that_learned_what_it_holds_out(world: Settings, config_of: MakeConfig) -> None:
    first = config_of(epochs=1)
    trained(first, world, "first")
    other = first.model_copy(update={"seed": 7})
    with pytest.raises(RecommenderError, match=r"learned from \d+ of the \d+ dialogues that this run holds out"):
        trained(start_from(other, "first"), world, "second")


def test_adapters_are_not_put_on_another_encoder_than_the_first_run_s(world: Settings, config_of: MakeConfig) -> None:
    """The head of the first run has learned to read the vectors of its own encoder."""
    first = trained(config_of(epochs=1), world, "first")
    weights, facts = first.weights()
    first.write_weights(weights, facts | {"encoder": "0" * 32})
    with pytest.raises(RecommenderError, match="encoder"):
        trained(start_from(config_of(text="lora", epochs=1), "first"), world, "second")


def test_a_finished_run_is_not_resumed(world: Settings, config_of: MakeConfig) -> None:
    run = trained(config_of(epochs=1), world)
    with pytest.raises(RecommenderError, match="r is finished; there is nothing to resume"):
        train_run(run, world, resume=True)


def test_every_run_id_that_is_made_up_is_allowed() -> None:
    from recommender.runs import RUN_ID

    assert RUN_ID.fullmatch(fresh_run_id("weighted-rnn-tags"))
