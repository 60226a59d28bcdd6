"""What a comparison says: differences, tables, the files to take along."""

import html
import io
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from recommender.charts.style import LIGHT
from recommender.compare.choice import groups_of
from recommender.compare.curves import curve_table
from recommender.compare.differences import Difference, corrected, difference
from recommender.compare.entries import read_entry
from recommender.compare.figures import curve_figure, curves_of
from recommender.compare.html_page import Section, html_report
from recommender.compare.lists import SHOWN, catalog_of, measures_at
from recommender.compare.published import published_for
from recommender.compare.report import comparison_report
from recommender.compare.table import costs, published, results, scores
from recommender.compare.view import View
from recommender.compare.words import beaten_by_baselines, validated, warnings
from recommender.errors import CheckpointError
from recommender.evaluation.comparison import Paired, most_recommended, slices
from recommender.evaluation.measures import measure_of
from recommender.runs.folder import Run
from recommender.settings import ROOT, settings
from recommender.wording import chosen_on_test
from tests.compared import CATALOG, EXAMPLES, make_record, make_report, make_run


def view_of(home: Path, **options: str) -> View:
    entries = [read_entry(Run(folder)) for folder in sorted(home.iterdir())]
    return View(tuple(entries), groups_of(entries)[0], entries[0].run_id, **options)


@pytest.fixture
def view(tmp_path: Path) -> View:
    """`a` is the base; `b` is better by 0.1 everywhere, `c` is not."""
    make_run(tmp_path, "a")
    make_run(tmp_path, "b", "weighted-baseline", skill=0.1)
    make_run(tmp_path, "c", "original-tags")
    return view_of(tmp_path)


def lists_at(view: View, cutoff: int) -> dict[str, dict[str, float]]:
    found = {}
    for entry in view.measured:
        report = view.report(entry)
        found[entry.run_id] = measures_at(cutoff, report, entry.record(report), CATALOG)
    return found


@pytest.fixture
def differences(view: View) -> dict[str, Difference]:
    records = {entry.run_id: entry.record(view.report(entry)) for entry in view.measured}
    return corrected({name: difference(records["a"], records[name], "ndcg@10") for name in ("b", "c")})


def test_a_clear_difference_is_told_with_its_size(differences: dict[str, Difference]) -> None:
    found = differences["b"]
    assert found.shown
    assert found.paired is not None
    assert found.paired.difference == pytest.approx(0.1, abs=0.01)
    assert found.sentence("b", "a", "nDCG@10").startswith("b is better than a by 0.1")
    assert found.brief.startswith("+0.1")


def test_a_small_one_is_called_none(differences: dict[str, Difference]) -> None:
    assert not differences["c"].shown
    for words in (differences["c"].brief, differences["c"].sentence("c", "a", "nDCG@10")):
        assert "better" not in words
        assert "worse" not in words


def test_a_worse_run_is_called_worse() -> None:
    found = Difference(Paired(-0.02, -0.03, -0.01, 0.0005))
    assert found.sentence("b", "a", "nDCG@10") == (
        "b is worse than a by 0.0200 nDCG@10: 95 % interval -0.0300 to -0.0100, p < 0.001."
    )


def test_p_is_corrected_for_the_tests_shown_together() -> None:
    found = {name: Difference(Paired(0.02, 0.01, 0.03, p)) for name, p in (("b", 0.03), ("c", 0.001), ("d", 0.02))}
    found["e"] = Difference(None, "no record")
    held = corrected(found)
    assert {name: one.corrected for name, one in held.items()} == {"b": 0.04, "c": 0.003, "d": 0.04, "e": None}
    assert [one.family for one in held.values()] == [3, 3, 3, 1]
    assert held["c"].brief == "+0.0200, p = 0.001, corrected p = 0.003"
    assert held["b"].sentence("b", "a", "R@1").endswith("p = 0.030, corrected for 3 comparisons p = 0.040.")


def test_a_difference_that_only_the_single_test_shows_is_called_none() -> None:
    found = {name: Difference(Paired(0.02, 0.01, 0.03, p)) for name, p in (("b", 0.03), ("c", 0.04))}
    assert found["b"].shown
    assert not corrected(found)["b"].shown
    assert corrected(found)["b"].brief == "no significant difference"
    assert corrected({"b": found["b"]}) == {"b": found["b"]}, "a test that stands alone"


def test_other_examples_are_not_tested_but_said() -> None:
    found = difference(make_record(0), make_record(0, examples=EXAMPLES - 2), "ndcg@10")
    assert found.brief == "not tested"
    assert "same examples" in found.sentence("b", "a", "nDCG@10")


