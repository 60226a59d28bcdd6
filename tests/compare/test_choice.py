"""Which runs a comparison begins with, and what may stand in one table."""

from pathlib import Path

import pytest

from recommender.compare.choice import default_choice, describe_group, evaluate_command, groups_of, in_company
from recommender.compare.entries import Entry, Group, read_entries, read_entry
from recommender.compare.view import View
from recommender.runs.folder import Run
from tests.compared import make_record, make_report, make_run

TEST = Group("redial", "notebook", "test", "all")
VALIDATION = Group("redial", "notebook", "validation", "all")


def entries(home: Path) -> list[Entry]:
    return [read_entry(Run(folder)) for folder in sorted(home.iterdir())]


def test_an_original_run_and_its_weighted_twin_come_first(tmp_path: Path) -> None:
    make_run(tmp_path, "a-original-tags", "original-tags")
    make_run(tmp_path, "b-original")
    make_run(tmp_path, "c-weighted", "weighted-baseline")
    make_run(tmp_path, "default", "default")
    assert default_choice(entries(tmp_path)) == ["b-original", "c-weighted"]


def test_of_several_pairs_one_with_a_common_report_is_taken(tmp_path: Path) -> None:
    make_run(tmp_path, "a-original", report=False)
    make_run(tmp_path, "b-weighted", "weighted-baseline", report=False)
    make_run(tmp_path, "c-original")
    make_run(tmp_path, "d-weighted", "weighted-baseline")
    assert default_choice(entries(tmp_path)) == ["c-original", "d-weighted"]


def test_of_several_pairs_one_with_the_same_epochs_is_taken(tmp_path: Path) -> None:
    make_run(tmp_path, "a-original", overrides=["training.epochs=5"])
    make_run(tmp_path, "b-original")
    make_run(tmp_path, "c-weighted", "weighted-baseline")
    assert default_choice(entries(tmp_path)) == ["b-original", "c-weighted"]


def test_without_a_pair_the_shipped_run_is_taken(tmp_path: Path) -> None:
    make_run(tmp_path, "a", "frozen")
    make_run(tmp_path, "default", "default")
    assert default_choice(entries(tmp_path)) == ["default"]


