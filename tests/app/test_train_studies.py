"""The Tune tab of the Train page, without a browser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.setup import Key
from pages.train.studies import TUNE
from recommender.config import RunConfig
from recommender.config.presets import load_preset, saved_presets
from recommender.errors import RecommenderError
from recommender.runs.folder import Run
from recommender.runs.studies import new_worker, trial_run
from recommender.settings import settings
from recommender.training import job as runs_job
from recommender.tuning import job
from recommender.tuning.storage import StorageError
from recommender.tuning.study import BASE
from tests.app.page import SLOW, unescaped
from tests.app.train_page import buttons, opened, press, words
from tests.made_study import made_study

pytestmark = pytest.mark.usefixtures("tried")
VALUES = [0.05, None, 0.09, 0.07, 0.02, None, 0.06, 0.08, 0.03, 0.04]


@pytest.fixture
def work() -> Callable[[str], Run]:
    """`work(study)`: this process is at the study."""

    def begin(study: str) -> Run:
        with new_worker(study, settings()) as worker:
            status = worker.status()
        status.state = "running"
        worker.write_status(status)
        return worker

    return begin


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_without_a_study_the_tab_says_what_one_is_and_can_begin_it(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[Any, ...]] = []
    monkeypatch.setattr(job, "start", lambda *given: started.append(given[:3]))
    app = opened(TUNE)
    assert "No study yet." in words(app)
    assert "Starts from the preset frozen and varies: Learning rate (0.0002 to 0.005)" in words(app)
    assert buttons(app) == ["Start study"]
    app.text_input(key="tune:name:frozen").set_value("mine")
    app.number_input(key="tune:trials:frozen").set_value(7)
    press(app, "Start study")
    assert started == [("mine", "frozen", 7)]
    assert not Path(settings().studies_url.removeprefix("sqlite:///")).exists(), "looking makes no database"


def test_what_keeps_a_study_from_starting_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(TUNE)
    app.text_input(key="tune:name:frozen").set_value("../x")
    press(app, "Start study")
    assert "may hold letters, digits" in words(app)
    assert "No study yet." in words(app)


def test_the_name_follows_the_search() -> None:
    made_study("weighted-quick", [], settings())
    app = opened(TUNE)
    assert app.text_input(key="tune:name:frozen").value == "frozen"
    app.selectbox(key="tune:search").set_value("weighted-quick").run()
    assert app.text_input(key="tune:name:weighted-quick").value == "weighted-quick-2"


def test_a_study_over_the_parts_of_a_model_and_over_words_is_shown(tmp_path: Path) -> None:
    """Such parts have no label and, at the start, no value; the words come from somebody's file."""
    search = tmp_path / "parts.toml"
    search.write_text(
        """description = "Parts"
preset = "weighted-quick"
[space]
"training.modules.text.lr" = { kind = "float", low = 1e-5, high = 1e-3 }
"model.text.name" = { kind = "choice", values = ["*bold*", "*bold* :star:"] }
"""
    )
    made_study("s", VALUES, settings(), search=str(search))
    app = opened(TUNE)
    table = app.table[0].value
    assert [unescaped(name) for name in table.index] == ["training.modules.text.lr", "Encoder"]
    assert table["Before"].iloc[0] == "–"
    assert table["Best trial"].iloc[1].startswith("\\*bold\\*")


def test_a_study_that_cannot_be_read_leaves_the_choice_of_others() -> None:
    made_study("s", VALUES, settings())
    old = made_study("old", [], settings())
    old.optuna.set_user_attr(BASE, {**old.base.model_dump(mode="json"), "gone": 1})
    app = opened(TUNE)
    assert "Unknown setting in study old" in words(app)
    app.selectbox(key=Key.TRAIN_STUDY).set_value("s").run()
    assert not app.error
    assert len(app.get("plotly_chart")) == 3


def later() -> None:
    """What the page redraws by itself."""
    from pages.train.study_live import draw_again
    from recommender.settings import settings
    from recommender.tuning.view import StudyView
    from tests.made_study import made_study

    made = made_study("s", [], settings())
    draw_again(StudyView("s", made.search, made.base, made.trials), alive=True)


def test_a_database_that_is_away_for_a_moment_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise StorageError("The studies' database does not work: it is away.")

    with monkeypatch.context() as patched:
        patched.setattr("pages.train.study_live.read_study", away)
        app = AppTest.from_function(later, default_timeout=SLOW).run()
        assert not app.exception
        assert "it is away" in words(app)