def test_the_table_holds_runs_and_then_baselines(view: View, differences: dict[str, Difference]) -> None:
    table = scores(view, differences)
    assert list(table["Run"]) == ["a", "b", "c", "popularity", "copy", "item-kNN"]
    assert list(table[table.columns[-1]][1:3]) == [differences["b"].brief, differences["c"].brief]
    assert list(table["nDCG@10"][3:]) == ["0.0400", "0.2330", "0.1200"]


def test_published_rows_stand_apart_and_not_beside_the_sample(view: View, tmp_path: Path) -> None:
    assert "Reproduction 2025, weighted" in list(published(view)["Published"])
    make_run(tmp_path / "other", "s", source="sample")
    assert published(view_of(tmp_path / "other")).empty


def test_costs_say_epoch_time_memory_and_size(view: View) -> None:
    row = costs(view).iloc[1]
    assert row["Trainer"] == "weighted"
    assert row["Best epoch"] == "3 of 20"
    assert (row["Time"], row["Memory"]) == ("70 s", "900 MB")
    assert row["Trained parameters"] == "1.9 of 24.5 M"


def test_the_csv_holds_every_number(view: View, differences: dict[str, Difference]) -> None:
    table = pd.read_csv(io.StringIO(results(view, differences, lists_at(view, 5)).to_csv(index=False)))
    assert list(table["kind"].unique()) == ["run", "baseline", "published"]
    row = table[table["name"] == "b"].iloc[0]
    assert row["ndcg@10"] == pytest.approx(view.report(view.entry("b")).metrics["ndcg@10"])
    assert row["difference"] == pytest.approx(differences["b"].paired.difference)
    assert row["p corrected"] == pytest.approx(2 * row["p"])
    assert row["comparisons"] == 2
    assert (row["protocol"], row["split"], row["base"]) == ("notebook", "test", "a")
    assert table[table["kind"] == "published"]["split"].isna().all()
    assert row["coverage@10"] == 0.2  # as reported
    assert row["coverage@5"] == lists_at(view, 5)["b"]["coverage@5"]


def test_the_curves_are_one_point_a_line(view: View) -> None:
    table = curve_table(view.entries)
    assert list(table[(table["run"] == "c") & (table["measure"] == "Tag loss")]["epoch"]) == [0.5, 1.5, 2.5]
    assert list(table[(table["run"] == "a") & (table["measure"] == "nDCG@10")]["value"]) == [0.01, 0.02, 0.03]


def test_it_says_which_runs_a_baseline_beats(view: View) -> None:
    [sentence] = beaten_by_baselines(view)
    assert "copy (nDCG@10 0.2330)" in sentence
    assert sentence.endswith(" a, c.")


def test_curves_can_be_set_beside_baselines_published_values_and_what_was_expected(tmp_path: Path) -> None:
    make_run(tmp_path, "a").write_baselines({"item_knn": {"ndcg@10": 0.12}})
    view = view_of(tmp_path)
    figure = curve_figure(view, "eval_ndcg@10", "nDCG@10", LIGHT, references=True)
    names = [trace.name for trace in figure.data if trace.name]
    assert {"a", "item-kNN", "Reproduction 2025, weighted", "expected of the weighted trainer"} == set(names)
    alone = curve_figure(view, "eval_ndcg@10", "nDCG@10", LIGHT)
    assert [trace.name for trace in alone.data] == ["a"]


def test_baselines_beside_curves_come_from_the_validation_report_where_there_is_nothing_else(tmp_path: Path) -> None:
    make_run(tmp_path, "a")
    figure = curve_figure(view_of(tmp_path), "eval_ndcg@10", "nDCG@10", LIGHT, references=True)
    assert not {"popularity", "copy", "item-kNN"} & {trace.name for trace in figure.data}
    record = make_record(0.0)
    run = make_run(tmp_path, "b")
    run.write_report(make_report(record, split="validation"), record)
    figure = curve_figure(view_of(tmp_path), "eval_ndcg@10", "nDCG@10", LIGHT, references=True)
    assert {"popularity", "copy", "item-kNN"} <= {trace.name for trace in figure.data}


def test_published_lines_are_for_the_targets_that_the_curve_is_of(tmp_path: Path) -> None:
    make_run(tmp_path, "a", "default", protocol="conversational")
    view = view_of(tmp_path)
    assert view.group is not None
    assert view.group.targets == "all"
    drawn = {trace.name for trace in curve_figure(view, "eval_recall@10", "R", LIGHT, references=True).data}
    best = max(published_for("conversational", "new"), key=lambda row: row.values.get("recall@10", 0.0))
    assert best.name in drawn


