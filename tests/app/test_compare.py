"""The compare page, without a browser."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.setup import Key
from recommender.compare.entries import Group
from recommender.compare.lists import SHOWN
from recommender.evaluation.measures import measure_of
from recommender.runs.folder import Run
from recommender.settings import ROOT, settings
from tests.app.page import SLOW
from tests.compared import make_run


@pytest.fixture
def home() -> Path:
    return settings().checkpoints_dir


@pytest.fixture
def pair(home: Path) -> Path:
    """`original` and a `weighted` that is better."""
    make_run(home, "original")
    make_run(home, "weighted", "weighted-baseline", skill=0.1)
    return home


def open_page(tab: str = "Results", runs: str | None = None, **session: object) -> AppTest:
    app = AppTest.from_file(ROOT / "pages" / "compare.py", default_timeout=SLOW)
    app.session_state["compare-tab"] = tab
    for name, value in session.items():
        app.session_state[name] = value
    if runs is not None:
        app.query_params["runs"] = runs
    app.run()
    assert not app.exception
    return app


def unescaped(markdown: str) -> str:
    return re.sub(r"\\(.)", r"\1", markdown).replace("\u2060", "")


def said(app: AppTest) -> str:
    """Everything on the page that is text."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.header, app.text, app.code)
    return "\n".join(unescaped(str(element.value)) for kind in kinds for element in kind)


def table(app: AppTest, place: int = 0) -> list[list[str]]:
    return [[unescaped(str(cell)) for cell in row] for row in app.dataframe[place].value.to_numpy()]


def cells(app: AppTest) -> dict[str, list[str]]:
    """Measure -> its value for each run, on the tab Movies."""
    return {row[0]: row[1:-1] for row in table(app)}


