"""A training run from its settings to its finished folder, and every way in which it can end."""

import json
import logging
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from recommender.config import RunConfig
from recommender.data.catalog import Catalog
from recommender.data.task import load_task
from recommender.errors import DataError, RecommenderError
from recommender.reports.report import evaluate
from recommender.runs.checkpoints import load_checkpoint
from recommender.runs.folder import Run, Status, new_run
from recommender.settings import ROOT, Settings
from recommender.training import run as training_run
from recommender.training import trainer as training_trainer
from recommender.training.job import fresh_run_id
from recommender.training.run import train_run
from tests.compared import reports_of
from tests.training.small import MakeConfig, evals, losses, trained


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
    assert (status.device_type, status.source_kind) == ("cpu", "folder")
    assert status.peak_memory_mb > 0
    names = {path.name for path in run.folder.iterdir()}
    report = f"report-folder-conversational-validation-new-{status.other_data}"
    assert names == {
        ".lock", "config.json", "status.json", "metrics.jsonl", "catalog.json", "model.safetensors", "log.txt",
        "learned.safetensors", "baselines.json", f"{report}.json", f"{report}.safetensors",
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


def test_two_fresh_processes_give_the_same_figures_and_the_same_files(world: Settings, config_of: MakeConfig) -> None:
    """Nothing goes by the order of a set, which differs from process to process."""
    config = config_of(tags=True, epochs=2)
    sample = config.model_copy(update={"data": config.data.model_copy(update={"source": "sample"})})
    files = []
    processes = []
    for seed in ("1", "2"):
        new_run(f"r{seed}", sample, world).write_status(Status(state="stopped"))
        words = [sys.executable, "-m", "recommender", "train", "--run-id", f"r{seed}", "--resume"]
        environment = os.environ | {"PYTHONHASHSEED": seed, "RECOMMENDER_CACHE_DIR": str(world.cache_dir / seed)}
        processes.append(subprocess.Popen(words, cwd=ROOT, env=environment, stderr=subprocess.PIPE))
    for seed, process in zip("12", processes, strict=True):
        _, said = process.communicate()
        assert process.returncode == 0, said.decode()
        run = Run(world.checkpoints_dir / f"r{seed}")
        [report] = reports_of(run)
        assert report["source"] == "sample"
        timeless = {key: value for key, value in report.items() if key not in ("run", "seconds", "peak_memory_mb")}
        weights = (run.folder / "model.safetensors").read_bytes()
        record = run.record(report)
        files.append((evals(run), losses(run), timeless, weights, record and record.to_bytes()))
    assert len(files[0][0]) == 2
    assert files[0] == files[1]


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
    from recommender.runs.folder import RUN_ID

    assert RUN_ID.fullmatch(fresh_run_id("weighted-rnn-tags"))
