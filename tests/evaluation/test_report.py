"""A report and its record agree with each other, with the examples, and with the baselines computed alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recommender.config import DataConfig, ModelConfig, RunConfig
from recommender.data.task import Task, load_catalog, load_task
from recommender.errors import DataError
from recommender.evaluation.records import Record
from recommender.evaluation.report import TargetKind, baseline_metrics, evaluate, wanted
from recommender.models.base import Recommender
from recommender.models.inputs import example_items
from recommender.models.registry import make_model
from recommender.runs import SHIPPED_RUNS, Run
from recommender.settings import ROOT, Settings
from tests.compared import reports_of

CPU = torch.device("cpu")


@pytest.fixture
def task(world: Settings) -> Task:
    return load_task("conversational", DataConfig(validation=0.25), 3, world)


@pytest.fixture
def model(task: Task) -> Recommender:
    model = make_model(ModelConfig(kind="item_knn"), len(task.catalog), None, 0)
    model.fit(example_items(model, task.examples("train"), task.catalog, task.config, task.settings.cache_dir))
    return model


def measured(model: Recommender, task: Task, targets: TargetKind) -> tuple[dict[str, Any], Record]:
    return evaluate(model, task, "test", targets, CPU)


@pytest.mark.parametrize("targets", ["all", "new"])
def test_the_report_s_means_are_those_of_the_record(targets: TargetKind, model: Recommender, task: Task) -> None:
    report, record = measured(model, task, targets)
    assert list(record.values) == list(report["metrics"])
    assert {"ndcg@10", "recall@1", "recall@10", "recall@50", "mrr@10"} <= record.values.keys()
    for name, values in record.values.items():
        assert float(values.mean()) == pytest.approx(report["metrics"][name], abs=1e-6)
        low, high = report["intervals"][name]
        assert low <= report["metrics"][name] <= high
    assert len(record.example_ids) == report["examples"]


@pytest.mark.parametrize("targets", ["all", "new"])
def test_the_record_is_of_the_split_s_examples_in_order(targets: TargetKind, model: Recommender, task: Task) -> None:
    _, record = measured(model, task, targets)
    examples = [example for example in task.examples("test") if wanted(example, targets)]
    assert record.example_ids == tuple(example.example_id for example in examples)
    assert record.dialogues == tuple(example.dialogue_id for example in examples)
    assert record.mentioned.tolist() == [len(example.mentioned) for example in examples]
    assert record.words.tolist() == [len(example.text.split()) for example in examples]
    assert record.catalog == task.catalog.fingerprint
    named = [m for dialogue in task.split("train") for message in dialogue.messages for m in message.movie_ids]
    known = [np.mean([named.count(movie_id) for movie_id in wanted(example, targets)]) for example in examples]
    np.testing.assert_allclose(record.popularity, known, rtol=1e-6)
    assert len(set(known)) > 3


def test_the_record_keeps_the_first_ten_ranks(model: Recommender, task: Task, tmp_path: Path) -> None:
    path = tmp_path / "rankings.jsonl"
    report, record = evaluate(model, task, "test", "new", CPU, path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row, example_id, ranking in zip(rows, record.example_ids, record.rankings, strict=True):
        assert row["example_id"] == example_id
        kept = [task.catalog[int(index)].movie_id for index in ranking if index >= 0]
        assert kept == row["ranking"][:10]
    assert report["beyond"]["coverage@10"] == len(set(record.rankings[record.rankings >= 0])) / len(task.catalog)


def test_baselines_alone_are_those_of_the_report(model: Recommender, task: Task) -> None:
    report, _ = measured(model, task, "new")
    assert baseline_metrics(task, "test", "new") == report["baselines"]
    assert report["baselines"]["item_knn"] == report["metrics"]
    assert baseline_metrics(task, "validation", "new") != report["baselines"]


def test_without_an_example_there_is_nothing_to_measure(task: Task, model: Recommender) -> None:
    empty = Task(task.catalog, task.dialogues, "conversational", DataConfig(validation=0.001), 3, task.settings)
    for measure in (
        lambda: baseline_metrics(empty, "validation", "new"),
        lambda: evaluate(model, empty, "validation", "new", CPU),
    ):
        with pytest.raises(DataError, match="No example of the validation split"):
            measure()


def test_parameters_tell_those_trained_from_those_frozen(task: Task, model: Recommender, tiny_encoder: str) -> None:
    assert measured(model, task, "new")[0]["parameters"] == {"trained": 0, "all": 0}
    config = RunConfig.model_validate(
        {
            "protocol": "conversational",
            "model": {"text": {"name": tiny_encoder, "train": "none"}, "head": {"kind": "ffn", "hidden": 8}},
        }
    )
    learned = make_model(config.model, len(task.catalog), None, 0)
    assert learned.text is not None
    frozen = sum(parameter.numel() for parameter in learned.text.parameters())
    found = measured(learned, task, "new")[0]["parameters"]
    assert found["all"] - found["trained"] == frozen > 0
    assert found["trained"] == sum(p.numel() for name, p in learned.named_parameters() if not name.startswith("text."))


@pytest.mark.parametrize("run_id", SHIPPED_RUNS)
def test_the_shipped_reports_are_the_means_of_the_shipped_records(run_id: str) -> None:
    run = Run(ROOT / "checkpoints" / run_id)
    reports = [report for report in reports_of(run) if report["source"] == "folder"]
    assert {"test", "validation"} <= {report["split"] for report in reports}
    for report in reports:
        record = run.record(report)
        assert record is not None
        assert len(record.example_ids) == report["examples"]
        assert record.catalog == load_catalog(Settings()).fingerprint
        np.testing.assert_array_equal(record.found.any(axis=1), record.values["hit@10"])
        for name, value in report["metrics"].items():
            assert float(record.values[name].mean(dtype=np.float64)) == pytest.approx(value, abs=1e-7)