def test_a_study_shows_its_trials_its_charts_and_its_best() -> None:
    made_study("s", VALUES, settings())
    app = opened(TUNE)
    assert metrics(app) == {
        "Best nDCG@10": "0.0900", "Trials done": "10 of 12", "Stopped early": "2", "Time per full trial": "60 s",
    }  # fmt: skip
    assert len(app.get("plotly_chart")) == 3
    assert "Continue" in buttons(app)
    [table] = app.dataframe
    assert list(table.value["State"])[:2] == ["finished", "stopped early"]
    assert table.value["Note"][1] == "Given up after epoch 1"
    assert "Learning rate" in app.table[0].value.index


def test_too_few_trials_for_what_mattered_say_so() -> None:
    made_study("s", VALUES[:4], settings())
    app = opened(TUNE)
    assert len(app.get("plotly_chart")) == 2
    assert "8 finished trials" in words(app)


def test_a_study_that_is_done_offers_more_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    gone_on: list[tuple[Any, ...]] = []
    monkeypatch.setattr(job, "go_on", lambda *given: gone_on.append(given[:2]))
    made_study("s", VALUES, settings(), trials=10)
    press(opened(TUNE), "Try 5 more")
    assert gone_on == [("s", 15)]


def test_a_study_that_is_worked_on_says_how_far_it_is_and_can_be_stopped(
    work: Callable[[str], Run], put: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []
    monkeypatch.setattr(job, "stop", lambda name, _: stopped.append(name))
    study = made_study("s", VALUES[:3], settings())
    work("s")
    run = trial_run("s", 3, settings())
    run.write_config(study.base)
    run.write_status(put("other", "running", step=5, steps=80, phase="training").status())
    app = opened(TUNE)
    assert unescaped(app.get("progress")[0].proto.text) == "3 of 12 trials done; trial 3 at step 5 of 80."
    press(app, "Stop")
    assert stopped == ["s"]


def test_a_study_that_failed_says_why(work: Callable[[str], Run]) -> None:
    made_study("s", [], settings())
    worker = work("s")
    status = worker.status()
    status.state, status.reason = "failed", "There is no data."
    worker.write_status(status)
    app = opened(TUNE)
    assert "There is no data." in words(app)
    assert "Continue" in buttons(app)


def test_the_best_trial_becomes_a_preset_that_is_chosen_for_a_new_run() -> None:
    study = made_study("s", VALUES, settings())
    app = press(opened(TUNE), "Save")
    assert "s-tuned" in unescaped(app.success[0].value)
    assert saved_presets() == ["s-tuned"]
    kept = load_preset("s-tuned")
    assert kept == study.best_config()
    app.session_state[Key.TRAIN_TAB] = "New run"
    app.run()
    assert not app.exception
    assert app.selectbox(key="train:preset").value == "s-tuned"
    assert "Trial 2 of the study s" in words(app)
    app.session_state[Key.TRAIN_TAB] = TUNE
    app.run()
    app.text_input(key="preset-name-s").set_value("frozen")
    press(app, "Save")
    assert "There is a preset frozen already." in words(app)


def test_the_best_trial_is_trained_as_a_run(monkeypatch: pytest.MonkeyPatch, put: Any) -> None:
    started: list[tuple[RunConfig, str]] = []

    def start(config: RunConfig, run_id: str, _: object) -> Run:
        started.append((config, run_id))
        return put(run_id, "running")

    monkeypatch.setattr(runs_job, "start", start)
    study = made_study("s", VALUES, settings())
    app = press(opened(TUNE), "Train it")
    assert started == [(study.best_config(), "s-tuned")]
    assert app.session_state[Key.TRAIN_TAB] == "Progress"


def test_a_visitor_of_the_demo_sees_studies_and_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made_study("s", VALUES, settings())
    monkeypatch.setenv("RECOMMENDER_READ_ONLY", "1")
    settings.cache_clear()
    app = opened(TUNE)
    assert len(app.get("plotly_chart")) == 3
    assert buttons(app) == []
    assert not app.get("popover")


def test_a_database_that_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bad = tmp_path / "bad.sqlite"
    bad.write_bytes(b"this is no database" * 100)
    monkeypatch.setenv("RECOMMENDER_STUDIES_URL", f"sqlite:///{bad}")
    settings.cache_clear()
    assert "does not work: file is not a database" in words(opened(TUNE))


def test_a_preset_of_ones_own_that_cannot_be_read_is_said() -> None:
    folder = settings().presets_dir
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text("protocol = ", encoding="utf-8")
    with pytest.raises(RecommenderError, match=r"mine\.toml is no TOML"):
        load_preset("mine")
    app = opened("New run")
    app.selectbox(key="train:preset").set_value("mine").run()
    assert not app.exception
    assert "mine.toml is no TOML" in words(app)
