"""The recorded measurements, the tables made from them, and an experiment that is run again."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from recommender.config.presets import load_preset
from recommender.data.task import Task
from recommender.errors import DataError, UnknownNameError
from recommender.results import tables
from recommender.results.causes import alone, steps
from recommender.results.experiments import EXPERIMENTS, Experiment, find_experiment
from recommender.results.gradient_norms import collect_gradient_norms, load_gradient_norms
from recommender.results.records import KEPT, Result, band, collect_results, load_results, results_of
from recommender.results.reproduce import compare, reproduce
from recommender.results.tables import BEGIN, END, documents, put_into, short
from recommender.runs.folder import find_run, list_runs
from recommender.settings import Settings
from recommender.training import run as training_run


def result(seed: int = 42, value: float = 0.1, **changed: Any) -> Result:
    metrics = dict.fromkeys(KEPT, (value, value - 0.01, value + 0.01))
    baselines = {kind: dict.fromkeys(KEPT, 0.05) for kind in ("popularity", "copy", "item_knn")}
    made = Result("paper-softmax-rnn", seed, "all", metrics, baselines, 10, 20, 3.0, 60.0, "CPU", "abc")
    return replace(made, **changed)


def report(seed: int, value: float, **changed: Any) -> str:
    facts = {"protocol": "paper", "split": "test", "targets": "all", "source": "folder", "seed": seed, "commit": "abc"}
    facts |= {"metrics": dict.fromkeys(KEPT, value), "intervals": {name: [value - 0.01, value + 0.01] for name in KEPT}}
    facts |= {"baselines": {"copy": dict.fromkeys(KEPT, 0.05)}, "examples": 10, "target_count": 20}
    return json.dumps(facts | changed)


# What ships


def test_the_documents_show_what_is_recorded() -> None:
    stale = [path.name for path, block in documents().items() if put_into(path, block, write=False)]
    assert stale == [], "run `python -m recommender results`"


@pytest.mark.parametrize("made", load_results(), ids=lambda r: f"{r.experiment}-{r.targets}-s{r.seed}")
def test_a_recorded_measurement_belongs_to_an_experiment_and_holds_together(made: Result) -> None:
    experiment = EXPERIMENTS[made.experiment]
    assert made.targets in experiment.targets
    for value, low, high in made.metrics.values():
        assert 0 <= low <= value <= high <= 1
    assert made.baselines.keys() == {"popularity", "copy", "item_knn"}
    assert made.examples <= made.target_count
    assert made.commit


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_can_be_configured_and_asks_for_its_own_protocol(name: str) -> None:
    experiment = EXPERIMENTS[name]
    config = load_preset(experiment.preset, list(experiment.overrides))
    assert config.protocol == experiment.protocol
    assert config.start_from in ("", *experiment.first[:1])


def test_every_cause_is_recorded_with_the_same_seeds() -> None:
    found = [*steps("ndcg@10"), *alone("ndcg@10")]
    assert len(found) == 13
    assert {len(step.values) for step in found} == {3}


def test_the_gradient_norms_of_both_losses_are_recorded() -> None:
    curves = load_gradient_norms()
    assert set(curves) == set(product(("movie loss", "tag loss"), ("alpha 1", "alpha 0.001")))
    assert all(len(epochs) > 5 for epochs, _ in curves.values())


# How it is made


def test_the_band_of_three_seeds_by_hand() -> None:
    found = [result(42, 0.10), result(1, 0.12), result(2, 0.17)]
    assert band(found, "ndcg@10") == pytest.approx((0.09, 0.18))


def test_reports_of_runs_become_records_and_replace_those_of_the_same_seed(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    for seed, value in ((1, 0.2), (42, 0.3)):
        run = tmp_path / "runs" / f"paper-softmax-rnn-s{seed}"
        run.mkdir(parents=True)
        (run / "report-folder-paper-test-all.json").write_text(report(seed, value))
        (run / "report-folder-paper-validation-all.json").write_text("not read")
    (tmp_path / "runs" / "mine").mkdir()
    (tmp_path / "runs" / "mine" / "report-folder-paper-test-all.json").write_text(report(42, 0.9))
    assert len(collect_results(tmp_path / "runs", file)) == 2
    assert {(r.seed, r.metrics["ndcg@10"]) for r in load_results(file)} == {
        (1, (0.2, 0.19, 0.21)),
        (42, (0.3, 0.29, 0.31)),
    }
    again = tmp_path / "later" / "again-paper-softmax-rnn-s1"
    again.mkdir(parents=True)
    (again / "report-folder-paper-test-all.json").write_text(report(1, 0.25))
    collect_results(tmp_path / "later", file)
    assert {r.seed: r.metrics["ndcg@10"][0] for r in load_results(file)} == {1: 0.25, 42: 0.3}


def test_the_report_of_the_experiment_s_own_split_is_taken(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "dialogue-paper-fifth-s42"
    run.mkdir(parents=True)
    (run / "report-folder-paper-test-all.json").write_text(report(42, 0.1))
    (run / "report-folder-paper-validation-all.json").write_text(report(42, 0.2, split="validation"))
    collect_results(tmp_path / "runs", tmp_path / "records.jsonl")
    [made] = load_results(tmp_path / "records.jsonl")
    assert (made.experiment, made.metrics["ndcg@10"][0]) == ("dialogue-paper-fifth", 0.2)


@pytest.mark.parametrize("wrong", [{"source": "sample"}, {"seed": 7}, {"split": "validation"}])
def test_a_report_of_something_else_is_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    run = tmp_path / "runs" / "paper-softmax-rnn"
    run.mkdir(parents=True)
    (run / "report-folder-paper-test-all.json").write_text(report(**{"seed": 42, "value": 0.3, **wrong}))
    with pytest.raises(DataError, match="paper-softmax-rnn"):
        collect_results(tmp_path / "runs", tmp_path / "records.jsonl")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text('{"experiment": 1}\n')
    with pytest.raises(DataError, match=r"records\.jsonl"):
        load_results(path)


@pytest.mark.parametrize(("value", "digits", "text"), [(0.0447, 4, ".0447"), (0.25, 3, ".250"), (1.0, 3, "1.000")])
def test_figures_are_printed_as_in_such_tables(value: float, digits: int, text: str) -> None:
    assert short(value, digits) == text


def test_a_cell_shows_how_far_the_seeds_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "results_of", lambda name: [result(42, 0.10), result(1, 0.12)])
    assert tables._cell("x") == ".1100 (.1000-.1200, 2)"
    monkeypatch.setattr(tables, "results_of", lambda name: [])
    assert tables._cell("x") == "-"


def test_the_block_goes_between_its_markers_and_nothing_else_changes(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert put_into(document, "new", write=False)
    assert "old" in document.read_text()
    assert put_into(document, "new")
    assert document.read_text() == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    assert not put_into(document, "new")
    document.write_text("no markers")
    with pytest.raises(DataError, match="no place"):
        put_into(document, "new")


def test_a_figure_outside_its_band_is_noticed() -> None:
    [recorded, *_] = results_of("paper-softmax-rnn")
    assert all(part.as_expected for part in compare(recorded))
    _, low, high = recorded.metrics["ndcg@10"]
    off = replace(recorded, metrics=recorded.metrics | {"ndcg@10": (high + 0.2, low, high)})
    assert [part.metric for part in compare(off) if not part.as_expected] == ["ndcg@10"]


@pytest.fixture
def taken_for_redial(monkeypatch: pytest.MonkeyPatch) -> None:
    """The made-up dialogues of `world` pass for the published splits."""
    monkeypatch.setattr(Task, "other_data", lambda self, split: "")


@pytest.mark.usefixtures("taken_for_redial")
def test_an_experiment_is_run_again_and_not_trained_twice(world: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = Experiment("paper-softmax-rnn", "item-knn", "paper", overrides=("protocol=paper",))
    found = reproduce(experiment, 1, world)
    assert [part.metric for part in found] == list(KEPT)
    assert not any(part.as_expected for part in found if part.metric == "recall@50")  # twelve movies are no ReDial
    monkeypatch.setattr(training_run, "train_run", None)
    assert reproduce(experiment, 1, world) == found
    [run] = list_runs(world)
    assert run.run_id == "again-paper-softmax-rnn-s1"
    assert run.report_names()


@pytest.mark.usefixtures("taken_for_redial")
def test_the_run_that_one_starts_from_is_trained_first_and_named_after_it(world: Settings) -> None:
    first = ("item-knn", "protocol=paper")
    experiment = Experiment("paper-softmax-rnn", "item-knn", "paper", overrides=("protocol=paper",), first=first)
    reproduce(experiment, 1, world)
    assert {run.run_id for run in list_runs(world)} == {
        "again-paper-softmax-rnn-first-s1",
        "again-paper-softmax-rnn-s1",
    }
    config = find_run("again-paper-softmax-rnn-s1", world).config()
    assert config.start_from == "again-paper-softmax-rnn-first-s1"


def test_the_sample_is_no_ground_for_the_recorded_figures(world: Settings) -> None:
    experiment = Experiment(
        "paper-softmax-rnn", "popularity", "paper", overrides=("protocol=paper", "data.source=sample")
    )
    with pytest.raises(DataError, match="ReDial"):
        reproduce(experiment, 42, world)
    assert list_runs(world) == []


def test_an_unknown_experiment_is_told_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="paper-softmax-rnn"):
        find_experiment("paper-softmax-rn")


def test_gradient_norms_are_taken_from_the_logs_of_their_experiments(tmp_path: Path) -> None:
    for name, norm in (("pull-alpha-1-s42", 0.123456), ("pull-alpha-1-s7", 7.0), ("other", 9.0)):
        (tmp_path / name).mkdir()
        rows = [
            {"epoch": 0.5, "movie_gradient": norm, "tag_gradient": 2.0},
            {"epoch": 1.0, "eval_ndcg@10": 0.1},
        ]
        (tmp_path / name / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert collect_gradient_norms(tmp_path, tmp_path / "gradient_norms.json") == [
        "movie loss, alpha 1",
        "tag loss, alpha 1",
    ]
    found = load_gradient_norms(tmp_path / "gradient_norms.json")
    assert {key: (list(epochs), list(norms)) for key, (epochs, norms) in found.items()} == {
        ("movie loss", "alpha 1"): ([0.5], [0.1235]),
        ("tag loss", "alpha 1"): ([0.5], [2.0]),
    }
    (tmp_path / "gradient_norms.json").write_text('[{"loss": "a", "run": "b", "epochs": [], "norms": []}]')
    with pytest.raises(DataError, match="without points"):
        load_gradient_norms(tmp_path / "gradient_norms.json")


def test_a_folder_without_such_runs_leaves_the_gradient_norms_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    assert collect_gradient_norms(tmp_path / "runs", tmp_path / "gradient_norms.json") == []
    assert not (tmp_path / "gradient_norms.json").exists()
    with pytest.raises(DataError, match="missing or damaged"):
        load_gradient_norms(tmp_path / "gradient_norms.json")
