"""The Train page, without a browser: every state a run can be in, and the form."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.train_fields import SETTINGS
from pages.parts.train_live import last_lines, seconds_left
from pages.parts.train_trials import Trials, trials
from pages.parts.train_words import place_in_line
from pages.shared.setup import Key
from recommender.config import RunConfig, load_preset, preset_names
from recommender.errors import RecommenderError
from recommender.runs import Run
from recommender.settings import settings
from recommender.status import State, Status, process_start
from recommender.training import job
from recommender.training.estimate import Estimate
from recommender.wording import duration, memory
from tests.app.conftest import ROOT, SLOW
from tests.app.page import unescaped

ESTIMATE = Estimate(
    train_examples=31_202,
    validation_examples=3_419,
    epochs=6,
    steps_per_epoch=488,
    seconds_per_step=0.1,
    validation_seconds=15.0,
    preparation_seconds=60.0,
    closing_seconds=20.0,
    memory_mb=1700,
    device="CPU, 2 threads",
    precision="float32",
    source="ReDial (folder)",
)
ROWS = [
    {"step": 10, "epoch": 0.5, "seconds": 10.0, "loss": 1.5, "movie_loss": 1.2, "tag_loss": 0.3, "learning_rate": 1e-3},
    {"step": 20, "epoch": 1.0, "seconds": 20.0, "loss": 1.0, "movie_loss": 0.9, "tag_loss": 0.1, "learning_rate": 5e-4},
    {"step": 20, "epoch": 1.0, "seconds": 22.0, "eval_ndcg@10": 0.05, "eval_recall@10": 0.09},
]


@pytest.fixture(autouse=True)
def tried(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[RunConfig]]:
    """What the page asked an estimate for; none is made in truth."""
    asked: list[RunConfig] = []

    def estimate(config: RunConfig, _: object) -> Estimate:
        asked.append(config)
        return ESTIMATE

    monkeypatch.setattr(job, "estimate_apart", estimate)
    trials.clear()
    yield asked
    trials.clear()


@pytest.fixture
def put() -> Callable[..., Run]:
    """`put("x", "running", epoch=1)`: a run folder in that state, owned by this process."""

    def make(run_id: str, state: State, rows: list[dict[str, Any]] = ROWS, preset: str = "frozen", **facts: Any) -> Run:
        run = Run(settings().checkpoints_dir / run_id)
        run.write_config(load_preset(preset))
        own = {"pid": os.getpid(), "process_started": process_start(os.getpid())}
        run.write_status(Status(state=state, **({**own, "started": time.time(), "steps": 100, "step": 20} | facts)))
        for row in rows:
            run.append_metrics(row)
        return run

    return make


def opened(tab: str | None = None) -> AppTest:
    """The page by itself: the navigation gives widgets other identities at its first run than later, here only."""
    app = AppTest.from_file(ROOT / "pages" / "train.py", default_timeout=SLOW)
    app.session_state[Key.NAVIGATED] = True
    if tab is not None:
        app.session_state[Key.TRAIN_TAB] = tab
    app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """Everything the page says, as the reader sees it."""
    parts = [*app.markdown, *app.caption, *app.error, *app.warning, *app.info, *app.title, *app.subheader]
    return "\n".join(unescaped(part.value) for part in parts)


def buttons(app: AppTest) -> list[str]:
    return [unescaped(button.label) for button in app.button]


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if unescaped(button.label) == label).click().run()
    assert not app.exception
    return app


def field(app: AppTest, preset: str, path: str) -> Any:
    key = f"train:{preset}:{path}"
    return next(w for w in [*app.text_input, *app.number_input, *app.selectbox, *app.checkbox] if w.key == key)


def shown(app: AppTest) -> str:
    """The run whose curves are drawn."""
    return app.selectbox(key=Key.TRAIN_RUN).value


def until(app: AppTest, there: Callable[[AppTest], bool]) -> AppTest:
    """The background needs a moment."""
    for _ in range(100):
        if there(app):
            return app
        time.sleep(0.05)
        app.run()
    raise AssertionError(words(app))


# The form


def test_idle_offers_every_preset_and_says_what_the_first_one_means(tried: list[RunConfig]) -> None:
    app = opened()
    assert len(app.selectbox(key="train:preset").options) == len(preset_names())
    assert app.selectbox(key="train:preset").value == "frozen"
    until(app, lambda page: any(metric.value == "31,202" for metric in page.metric))
    assert [metric.value for metric in app.metric] == ["31,202", "2,928", "8 min", "1.7 GB"]
    assert "There is no graphics card here" in words(app)
    assert buttons(app)[-1] == "Start training"
    assert [config.training.epochs for config in tried] == [6]


def test_every_setting_of_a_run_is_on_the_page() -> None:
    app = opened()
    app.session_state["advanced-frozen"] = True
    app.run()
    keys = {w.key for w in [*app.text_input, *app.number_input, *app.selectbox, *app.checkbox]}
    hidden = {"description"}
    assert {f"train:frozen:{setting.path}" for setting in SETTINGS if setting.path not in hidden} <= keys


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_can_be_chosen_and_reads_back_as_it_is(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[RunConfig] = []
    monkeypatch.setattr(job, "start", lambda config, *_: started.append(config))
    monkeypatch.setattr("pages.parts.train_plan.obstacles", lambda *_: [])
    app = opened()
    app.selectbox(key="train:preset").set_value(preset).run()
    press(app, "Start training")
    expected = load_preset(preset)
    if not expected.model.tags:  # nobody reads it then
        same = expected.training.model_copy(update={"tag_batch_size": expected.training.batch_size})
        expected = expected.model_copy(update={"training": same})
    assert started == [expected]


def test_a_start_takes_what_was_typed_and_shows_the_run(monkeypatch: pytest.MonkeyPatch, put: Any) -> None:
    started: list[tuple[RunConfig, str]] = []

    def start(config: RunConfig, run_id: str, _: object) -> Run:
        started.append((config, run_id))
        return put(run_id, "running")

    monkeypatch.setattr(job, "start", start)
    app = opened()
    field(app, "frozen", "training.epochs").set_value(3)
    field(app, "frozen", "training.batch_size").set_value(24)
    field(app, "frozen", "training.head_lr").set_value("2e-4")
    field(app, "frozen", "name").set_value("my-run")
    press(app, "Start training")
    [(config, run_id)] = started
    assert run_id == "my-run"
    assert (config.training.epochs, config.training.batch_size, config.training.head_lr) == (3, 24, 2e-4)
    assert app.session_state[Key.TRAIN_TAB] == "Progress"
    assert shown(app) == "my-run"


@pytest.mark.parametrize(
    ("path", "typed", "said"),
    [
        ("training.head_lr", "fast", "Learning rate: a plain number is needed here"),
        ("training.head_lr", "-1", "Learning rate: should be greater than 0."),
        ("training.head_lr", "inf", "Learning rate: a plain number is needed here"),
        ("model.head.dropout", "1.5", "Dropout: should be less than 1."),
        ("name", "../x", "Name of the run: letters, digits"),
        ("name", "taken", "Name of the run: there is a run taken already."),
    ],
)
def test_a_bad_value_is_said_in_words_and_the_form_stays(path: str, typed: str, said: str, put: Any) -> None:
    put("taken", "finished")
    app = opened()
    field(app, "frozen", "training.epochs").set_value(4).run()
    field(app, "frozen", path).set_value(typed).run()
    assert said in words(app)
    assert app.button[-1].disabled
    assert field(app, "frozen", "training.epochs").value == 4
    assert field(app, "frozen", path).value == typed


def test_a_refused_start_is_said_and_the_form_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RecommenderError("Cannot create checkpoints: no space.")

    monkeypatch.setattr(job, "start", refuse)
    app = opened()
    field(app, "frozen", "training.epochs").set_value(2)
    press(app, "Start training")
    assert "Cannot create checkpoints: no space." in words(app)
    assert field(app, "frozen", "training.epochs").value == 2


def test_the_form_is_as_it_was_after_a_look_at_another_tab(put: Any) -> None:
    put("one", "finished")
    app = opened()
    field(app, "frozen", "training.epochs").set_value(2).run()
    app.session_state[Key.TRAIN_TAB] = "Progress"
    app.run()
    assert not app.number_input
    app.session_state[Key.TRAIN_TAB] = "New run"
    app.run()
    assert field(app, "frozen", "training.epochs").value == 2


def test_the_sample_is_called_one_loudly() -> None:
    app = opened()
    field(app, "frozen", "data.source").set_value("sample").run()
    assert "Synthetic sample, NOT ReDial." in unescaped(app.warning[0].value)


def test_auto_says_what_it_finds(world: object) -> None:
    assert "ReDial in the folder that RECOMMENDER_DATA_DIR names" in words(opened())


def test_a_preset_that_goes_on_from_another_run_says_so_and_leads_there(put: Any) -> None:
    app = opened()
    app.selectbox(key="train:preset").set_value("tuned").run()
    assert "go on from the run frozen, which is not here" in words(app)
    assert app.button[-1].disabled
    press(app, "Choose the preset frozen")
    assert app.selectbox(key="train:preset").value == "frozen"
    put("frozen", "finished")
    app.selectbox(key="train:preset").set_value("tuned").run()
    assert "not here" not in words(app)
    assert not app.button[-1].disabled


def test_an_encoder_that_must_be_fetched_is_announced_and_not_fetched_by_looking(tried: list[RunConfig]) -> None:
    app = opened()
    until(app, lambda page: bool(tried))
    app.selectbox(key="train:preset").set_value("paper-text").run()
    assert "bert-base-uncased is not on this machine" in words(app)
    assert "about a fifth of the answers already stand in the wish" in words(app)
    assert "Try a few batches" in buttons(app)
    assert {config.model.text.name for config in tried} == {"minilm"}


def test_the_tag_task_without_tags_says_what_to_do() -> None:
    app = opened()
    app.selectbox(key="train:preset").set_value("weighted-tags").run()
    assert "The tag task needs MovieLens tags" in words(app)
    assert app.button[-1].disabled


def test_an_estimate_that_fails_says_why_and_can_be_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Estimate:
        raise RecommenderError("The data folder is empty.")

    monkeypatch.setattr(job, "estimate_apart", fail)
    app = until(opened(), lambda page: "The data folder is empty." in words(page))
    assert not app.button[-1].disabled
    monkeypatch.setattr(job, "estimate_apart", lambda *_: ESTIMATE)
    press(app, "Try again")
    until(app, lambda page: any(metric.value == "31,202" for metric in page.metric))


# The runs


def test_without_a_run_of_ones_own_the_page_says_what_to_do(runs: Callable[[str], Path]) -> None:
    runs("default")
    app = opened("Progress")
    assert "No run of your own yet." in words(app)
    assert shown(app) == "default"
    assert "Delete" not in str(app.get("popover"))


def test_a_live_run_is_shown_at_once_with_its_curves(put: Any) -> None:
    put("old", "finished", started=1.0)
    run = put("alive", "running", epoch=1.0, device="CPU, 2 threads", peak_memory_mb=900)
    app = opened()
    assert app.session_state[Key.TRAIN_TAB] == "Progress"
    assert shown(app) == "alive"
    text = next(element.proto.text for element in app.get("progress"))
    assert text.startswith("Epoch 2 of 6, step 20 of 100, about 96 s left")
    assert len(app.get("plotly_chart")) == 5  # nDCG, Recall, movie loss, tag loss, learning rate
    assert [metric.value for metric in app.metric] == ["22 s", "–", "0.0005", "900 MB"]
    assert buttons(app)[0] == "Stop"
    run.write_status(run.status().model_copy(update={"state": "finished"}))
    app.run()
    assert "Stop" not in buttons(app)
    assert "Ask this model" not in buttons(app)  # no weights yet


def test_a_stop_is_heard_at_once(put: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[str] = []
    monkeypatch.setattr(job, "stop", lambda run, _: stopped.append(run.run_id))
    put("alive", "running")
    app = press(opened(), "Stop")
    assert stopped == ["alive"]
    assert app.button[0].label == "Stopping…"
    assert app.button[0].disabled


def test_a_run_that_waits_says_its_place(put: Any) -> None:
    put("first", "queued", queued=1.0, steps=0, rows=[])
    put("second", "queued", queued=2.0, steps=0, rows=[])
    app = opened()
    assert shown(app) == "first"
    assert "next in line" in app.get("progress")[0].proto.text
    app.selectbox(key=Key.TRAIN_RUN).set_value("second").run()
    assert "number 2 in line" in app.get("progress")[0].proto.text
    assert "Take out of the queue" in buttons(app)
    app.session_state[Key.TRAIN_TAB] = "New run"
    app.run()
    assert buttons(app)[-1] == "Add to the queue"


def test_nothing_is_tried_while_something_trains(put: Any, tried: list[RunConfig]) -> None:
    put("alive", "running")
    app = opened("New run")
    assert tried == []
    press(app, "Try a few batches")
    until(app, lambda page: any(metric.value == "31,202" for metric in page.metric))


def test_a_failed_run_says_why_and_what_to_change(put: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put("big", "failed", problem="out_of_memory", reason="Out of memory. Use a smaller batch.")
    restarted: list[tuple[str, list[str]]] = []

    def restart(run: Run, overrides: list[str], _: object) -> Run:
        restarted.append((run.run_id, overrides))
        return put("big-again", "running")

    monkeypatch.setattr(job, "restart", restart)
    app = opened("Progress")
    assert "It failed. Out of memory. Use a smaller batch." in words(app)
    assert "Resume" in buttons(app)
    press(app, "Start again with a batch of 32")
    assert restarted[0][0] == "big"
    assert "training.batch_size=32" in restarted[0][1]
    assert shown(app) == "big-again"


def test_a_killed_run_is_interrupted_and_can_be_resumed(put: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put("killed", "running", pid=2**22, process_started=1.0)
    resumed: list[str] = []
    monkeypatch.setattr(job, "resume", lambda run, _: resumed.append(run.run_id))
    assert opened().session_state[Key.TRAIN_TAB] == "New run"  # nothing is going on
    app = opened("Progress")
    assert "its process ended without a word" in words(app)
    press(app, "Resume")
    assert resumed == ["killed"]


def test_a_finished_run_stands_beside_the_baselines_and_leads_on(put: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    left_for: list[str] = []
    run = put("done", "finished")
    (run.folder / "baselines.json").write_text(
        json.dumps({"popularity": {"ndcg@10": 0.03, "recall@10": 0.05}, "copy": {"ndcg@10": 0.2, "recall@10": 0.3}})
    )
    (run.folder / "model.safetensors").write_bytes(b"weights")
    app = opened("Progress")
    table = app.table[0].value
    assert table["nDCG@10"].to_dict() == {"This run": "0.0500", "popularity": "0.0300", "copy": "0.2000"}
    assert table["Recall@10"]["This run"] == "0.0900"
    monkeypatch.setattr("streamlit.switch_page", left_for.append)
    press(app, "Compare")
    press(app, "Ask this model")
    assert app.session_state[Key.COMPARE_RUNS] == ["done"]
    assert app.session_state[Key.RUN_ID] == "done"
    assert left_for == ["pages/compare.py", "pages/recommend.py"]


def test_a_report_gives_the_interval(put: Any) -> None:
    run = put("done", "finished")
    report = {
        "source": "sample",
        "protocol": "conversational",
        "split": "validation",
        "targets": "new",
        "examples": 60,
        "target_count": 90,
        "seed": 42,
        "metrics": {"ndcg@10": 0.06, "recall@10": 0.1, "recall@1": 0.02, "recall@50": 0.3},
        "intervals": {"ndcg@10": [0.05, 0.07], "recall@10": [0.09, 0.11]},
        "baselines": {"item_knn": {"ndcg@10": 0.02, "recall@10": 0.04, "recall@1": 0.01, "recall@50": 0.1}},
    }
    (run.folder / "report-sample-conversational-validation-new.json").write_text(json.dumps(report))
    app = opened("Progress")
    assert app.table[0].value["nDCG@10"].to_dict() == {"This run": "0.0600 (0.0500 to 0.0700)", "item-kNN": "0.0200"}


@pytest.mark.parametrize("name", ["status.json", "config.json"])
def test_a_damaged_folder_is_named_and_the_others_are_shown(put: Any, name: str) -> None:
    put("fine", "finished")
    (put("damaged", "finished").folder / name).write_text("{")
    app = opened("Progress")
    assert shown(app) == "fine"
    assert f"damaged/{name} is damaged" in words(app)
    app.selectbox(key=Key.TRAIN_RUN).set_value("damaged").run()
    assert "This run cannot be read." in words(app)


@pytest.mark.parametrize("name", ["baselines.json", "report-sample-conversational-validation-new.json"])
def test_a_damaged_part_of_a_run_is_named_and_the_rest_is_shown(put: Any, name: str) -> None:
    run = put("hurt", "finished", rows=ROWS)
    (run.folder / name).write_text("[]")
    app = opened("Progress")
    assert f"hurt/{name} is damaged" in words(app)
    assert app.get("plotly_chart")


def test_a_delete_asks_first(put: Any) -> None:
    folder = put("old", "finished").folder
    app = opened("Progress")
    assert "This cannot be undone." in words(app)
    press(app, "Yes, delete it")
    assert not folder.exists()
    assert "No run of your own yet." in words(app)


def test_the_picture_for_a_published_protocol_has_its_lines(put: Any) -> None:
    put("notebook", "running", preset="weighted-baseline")
    spec = json.loads(opened().get("plotly_chart")[0].proto.spec)
    assert any("Reproduction 2025" in note["text"] for note in spec["layout"]["annotations"])


def test_the_log_is_shown_on_demand(put: Any) -> None:
    put("alive", "running").log_file.write_text("".join(f"line {n}\n" for n in range(1000)))
    app = opened()
    assert not app.code
    app.session_state["log-alive"] = True
    app.run()
    assert app.code[0].value.endswith("line 999")
    assert "line 0\n" not in app.code[0].value


def test_read_only_shows_all_and_offers_nothing(put: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put("alive", "running")
    put("big", "failed", problem="out_of_memory", reason="Out of memory.")
    monkeypatch.setenv("RECOMMENDER_READ_ONLY", "1")
    settings.cache_clear()
    app = opened()
    assert "nobody can start, stop or delete" in words(app)
    assert len(app.get("plotly_chart")) == 5
    assert buttons(app) == []
    assert not app.tabs
    assert not app.get("popover")
    app.selectbox(key=Key.TRAIN_RUN).set_value("big").run()
    assert "Memory ran out" in words(app)
    assert buttons(app) == ["Compare"]


# The pieces


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "1 s"), (119, "119 s"), (130, "2 min"), (3000, "50 min"), (7560, "2.1 h"), (90_000, "25 h")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_sizes_and_places() -> None:
    assert (memory(812), memory(4063)) == ("812 MB", "4.0 GB")
    assert [place_in_line(number) for number in (0, 1)] == ["next in line", "number 2 in line"]


def test_time_left_is_that_of_the_recent_pace() -> None:
    slow = [{"step": step, "seconds": 100.0 * step} for step in range(10)]
    quick = [{"step": 10 + step, "seconds": 1000.0 + step} for step in range(25)]
    assert seconds_left(slow + quick, Status(state="running", steps=134)) == pytest.approx(100)
    assert seconds_left(slow[:1], Status(state="running", steps=134)) is None
    assert seconds_left([slow[3], slow[3]], Status(state="running", steps=134)) is None


def test_the_end_of_a_log_is_read_without_the_rest(tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert last_lines(run) == []
    run.log_file.write_text("ä\n" * 100_000 + "end\n", encoding="utf-8")
    assert last_lines(run)[-1] == "end"


def test_one_trial_at_a_time_and_one_nobody_looks_at_any_more_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, measured = threading.Event(), []

    def measure(config: RunConfig) -> Estimate:
        measured.append(config.seed)
        assert gate.wait(SLOW)
        return ESTIMATE

    made = Trials(measure)
    first = load_preset("frozen")
    second, third = (first.model_copy(update={"seed": seed}) for seed in (1, 2))
    trial = made.look(first, ask=True)
    while not measured:
        time.sleep(0.01)
    made.look(second, ask=True)  # nobody looks again before the first is done
    monkeypatch.setattr("pages.parts.train_trials.PATIENCE", 0.0)
    gate.set()
    while trial is None or not trial.done:
        time.sleep(0.01)
    assert made.look(third, ask=False) is None
    assert made.look(second, ask=False) is None
    assert measured == [42]
