"""The Train page, without a browser: the form, and what it means on this machine."""

import errno
from pathlib import Path
from typing import Any

import pytest

from pages.shared.setup import Key
from pages.train.fields import read_settings
from pages.train.plan import obstacles
from pages.train.runs import seen_runs
from recommender.config import RunConfig
from recommender.config.base import possible_settings
from recommender.config.models import DialogueSettings
from recommender.config.presets import load_preset, preset_names
from recommender.errors import RecommenderError
from recommender.runs.folder import Run
from recommender.settings import settings
from recommender.training import estimate as estimates
from recommender.training import job
from recommender.training.estimate import Estimate
from tests.app.page import unescaped
from tests.app.train_page import ESTIMATE, buttons, field, opened, press, shown, until, words

pytestmark = pytest.mark.usefixtures("tried")


def test_idle_offers_every_preset_and_says_what_the_first_one_means(tried: list[RunConfig]) -> None:
    app = opened()
    assert len(app.selectbox(key="train:preset").options) == len(preset_names())
    assert app.selectbox(key="train:preset").value == "frozen"
    until(app, lambda page: any(metric.value == "31,202" for metric in page.metric))
    assert [metric.value for metric in app.metric] == ["31,202", "2,928", "8 min", "1.7 GB"]
    assert "No GPU was found" in words(app)
    assert buttons(app)[-1] == "Start training"
    assert [config.training.epochs for config in tried] == [4]


def test_every_setting_of_a_run_is_on_the_page_of_a_kind_that_reads_it() -> None:
    found = {preset: settings_shown(preset) for preset in ("frozen", "frozen-bpr", "original-baseline")}
    assert found["frozen-bpr"] - found["frozen"] == {"loss.negatives.count", "loss.negatives.kind"} | {
        f"loss.negatives.{name}" for name in ("power", "hard", "hard_from")
    }
    assert "model.history.kind" not in found["frozen"]
    assert "model.members" not in found["original-baseline"]
    for preset, shown_there in found.items():
        assert shown_there == read_by(load_preset(preset)) - {"description"}
    everything = [read_by(load_preset(preset, list(changes))) for preset, changes in VARIED]
    everything = set().union(*everything) | {"version"}
    assert {setting.path for setting in possible_settings(RunConfig)} == everything


VARIED = (
    ("frozen-bpr", ["model.opinions=['liked', 'seen']", "model.text.train=last"]),
    ("focal-baseline", ["model.tags=true", "model.text.train=lora"]),
    ("weighted-baseline", []),
    ("interactions", ["loss.kind=softmax", "data.hold_out=random", "loss.sampled=64"]),
    ("original-rnn", []),
    ("item-knn", []),
    ("ease", []),
)  # together they read every setting


def read_by(config: RunConfig) -> set[str]:
    return set(read_settings(config))


@pytest.mark.parametrize(
    ("preset", "change", "more", "fewer"),
    [
        ("frozen", "loss.kind=focal", {"loss.alpha", "loss.gamma"}, {"loss.label_smoothing"}),
        ("frozen", "loss.kind=weighted_bce", {"loss.factor"}, {"loss.label_smoothing"}),
        ("frozen", "loss.sampled=64", {"loss.sampling_power"}, set()),
        ("frozen", "model.opinions=['seen']", {"loss.seen_weight", "loss.balance"}, set()),
        ("frozen", "protocol=one_shot", set(), {"data.learn_from"}),
        ("frozen", "data.hold_out=latest", set(), set()),
        (
            "frozen",
            "model.text.train=last",
            {"model.text.last_layers", "training.encoder_lr", "training.gradient_checkpointing"},
            set(),
        ),
        (
            "original-baseline",
            "model.tags=true",
            {"loss.tag_weight", "loss.balance", "training.tag_batch_size", "data.tags_per_movie"}
            | {"data.tag_min_chars", "data.tag_max_tokens", "data.tag_join"},
            set(),
        ),
        (
            "frozen",
            "protocol=next_movie",
            {"data.catalog", "data.order", "data.best_rating", "data.test"}
            | {"data.max_targets", "data.max_mentioned", "data.keep_mentioned"}
            | {f"loss.weights.{name}" for name in ("rating", "completion", "plays", "half_life_days")},
            {"data.learn_from", *(f"loss.weights.{name}" for name in ("seen", "unseen", "suggested", "named"))},
        ),
        ("interactions", "data.hold_out=random", {"data.validation", "data.test"}, set()),
    ],
)
def test_a_change_brings_the_settings_that_it_has_read_and_takes_the_others_away(
    preset: str, change: str, more: set[str], fewer: set[str]
) -> None:
    before = read_by(load_preset(preset, ["data.hold_out=leave_one_out"] if preset == "interactions" else []))
    after = read_by(load_preset(preset, [change]))
    assert (after - before, before - after) == (more, fewer)