def test_without_that_the_first_two_are_taken(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        make_run(tmp_path, name, "frozen")
    assert default_choice(entries(tmp_path)) == ["a", "b"]
    assert default_choice([]) == []


def test_a_run_is_set_against_its_twin_or_another_measured_alike(tmp_path: Path) -> None:
    make_run(tmp_path, "a-tags", "original-tags")
    make_run(tmp_path, "b-original")
    make_run(tmp_path, "c-weighted", "weighted-baseline")
    make_run(tmp_path, "d-rnn", "weighted-rnn")
    make_run(tmp_path, "e-alone", "default", protocol="conversational")
    found = entries(tmp_path)
    assert in_company("c-weighted", found) == ["b-original", "c-weighted"]
    assert in_company("d-rnn", found) == ["a-tags", "d-rnn"]
    assert in_company("e-alone", found) == ["e-alone"]


def test_the_group_of_most_runs_comes_first_then_the_test_split(tmp_path: Path) -> None:
    make_run(tmp_path, "a", split="validation")
    make_run(tmp_path, "b", split="validation")
    make_run(tmp_path, "c")
    found = entries(tmp_path)
    assert groups_of(found) == [VALIDATION, TEST]
    assert groups_of(found[1:]) == [TEST, VALIDATION]
    assert len({describe_group(group) for group in (TEST, VALIDATION, TEST._replace(targets="new"))}) == 3


def test_the_sample_is_never_taken_for_redial() -> None:
    assert "NOT ReDial" in describe_group(TEST._replace(source="sample"))


def test_the_command_names_what_is_missing() -> None:
    assert evaluate_command("mine", VALIDATION) == (
        "python -m recommender evaluate --run mine --protocol notebook --split validation --targets all"
    )


def test_runs_without_a_report_in_the_group_are_set_apart(tmp_path: Path) -> None:
    make_run(tmp_path, "a")
    make_run(tmp_path, "b", split="validation")
    make_run(tmp_path, "c", "default", protocol="conversational")
    view = View(tuple(entries(tmp_path)), TEST, "a")
    assert [entry.run_id for entry in view.measured] == ["a"]
    assert [entry.run_id for entry in view.unmeasured] == ["b", "c"]
    assert [entry.run_id for entry in view.trained_otherwise] == ["c"]


def test_the_same_model_has_one_colour_and_the_trainer_the_dash(tmp_path: Path) -> None:
    make_run(tmp_path, "a")
    make_run(tmp_path, "b", "weighted-baseline")
    make_run(tmp_path, "c", "original-tags")
    make_run(tmp_path, "d", "weighted-baseline", overrides=["seed=1"])
    marks = View(tuple(entries(tmp_path)), TEST, "a").marks
    assert marks["a"].colour == marks["b"].colour == marks["d"].colour != marks["c"].colour
    assert marks["a"].dash == marks["c"].dash != marks["b"].dash
    assert len({(mark.colour, mark.dash) for mark in marks.values()}) == 4


@pytest.mark.parametrize("name", ["config.json", "status.json"])
def test_a_run_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    make_run(tmp_path, "good")
    (make_run(tmp_path, "bad").folder / name).write_text("{")
    found, damaged = read_entries([Run(tmp_path / "bad"), Run(tmp_path / "good")])
    assert [entry.run_id for entry in found] == ["good"]
    assert list(damaged) == ["bad"]
    assert name in damaged["bad"]


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"source": "folder", "protocol": "notebook", "split": "test", "targets": "all", "metrics": {"ndcg@10": 0.1}}',
    ],
)
def test_a_damaged_report_leaves_the_rest_of_the_run(tmp_path: Path, content: str) -> None:
    run = make_run(tmp_path, "a")
    (run.folder / "report-folder-notebook-validation-all.json").write_text(content)
    entry = read_entry(run)
    (problem,) = entry.problems
    assert problem.startswith("a/report-folder-notebook-validation-all.json is damaged")
    assert list(entry.reports) == [TEST]
    assert entry.best_epoch == 3


def test_the_validation_report_is_the_one_on_which_the_epoch_was_picked(tmp_path: Path) -> None:
    run = make_run(tmp_path, "a")
    assert read_entry(run).validation is None
    own, foreign = make_record(0.1), make_record(0.3)
    run.write_report(make_report(foreign, "conversational", "validation"), foreign)
    run.write_report(make_report(own, "notebook", "validation"), own)
    found = read_entry(run).validation
    assert found is not None
    assert found.metrics["ndcg@10"] == pytest.approx(float(own.values["ndcg@10"].mean()))


def test_damaged_baselines_leave_the_rest_of_the_run(tmp_path: Path) -> None:
    run = make_run(tmp_path, "a")
    (run.folder / "baselines.json").write_text('{"popularity": {"ndcg@10": "much"}}')
    entry = read_entry(run)
    (problem,) = entry.problems
    assert problem.startswith("a/baselines.json is damaged")
    assert (entry.baselines, list(entry.reports)) == ({}, [TEST])


def test_the_architecture_says_what_a_model_reads(tmp_path: Path) -> None:
    make_run(tmp_path, "a", "weighted-rnn-tags", overrides=["model.text.train=none"])
    make_run(tmp_path, "b", "default")
    make_run(tmp_path, "c", "popularity")
    assert [(entry.architecture, entry.trainer) for entry in entries(tmp_path)] == [
        ("MiniLM frozen, text + RNN + tags", "weighted"),
        ("MiniLM last layers trained, messages + movies + counts", "softmax"),
        ("popularity", "none"),
    ]
