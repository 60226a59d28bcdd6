"""What lists are like at any cut-off: from the record, from the report, or not at all, and then why."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommender.charts.style import LIGHT
from recommender.compare.choice import groups_of
from recommender.compare.entries import Report, read_entry
from recommender.compare.figures import popularity_figure
from recommender.compare.lists import cutoffs_of, measures_at, target_counts, targets_popularity, unknown
from recommender.compare.table import list_table
from recommender.compare.view import View
from recommender.compare.words import calibrated, unknown_of
from recommender.evaluation.measures import BEYOND
from recommender.evaluation.records import Record
from recommender.runs.folder import Run
from tests.compared import CATALOG, make_record, make_report, make_run

RECORD = make_record(0.0)
REPORT = Report.model_validate(make_report(RECORD))


def deep(ranks: int) -> Record:
    rankings = np.tile(np.arange(ranks, dtype=np.int32), (len(RECORD.example_ids), 1))
    return replace(RECORD, rankings=rankings, found=rankings < 0)


def old(record: Record) -> Record:
    return replace(record, inputs=None, mentions=None)


def held_at(*cutoffs: int) -> Report:
    return REPORT.model_copy(update={"beyond": {f"coverage@{cutoff}": 0.5 for cutoff in cutoffs}})


@pytest.mark.parametrize(
    ("reports", "records", "offered"),
    [
        ([REPORT, REPORT], [deep(4), deep(3)], [1, 2, 3, 10]),  # both reports hold 10
        ([held_at(1, 10, 50), held_at(10, 50)], [deep(10), deep(20)], [*range(1, 11), 50]),
        ([held_at(10), held_at(10)], [deep(20)], [10]),  # one has no record
        ([held_at(), held_at(10)], [], []),
        ([], [], []),
    ],
)
def test_a_cut_off_is_offered_where_every_run_can_be_shown(
    reports: list[Report], records: list[Record], offered: list[int]
) -> None:
    assert cutoffs_of(reports, records) == offered


def test_the_number_of_answers_is_what_was_found_over_the_recall() -> None:
    found = np.array([[True, False, True], [False, True, False], [False, False, False]])
    record = replace(RECORD, found=found, rankings=found.astype(np.int32), values={})
    record = replace(record, values={"recall@3": np.array([2 / 3, 0.2, 0]), "recall@50": np.array([1, 0.4, 0.5])})
    assert target_counts(record).tolist() == [3, 5, 1]


def test_an_old_record_gives_what_needs_only_the_ranking_and_the_report_the_rest() -> None:
    new, aged = (measures_at(10, REPORT, record, CATALOG) for record in (RECORD, old(RECORD)))
    assert aged["coverage@10"] == new["coverage@10"] == 1
    assert aged["novelty@10"] == REPORT.beyond["novelty@10"]
    assert {f"{name}@10" for name in BEYOND} <= new.keys()
    assert {f"{name}@10" for name in BEYOND} - aged.keys() == {"popularity@10", "calibration@10"}
    assert measures_at(10, REPORT, None, None)["gini@10"] == 0.9
    assert not {"coverage@5", "diversity@5"} & measures_at(5, REPORT, RECORD, None).keys()  # the movies are unknown
    assert "ndcg@5" in measures_at(5, REPORT, RECORD, None)


def test_what_is_unknown_is_said_with_its_reason() -> None:
    records = {"aged": old(RECORD), "new": RECORD}
    lists = {name: measures_at(5, REPORT, record, CATALOG) for name, record in records.items()}
    [lacking] = unknown(lists, records, 5)
    assert (lacking.run_id, lacking.names) == ("aged", ("popularity", "novelty", "calibration"))
    assert "older version" in lacking.reason
    lists = {"new": measures_at(30, REPORT, RECORD, CATALOG)}
    assert "evaluate again with --cutoff 30" in unknown(lists, records, 30)[0].reason
    lists = {"new": measures_at(1, REPORT, RECORD, CATALOG)}
    assert unknown(lists, records, 1) == []  # one movie has no diversity, and nothing is missing


@pytest.fixture
def view(tmp_path: Path) -> View:
    make_run(tmp_path, "a")
    make_run(tmp_path, "b")
    entries = [read_entry(Run(folder)) for folder in sorted(tmp_path.iterdir())]
    return View(tuple(entries), groups_of(entries)[0], "a", cutoff=5)


def test_the_table_has_a_dash_where_nothing_is_known_and_an_arrow_where_one_way_is_better(view: View) -> None:
    lists = {"a": measures_at(5, REPORT, RECORD, CATALOG), "b": measures_at(5, REPORT, old(RECORD), CATALOG)}
    table = list_table(view, lists)
    assert list(table["Run"]) == ["a", "b"]
    assert list(table.columns[1:4]) == ["nDCG@5 ↑", "Recall@5 ↑", "Coverage@5 ↑"]
    assert {"Concentration@5 ↓", "Miscalibration@5 ↓", "Mean popularity@5", "Novelty@5"} <= set(table.columns)
    assert table["Novelty@5"].tolist()[1] == "–"
    assert table["Novelty@5"].tolist()[0] != "–"
    assert " 48 wishes" in calibrated(view, lists)
    [sentence] = unknown_of(view, lists, {"a": RECORD, "b": old(RECORD)})
    assert " b: mean popularity" in sentence


def test_a_dot_stands_where_its_run_is_and_the_line_where_the_targets_are(view: View) -> None:
    lists = {"a": {"popularity@5": 120.0, "ndcg@5": 0.1}, "b": {"ndcg@5": 0.2}}
    figure = popularity_figure(view, lists, targets_popularity(RECORD), LIGHT)
    dot, line = figure.data
    assert (dot.name, dot.x, dot.y) == ("a", (120.0,), (0.1,))  # of b nothing is known
    assert line.name.endswith("(30)")  # popularity 0 ... 59
    assert set(line.x) == {29.5}
