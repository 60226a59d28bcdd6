"""A report and its record agree with each other, with the examples, and with the baselines computed alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recommender.compare.entries import Report
from recommender.compare.lists import measures_at
from recommender.config import DataConfig, RunConfig
from recommender.config.models import ItemKnnSettings
from recommender.data.task import Task, load_catalog, load_task
from recommender.errors import DataError
from recommender.evaluation.beyond import training_mentions
from recommender.evaluation.measures import BEYOND
from recommender.evaluation.metrics import MetricError
from recommender.evaluation.records import Record
from recommender.models.base import Context, Recommender
from recommender.models.registry import make_model
from recommender.reports.report import TargetKind, baseline_metrics, evaluate, wanted
from recommender.runs.folder import SHIPPED_RUNS, Run
from recommender.settings import ROOT, Settings
from tests.compared import reports_of

CPU = torch.device("cpu")


@pytest.fixture
def task(world: Settings) -> Task:
    return load_task("conversational", DataConfig(validation=0.25), 3, world)


@pytest.fixture
def model(task: Task) -> Recommender:
    model = make_model(ItemKnnSettings(), Context(task.catalog, data=task.config))
    model.fit(model.training_items(task))
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


def test_other_cut_offs_come_beside_the_usual_ones_and_the_record_reaches_as_far(
    model: Recommender, task: Task
) -> None:
    usual, shallow = measured(model, task, "new")
    report, record = evaluate(model, task, "test", "new", CPU, asked=(12, 3, 12))
    assert [name for name in report["metrics"] if name.startswith("ndcg")] == [f"ndcg@{k}" for k in (1, 3, 10, 12, 50)]
    assert record.rankings.shape == record.found.shape == (len(record.example_ids), 12)
    np.testing.assert_array_equal(record.rankings[:, :10], shallow.rankings)
    for part in ("metrics", "beyond", "intervals"):
        assert usual[part].items() <= report[part].items()
    assert report["baselines"]["copy"].keys() == report["metrics"].keys()
    assert {f"{name}@12" for name in BEYOND} <= report["beyond"].keys()
    covered = [report["beyond"][f"coverage@{k}"] for k in (1, 3, 10, 12, 50)]
    assert covered == sorted(covered)


@pytest.mark.parametrize("cutoff", [0, -3, 10_000])
def test_a_cut_off_beyond_the_catalogue_is_told_before_anything_is_ranked(
    cutoff: int, model: Recommender, task: Task
) -> None:
    with pytest.raises(MetricError, match=f"from 1 to {len(task.catalog)}.*found {cutoff}"):
        evaluate(model, task, "test", "new", CPU, asked=(5, cutoff))


def test_the_record_says_what_the_inputs_name_and_how_well_known_each_movie_is(model: Recommender, task: Task) -> None:
    _, record = measured(model, task, "all")
    examples = [example for example in task.examples("test") if wanted(example, "all")]
    assert record.named is not None
    ends = record.named.lengths.cumsum().tolist()
    named = [
        record.named.items[end - length : end].tolist() for end, length in zip(ends, record.named.lengths, strict=True)
    ]
    assert named == [task.catalog.indices(example.mentioned) for example in examples]
    assert record.mentions is not None
    assert record.mentions.tolist() == training_mentions(task).tolist()


@pytest.mark.parametrize("targets", ["all", "new"])
def test_a_record_gives_the_report_s_values_at_every_cut_off(
    targets: TargetKind, model: Recommender, task: Task
) -> None:
    """Also the accuracy: how many targets an example has is worked out from what was found."""
    every = tuple(range(1, 13))
    report, record = evaluate(model, task, "test", targets, CPU, asked=every)
    _, shallow = measured(model, task, targets)
    shown = Report.model_validate(report)
    nothing = shown.model_copy(update={"metrics": {}, "beyond": {}})
    for cutoff in every:
        expected = {name: v for name, v in (shown.metrics | shown.beyond).items() if name.endswith(f"@{cutoff}")}
        assert measures_at(cutoff, nothing, record, task.catalog) == pytest.approx(expected, abs=1e-7)
        if cutoff <= 10:
            assert measures_at(cutoff, nothing, shallow, task.catalog) == pytest.approx(expected, abs=1e-7)


def test_baselines_alone_are_those_of_the_report(model: Recommender, task: Task) -> None:
    report, _ = measured(model, task, "new")
    assert baseline_metrics(task, "test", "new") == report["baselines"]
    assert report["baselines"]["item_knn"] == report["metrics"]
    assert baseline_metrics(task, "validation", "new") != report["baselines"]


def test_without_an_example_there_is_nothing_to_measure(task: Task, model: Recommender) -> None:
    empty = Task(task.catalog, task.data, "conversational", DataConfig(validation=0.001), 3, task.settings)
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
    learned = make_model(config.model, Context(task.catalog))
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
        catalog = load_catalog(Settings())
        at_ten = measures_at(10, Report.model_validate(report | {"beyond": {}}), record, catalog)
        assert {f"{name}@10" for name in BEYOND} <= at_ten.keys()
        reported = {n: v for n, v in (report["metrics"] | report["beyond"]).items() if n.endswith("@10")}
        assert {name: at_ten[name] for name in reported} == pytest.approx(reported, abs=1e-9)