def test_runs_on_the_sample_are_not_drawn_beside_those_on_redial(tmp_path: Path) -> None:
    make_run(tmp_path, "a")
    run = make_run(tmp_path, "toy")
    run.write_status(run.status().model_copy(update={"source_kind": "sample"}))
    view = view_of(tmp_path)
    assert [curve.mark.name for curve in curves_of(view, "eval_ndcg@10")] == ["a"]
    assert "toy (notebook, the synthetic sample, NOT ReDial)" in validated(view)


def test_leaks_and_foreign_protocols_are_warned_of(tmp_path: Path) -> None:
    make_run(tmp_path, "a")
    make_run(tmp_path, "default", "default", protocol="notebook")
    leak, foreign = warnings(view_of(tmp_path))
    assert "0.233" in leak
    assert "default (conversational)" in foreign
    make_run(tmp_path / "honest", "default", "default", protocol="conversational")
    assert warnings(view_of(tmp_path / "honest")) == []


@pytest.mark.parametrize(
    ("protocol", "split", "hold_out", "warned"),
    [
        ("next_movie", "test", "random", True),  # whole people are drawn
        ("next_movie", "test", "leave_one_out", False),  # the last of everybody, whatever the seed
        ("notebook", "test", "random", False),  # ReDial has a test split of its own
        ("notebook", "validation", "random", True),
        ("notebook", "validation", "latest", False),
    ],
)
def test_runs_that_were_measured_on_others_examples_are_warned_of(
    protocol: str, split: str, hold_out: str, warned: bool, tmp_path: Path
) -> None:
    overrides = [f"protocol={protocol}", f"data.hold_out={hold_out}"]
    for run_id, seed in (("a", 0), ("b", 1)):
        run = make_run(tmp_path, run_id, overrides=overrides, report=False)
        record = make_record(0.0)
        report = make_report(record, protocol=protocol, split=split)
        run.write_report(report | {"seed": seed}, record)
    assert any("not measured on the same wishes" in said for said in warnings(view_of(tmp_path))) is warned


def test_an_epoch_picked_on_the_test_split_is_warned_of(tmp_path: Path) -> None:
    make_run(tmp_path, "lucky", overrides=["protocol=one_shot", "training.chosen_on=test"], protocol="one_shot")
    view = view_of(tmp_path)
    [sentence] = warnings(view)
    assert sentence == chosen_on_test("lucky")
    assert curves_of(view, "eval_ndcg@10") == []
    assert "lucky" in validated(view)


def test_titles_come_from_the_run_or_the_catalogue_it_was_measured_with(tmp_path: Path) -> None:
    entry = read_entry(make_run(tmp_path, "a"))
    assert catalog_of(entry, make_record(0), settings())[3].title == "Film 3"
    (entry.run.folder / "catalog.json").unlink()
    with pytest.raises(CheckpointError, match="Evaluate it again"):
        catalog_of(entry, make_record(0), settings())


class Reader(HTMLParser):
    """The tags of a page, and everything that would be fetched from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [f"{tag} {name}" for name, value in attrs if name in ("src", "href") and value]


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def test_the_report_stands_alone(view: View, differences: dict[str, Difference]) -> None:
    records = {entry.run_id: entry.record(view.report(entry)) for entry in view.measured}
    frames = {name: slices(record, "ndcg@10") for name, record in records.items()}
    shares = most_recommended(records).rename(index=lambda place: CATALOG[place].name)
    view = replace(view, cutoff=5)
    page = comparison_report(view, differences, frames, lists_at(view, 5), 30.0, shares, "today")
    found = read(page)
    assert found.fetched == []
    assert "default-src 'none'" in page
    assert found.tags.count("table") == 4
    assert found.tags.count("figure") == len(re.findall(r'id="figure-\d+"', page)) == 18
    assert "Film" in page
    for name in SHOWN:
        assert measure_of(name).heading(5) in page
        assert measure_of(name).explained in html.unescape(page)


def test_the_report_of_unmeasured_runs_shows_their_training(tmp_path: Path) -> None:
    make_run(tmp_path, "a", report=False)
    entry = read_entry(Run(tmp_path / "a"))
    page = comparison_report(View((entry,), None, "a"), {}, {}, {}, None, pd.DataFrame(), "today")
    assert "None of the runs was measured" in page
    assert read(page).tags.count("figure") == 3


def test_names_in_the_report_are_text() -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    page = html_report(evil, [Section(evil, [evil], [pd.DataFrame({evil: [evil]})])])
    assert "img" not in read(page).tags


def test_a_comparison_needs_no_torch() -> None:
    code = "import sys, recommender.compare.report, recommender.compare.lists; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