def charts(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


# What is chosen.


def test_without_a_run_the_page_says_what_to_do() -> None:
    app = open_page()
    assert "There is no run to compare yet" in said(app)
    assert not app.multiselect


def test_one_run_stands_beside_the_baselines(home: Path) -> None:
    make_run(home, "original")
    app = open_page()
    assert "Train another one" in said(app)
    assert [row[0] for row in table(app)] == ["original", "popularity", "copy", "item-kNN"]


def test_a_pair_is_compared_at_once(pair: Path) -> None:
    make_run(pair, "another", "frozen")
    app = open_page()
    assert app.multiselect[0].value == ["original", "weighted"]
    assert "weighted is better than original by 0.1000 nDCG@10" in said(app)
    assert re.search(r"p < 0\.001, corrected for 4 comparisons p", said(app)), "one run in four measures"
    assert table(app)[0][-1] == "base"
    assert table(app)[1][-1].startswith("+0.1000, p")
    assert charts(app) == 1


def test_a_difference_that_may_be_chance_is_called_none(home: Path) -> None:
    make_run(home, "original")
    make_run(home, "weighted", "weighted-baseline")
    app = open_page()
    assert "No significant difference between weighted and original" in said(app)
    assert table(app)[1][-1] == "no significant difference"


def test_a_link_chooses_the_runs(pair: Path) -> None:
    make_run(pair, "tags", "original-tags")
    app = open_page(runs="tags,weighted")
    assert app.multiselect[0].value == ["tags", "weighted"]
    assert app.query_params["runs"] == "tags,weighted"


def test_a_link_to_a_run_that_is_gone_says_so(pair: Path) -> None:
    app = open_page(runs="weighted,gone")
    assert "Not here: gone." in said(app)
    assert app.multiselect[0].value == ["weighted"]


def test_another_page_can_choose_the_runs(pair: Path) -> None:
    make_run(pair, "tags", "original-tags")
    app = open_page(**{Key.COMPARE_RUNS: ["tags"]})
    assert app.multiselect[0].value == ["original", "tags"]
    app.multiselect[0].set_value(["tags", "original"]).run()
    assert app.multiselect[0].value == ["tags", "original"]
    assert app.query_params["runs"] == "tags,original"


def test_the_bare_address_stays_bare(pair: Path) -> None:
    app = open_page()
    assert "runs" not in app.query_params
    app.multiselect[0].set_value(["weighted"]).run()
    app.multiselect[0].set_value(["original", "weighted"]).run()
    assert app.query_params["runs"] == "original,weighted"


def test_no_run_chosen_asks_for_one(pair: Path) -> None:
    app = open_page()
    app.multiselect[0].set_value([]).run()
    assert not app.exception
    assert "Choose runs to compare" in said(app)


def test_the_base_and_the_measure_can_be_changed(pair: Path) -> None:
    app = open_page()
    app.selectbox(key="compare-base").set_value("weighted").run()
    app.selectbox(key="compare-measure").set_value("recall@10").run()
    assert "original is worse than weighted by 0.1000 Recall@10" in said(app)


def test_a_group_that_is_no_longer_offered_is_left(pair: Path) -> None:
    make_run(pair, "held", split="validation")
    app = open_page(runs="original,held")
    assert app.selectbox(key="compare-group").value.split == "test"
    app.selectbox(key="compare-group").set_value(Group("redial", "notebook", "validation", "all")).run()
    assert [row[0] for row in table(app)][:2] == ["held", "popularity"]
    app.multiselect[0].set_value(["original", "weighted"]).run()
    assert not app.exception
    assert app.selectbox(key="compare-group").value.split == "test"


# What the reader is told before the numbers.


def test_a_leaking_protocol_is_warned_of(pair: Path) -> None:
    assert "scores nDCG@10 0.233" in said(open_page())


def test_protocols_are_not_mixed(pair: Path) -> None:
    make_run(pair, "default", "default", protocol="conversational")
    app = open_page(runs="original,default")
    assert [row[0] for row in table(app)][:2] == ["original", "popularity"]
    assert unescaped(app.expander[0].label) == "Not measured here: default"
    assert "evaluate --run default --protocol notebook" in app.expander[0].code[0].value
    training = said(open_page("Training", runs="original,default"))
    assert "default (conversational, ReDial)" in training


def test_a_run_measured_under_a_foreign_protocol_is_warned_of(pair: Path) -> None:
    make_run(pair, "default", "default", protocol="notebook")
    assert "Trained under another protocol" in said(open_page(runs="original,default"))


def test_runs_without_a_report_show_their_training(home: Path) -> None:
    make_run(home, "original", report=False)
    make_run(home, "weighted", "weighted-baseline", report=False)
    assert "None of these runs has a report yet" in said(open_page())
    assert charts(open_page("Training")) == 3
    for tab in ("Kinds of wishes", "Movies", "Single wishes", "Export"):
        open_page(tab)


@pytest.mark.parametrize("name", ["config.json", "status.json"])
def test_a_damaged_run_is_named_and_the_rest_works(pair: Path, name: str) -> None:
    (make_run(pair, "bad").folder / name).write_text("{")
    app = open_page(runs="original,weighted,bad")
    assert "bad cannot be read and is left out" in said(app)
    assert "weighted is better than original" in said(app)


def test_a_damaged_report_is_named_and_the_rest_works(pair: Path) -> None:
    (make_run(pair, "bad").folder / "report-folder-notebook-test-all.json").write_text("{")
    app = open_page(runs="original,weighted,bad")
    assert "Part of bad is left out" in said(app)
    assert "weighted is better than original" in said(app)


@pytest.mark.parametrize("tab", ["Results", "Kinds of wishes", "Movies", "Single wishes", "Export"])
def test_a_damaged_record_is_named_and_the_rest_works(pair: Path, tab: str) -> None:
    record = make_run(pair, "bad").folder / "report-folder-notebook-test-all.safetensors"
    record.write_bytes(record.read_bytes()[:-10])
    app = open_page(tab, runs="original,weighted,bad")
    if tab != "Export":
        assert f"bad/{record.name} is damaged" in said(app)


def test_a_report_of_an_older_version_is_shown_without_a_test(pair: Path) -> None:
    (pair / "weighted" / "report-folder-notebook-test-all.safetensors").unlink()
    app = open_page()
    assert table(app)[1][-1] == "not tested"
    assert "older version" in said(app)
    for tab in ("Kinds of wishes", "Movies", "Single wishes", "Export"):
        open_page(tab)


# The other tabs.


def test_the_curves_can_be_set_beside_what_others_reach(pair: Path) -> None:
    app = open_page("Training")
    assert charts(app) == 3
    app.toggle[0].set_value(True).run()
    assert not app.exception
    assert charts(app) == 3


def test_the_kinds_of_wishes_have_a_chart_each(pair: Path) -> None:
    assert charts(open_page("Kinds of wishes")) == 3


def test_the_movies_tab_shows_every_measure_a_picture_and_a_heat_map(pair: Path) -> None:
    app = open_page("Movies")
    assert charts(app) == 2
    assert list(app.dataframe[0].value.columns) == ["Measure", "original", "weighted", "Meaning"]
    assert [row[0].partition("@")[0] for row in table(app)] == [measure_of(name).title for name in SHOWN]
    assert "KL" not in said(app)
    app.session_state["compare-pictures"] = True
    app.run()
    assert charts(app) == 2 + len(SHOWN)
    assert "Miscalibration@10 ↓" in said(app)


def test_the_cut_off_can_be_chosen_as_far_as_the_records_reach(pair: Path) -> None:
    app = open_page("Movies")
    slider = app.select_slider(key="compare-cutoff")
    assert (slider.options, slider.value) == ([str(k) for k in range(1, 11)], 10)
    assert "these runs: 1 to 10." in slider.help
    slider.set_value(3).run()
    assert not app.exception
    assert "Coverage@3 ↑" in cells(app)
    app.select_slider(key="compare-cutoff").set_value(1).run()
    assert cells(app)["Coverage@1 ↑"][0] != "–"
    assert cells(app)["Diversity@1"] == ["–", "–"]
    assert "Not known" not in said(app)


def test_an_old_record_says_what_is_missing(pair: Path) -> None:
    run = Run(pair / "weighted")
    report = run.report(run.report_names()[0])
    record = run.record(report)
    assert record is not None
    run.write_report(report, replace(record, inputs=None, mentions=None))
    app = open_page("Movies")
    assert cells(app)["Mean popularity@10"][0] != "–"
    assert cells(app)["Mean popularity@10"][1] == "–"
    assert "Unknown for weighted: mean popularity, miscalibration. Measured by an older version" in said(app)


def test_single_wishes_show_both_rankings_and_why_there_are_no_words(pair: Path) -> None:
    app = open_page("Single wishes")
    assert "Set RECOMMENDER_DATA_DIR" in said(app)
    rankings = [unescaped(markdown.value) for markdown in app.markdown if "1\\. Film" in markdown.value]
    assert len(rankings) == 2
    assert all(len(ranking.split("  \n")) == 10 for ranking in rankings)
    before = rankings
    app.selectbox(key="compare-wish").set_value(3).run()
    assert [unescaped(m.value) for m in app.markdown if "1\\. Film" in m.value] != before


def test_the_export_offers_three_files(pair: Path) -> None:
    app = open_page("Export")
    assert [button.label for button in app.get("download_button")] == ["Report (HTML)", "Table (CSV)", "Curves (CSV)"]


def test_a_run_still_in_training_is_said_to_be(pair: Path) -> None:
    import os

    from recommender.runs.status import Status, process_start

    run = make_run(pair, "young", report=False)
    run.write_status(Status(state="running", pid=os.getpid(), process_started=process_start(os.getpid())))
    assert "young is still training" in said(open_page(runs="original,young"))
