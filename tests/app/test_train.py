"""The Train page, without a browser: every state a run can be in, and what can be done with it."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.runtime.scriptrunner import RerunData, RerunException

from pages.shared.setup import Key
from pages.train import runs as train_runs
from pages.train.live import last_lines, place_in_line, seconds_left
from pages.train.trials import Trials
from recommender.config import RunConfig
from recommender.config.presets import load_preset
from recommender.runs.folder import Run
from recommender.runs.status import Status
from recommender.settings import settings
from recommender.training import job
from recommender.training.estimate import Estimate
from recommender.wording import SAMPLE, duration, memory
from tests.app.page import SLOW
from tests.app.train_page import ESTIMATE, ROWS, buttons, opened, press, shown, until, words

pytestmark = pytest.mark.usefixtures("tried")


def test_without_a_run_of_ones_own_the_page_says_what_to_do(runs: Callable[[str], Path]) -> None:
    runs("default")
    app = opened("Progress")
    assert "You have no runs yet." in words(app)
    assert shown(app) == "default"
    assert "Delete" not in str(app.get("popover"))


def test_a_live_run_is_shown_at_once_with_its_curves(put: Any) -> None:
    put("old", "finished", started=1.0)
    run = put("alive", "running", epoch=1.0, device="CPU, 2 threads", peak_memory_mb=900)
    app = opened()
    assert app.session_state[Key.TRAIN_TAB] == "Progress"
    assert shown(app) == "alive"
    text = next(element.proto.text for element in app.get("progress"))
    assert text.startswith("Epoch 2 of 4, step 20 of 100, about 96 s left")
    assert len(app.get("plotly_chart")) == 5  # nDCG, Recall, movie loss, tag loss, learning rate
    assert [metric.value for metric in app.metric] == ["22 s", "–", "0.0005", "900 MB"]
    assert buttons(app)[0] == "Stop"
    run.write_status(run.status().model_copy(update={"state": "finished"}))
    app.run()
    assert "Stop" not in buttons(app)
    assert "Use this model" not in buttons(app)  # no weights yet


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
    assert "Remove from the queue" in buttons(app)
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
    assert "The run failed. Out of memory. Use a smaller batch." in words(app)
    assert "Resume" in buttons(app)
    press(app, "Start again with a batch of 16")
    assert restarted[0][0] == "big"
    assert "training.batch_size=16" in restarted[0][1]
    assert shown(app) == "big-again"


def test_a_run_that_memory_ran_out_of_says_how_it_goes_on(put: Any) -> None:
    put("less", "running", accumulation=4)
    assert "batches of 32 are now processed 8 at a time" in words(opened())
    put("less", "running")
    assert "Memory ran out" not in words(opened())


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
    press(app, "Use this model")
    assert app.session_state[Key.COMPARE_RUNS] == ["done"]
    assert app.session_state[Key.RUN_ID] == "done"
    assert left_for == ["compare.py", "recommend.py"]


def test_a_report_gives_the_interval(put: Any) -> None:
    run = put("done", "finished", source=SAMPLE, source_kind="sample")
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


def test_an_interrupted_click_does_its_work_once(put: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put("old", "interrupted")
    done: list[str] = []

    class Interrupting(dict[Any, Any]):
        """A session in which another event comes in as soon as the work is done."""

        def __setitem__(self, key: Any, value: Any) -> None:
            if done:
                raise RerunException(RerunData())
            super().__setitem__(key, value)

    session = Interrupting({Key.TRAIN_STOPPING: {"old"}, Key.TRAIN_NEXT: {}})
    monkeypatch.setattr(train_runs, "st", SimpleNamespace(session_state=session))
    monkeypatch.setattr(job, "resume", lambda run, _: done.append(run.run_id))
    train_runs.act("resume", "old")
    assert done == ["old"]
    assert session[Key.TRAIN_NEXT] == {Key.TRAIN_RUN: "old"}
    assert session[Key.TRAIN_STOPPING] == set()


def test_a_delete_asks_first(put: Any) -> None:
    folder = put("old", "finished").folder
    app = opened("Progress")
    assert "This cannot be undone." in words(app)
    press(app, "Yes, delete it")
    assert not folder.exists()
    assert "You have no runs yet." in words(app)


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
    assert "not start, stop or delete" in words(app)
    assert len(app.get("plotly_chart")) == 5
    assert buttons(app) == []
    assert [tab.label for tab in app.tabs] == ["Progress", "Tune"]
    assert not app.get("popover")
    app.selectbox(key=Key.TRAIN_RUN).set_value("big").run()
    assert "Memory ran out" in words(app)
    assert buttons(app) == ["Compare"]


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
    begun, gate, measured = threading.Event(), threading.Event(), []

    def measure(config: RunConfig) -> Estimate:
        measured.append(config.seed)
        begun.set()
        assert gate.wait(SLOW)
        return ESTIMATE

    made = Trials(measure)
    first = load_preset("frozen")
    second, third = (first.model_copy(update={"seed": seed}) for seed in (1, 2))
    trial = made.look(first, ask=True)
    assert trial is not None
    assert begun.wait(SLOW)
    made.look(second, ask=True)  # nobody looks again before the first is done
    monkeypatch.setattr("pages.train.trials.PATIENCE", 0.0)
    gate.set()
    assert trial.ended.wait(SLOW)
    assert made.look(third, ask=False) is None
    assert made.look(second, ask=False) is None
    assert measured == [42]