def test_a_preset_of_ratings_says_which_ratings_are_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened()
    app.selectbox(key="train:preset").set_value("interactions").run()
    assert "Synthetic sample, NOT MovieLens" in words(app)
    monkeypatch.setenv("RECOMMENDER_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    assert "Download ml-latest-small" in words(app.run())
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n")
    assert "Found here: MovieLens" in words(app.run())


def settings_shown(preset: str) -> set[str]:
    app = opened()
    app.selectbox(key="train:preset").set_value(preset).run()
    app.session_state[f"advanced-{preset}"] = True
    app.run()
    keys = [
        w.key
        for w in [*app.text_input, *app.number_input, *app.selectbox, *app.checkbox, *app.multiselect, *app.text_area]
        if w.key
    ]
    begin = f"train:{preset}:"
    return {key.removeprefix(begin) for key in keys if key.startswith(begin) and not key.endswith(":name")}


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_can_be_chosen_and_reads_back_as_it_is(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[RunConfig] = []
    monkeypatch.setattr(job, "start", lambda config, *_: started.append(config))
    monkeypatch.setattr("pages.train.plan.obstacles", lambda *_: [])
    app = opened()
    app.selectbox(key="train:preset").set_value(preset).run()
    press(app, "Start training")
    assert started == [load_preset(preset)]


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
        ("model.head_dropout", "1.5", "Dropout of the head: should be less than 1."),
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


def test_settings_hidden_with_another_kind_of_model_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[RunConfig] = []
    monkeypatch.setattr(job, "start", lambda config, *_: started.append(config))
    monkeypatch.setattr("pages.train.plan.obstacles", lambda *_: [])
    app = opened()
    app.selectbox(key="train:preset").set_value("original-rnn-tags").run()
    app.session_state["advanced-original-rnn-tags"] = True
    app.run()
    field(app, "original-rnn-tags", "model.kind").set_value("dialogue").run()
    press(app, "Start training")
    [config] = started
    assert config.model == DialogueSettings(text=config.model.encoder)
    assert config.training.epochs == 20


def test_what_is_hidden_keeps_no_run_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preset saves memory in an encoder that it trains; nobody could take that back once the encoder is frozen."""
    started: list[RunConfig] = []
    monkeypatch.setattr(job, "start", lambda config, *_: started.append(config))
    monkeypatch.setattr("pages.train.plan.obstacles", lambda *_: [])
    app = opened()
    app.selectbox(key="train:preset").set_value("default-large").run()
    app.session_state["advanced-default-large"] = True
    app.run()
    field(app, "default-large", "training.encoder_lr").set_value("fast").run()
    field(app, "default-large", "model.text.train").set_value("none").run()
    press(app, "Start training")
    [config] = started
    assert not config.training.gradient_checkpointing
    assert config.training.encoder_lr == RunConfig(protocol="one_shot").training.encoder_lr


def test_an_epoch_picked_on_the_test_split_is_warned_of() -> None:
    app = opened()
    app.session_state["advanced-frozen"] = True
    app.run()
    field(app, "frozen", "training.chosen_on").set_value("test").run()
    assert "This run chooses its epoch on the test split" in words(app)


def test_a_full_disk_is_said_and_the_form_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/config.json")

    monkeypatch.setattr(job, "start", full)
    app = opened()
    press(app, "Start training")
    assert "Cannot read or write config.json: No space left on device." in words(app)
    assert "/somewhere" not in words(app)
    assert app.session_state[Key.TRAIN_TAB] == "New run"


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
    app.selectbox(key="train:preset").set_value("default").run()
    assert "continue from the run frozen, which is not here" in words(app)
    assert app.button[-1].disabled
    press(app, "Choose the preset frozen")
    assert app.selectbox(key="train:preset").value == "frozen"
    put("frozen", "finished")
    app.selectbox(key="train:preset").set_value("default").run()
    assert "not here" not in words(app)
    assert not app.button[-1].disabled


@pytest.mark.parametrize(("preset", "unit"), [("frozen", "dialogues"), ("interactions", "ratings")])
def test_a_start_that_held_out_others_is_told_in_the_words_of_its_data(preset: str, unit: str, put: Any) -> None:
    put("base", "finished", preset=preset)
    config = load_preset(preset, ["start_from=base", "data.hold_out=random", "data.validation=0.2"])
    [problem] = obstacles(config, seen_runs())
    assert f"which held out other {unit} and may have been trained on these" in problem


def test_an_encoder_that_must_be_fetched_is_announced_and_not_fetched_by_looking(tried: list[RunConfig]) -> None:
    app = opened()
    until(app, lambda page: bool(tried))
    app.selectbox(key="train:preset").set_value("paper-text").run()
    assert "bert-base-uncased is not on this machine" in words(app)
    assert "more than a fifth of the answers already stand in the wish" in words(app)
    assert "Try a few batches" in buttons(app)
    assert {config.model.encoder.name for config in tried} == {"minilm"}


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


def test_an_estimate_can_be_measured_again(monkeypatch: pytest.MonkeyPatch, tried: list[RunConfig]) -> None:
    app = until(opened(), lambda page: any(metric.value == "31,202" for metric in page.metric))
    busy = estimates._file(tried[0], settings())
    estimates.remember(ESTIMATE, tried[0], settings())
    press(app, "Measure again")
    until(app, lambda page: len(tried) == 2)
    assert not busy.exists()


def test_a_source_that_was_chosen_stays_when_the_preset_changes() -> None:
    app = opened()
    app.selectbox(key="train:frozen:data.source").set_value("sample").run()
    app.selectbox(key="train:preset").set_value("frozen-bpr").run()
    assert app.selectbox(key="train:frozen-bpr:data.source").value == "sample"
    app.selectbox(key="train:frozen-bpr:data.source").set_value("auto").run()
    app.selectbox(key="train:preset").set_value("frozen").run()
    assert app.selectbox(key="train:frozen:data.source").value == "auto"
