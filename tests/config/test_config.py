"""Settings: presets hold the published numbers, and what is unknown or impossible is an error that helps."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.config import DataConfig, RunConfig
from recommender.config.losses import LOSSES, BprSettings, NegativeConfig, SoftmaxSettings
from recommender.config.models import (
    MODELS,
    TEXTS,
    AttentionSettings,
    CopySettings,
    DialogueSettings,
    FfnSettings,
    LastLayersText,
    LoraText,
    OneShotSettings,
)
from recommender.config.presets import PRESETS, load_preset, preset_names, save_preset, saved_presets
from recommender.config.run import VERSION
from recommender.config.values import changed_draft, parse_config
from recommender.errors import RecommenderError, UnknownNameError
from recommender.runs.folder import SHIPPED_RUNS
from recommender.settings import ROOT, Settings, settings

FOUR = {"": ("none", False), "-rnn": ("gru", False), "-tags": ("none", True), "-rnn-tags": ("gru", True)}


def values(config: RunConfig, *paths: str) -> dict[str, Any]:
    found = {}
    for path in paths:
        value: Any = config
        for step in path.split("."):
            value = getattr(value, step)
        found[path] = value
    return found


def check(config: RunConfig, expected: Mapping[str, Any]) -> None:
    assert values(config, *expected) == dict(expected)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads_and_says_what_it_is(name: str) -> None:
    assert len(load_preset(name).description) > 10


def test_all_experiments_have_a_preset() -> None:
    reproductions = {f"{family}{part or '-baseline'}" for family in ("original", "weighted") for part in FOUR}
    papers = {f"paper-text{part}" for part in FOUR}
    assert reproductions | papers | {"popularity", "copy", "item-knn"} <= set(preset_names())


REPRODUCTION = {
    "protocol": "notebook",
    "seed": 42,
    "data.max_mentioned": 20,
    "data.keep_mentioned": "first",
    "data.max_tokens": 512,
    "model.kind": "one_shot",
    "model.text.name": "minilm",
    "model.text.pooling": "mean",
    "model.text.train": "all",
    "model.embedding": 256,
    "model.head.kind": "ffn",
    "model.head.hidden": 256,
    "model.head.dropout": 0.1,
    "training.batch_size": 32,
    "training.encoder_lr": 2e-5,
    "training.head_lr": 2e-5,
    "training.warmup": 0.1,
    "training.clip": 1.0,
    "training.weight_decay": 0.0,
}

GRU = {"model.history.hidden": 128, "model.history.bidirectional": True}
TAG_TASK = {
    "data.tags_per_movie": 50,
    "data.tag_min_chars": 3,
    "data.tag_max_tokens": 64,
    "training.tag_batch_size": 64,
}


@pytest.mark.parametrize("part", FOUR)
def test_the_original_trainer_of_2025(part: str) -> None:
    kind, tags = FOUR[part]
    config = load_preset(f"original{part or '-baseline'}")
    check(config, REPRODUCTION | {"model.history.kind": kind, "model.tags": tags} | (GRU if kind == "gru" else {}))
    check(config, {"loss.kind": "bce", "training.epochs": 20} | (TAG_TASK | {"loss.tag_weight": 1.0} if tags else {}))


@pytest.mark.parametrize("part", FOUR)
def test_the_weighted_trainer_of_2025(part: str) -> None:
    kind, tags = FOUR[part]
    config = load_preset(f"weighted{part or '-baseline'}")
    check(config, REPRODUCTION | {"model.history.kind": kind, "model.tags": tags} | (GRU if kind == "gru" else {}))
    check(config, {"loss.kind": "weighted_bce", "loss.factor": 1.0, "training.epochs": 20})
    if tags:
        check(config, TAG_TASK | {"loss.tag_weight": 0.001})


def test_the_quick_look_and_the_focal_alternative() -> None:
    quick, focal = load_preset("weighted-quick"), load_preset("focal-baseline")
    check(quick, REPRODUCTION | {"training.epochs": 5, "loss.kind": "weighted_bce"})
    check(focal, REPRODUCTION | {"loss.kind": "focal", "loss.alpha": 1.0, "loss.gamma": 2.0})


@pytest.mark.parametrize("part", FOUR)
def test_the_paper_of_2024(part: str) -> None:
    kind, tags = FOUR[part]
    expected = {
        "protocol": "paper",
        "data.validation": 0.2,
        "model.text.name": "bert-base-uncased",
        "model.text.pooling": "cls",
        "model.text.train": "all",
        "model.history.kind": kind,
        "model.embedding": 256,
        "model.head.kind": "ffn",
        "model.head.hidden": 256,
        "model.head.dropout": 0.3,
        "model.tags": tags,
        "loss.kind": "bce",
        "training.epochs": 200,
        "training.batch_size": 8,
        "training.encoder_lr": 1e-5,
        "training.head_lr": 1e-5,
    }
    expected |= {"model.history.hidden": 128} if kind == "gru" else {}
    check(
        load_preset(f"paper-text{part}"),
        expected | ({"training.tag_batch_size": 64, "loss.tag_weight": 1.0} if tags else {}),
    )


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("popularity", {"protocol": "conversational", "model.kind": "popularity"}),
        ("copy", {"protocol": "conversational", "model.kind": "copy"}),
        ("item-knn", {"protocol": "conversational", "model.kind": "item_knn"}),
        ("ease", {"protocol": "next_movie", "model.kind": "ease", "data.hold_out": "leave_one_out"}),
    ],
)
def test_the_baselines(name: str, settings: dict[str, Any]) -> None:
    check(load_preset(name), settings)


def test_overrides_reach_every_depth_and_keep_the_rest() -> None:
    config = load_preset(
        "original-rnn",
        ["seed=7", "training.epochs=3", "model.text.train=lora", "model.tags=true", "loss.kind=focal",
         "training.head_lr=1e-3", "training.patience=2", "description=a = b"],
    )  # fmt: skip
    changed = {"seed": 7, "training.epochs": 3, "model.text.train": "lora", "model.tags": True, "loss.kind": "focal",
               "training.head_lr": 1e-3, "training.patience": 2, "description": "a = b"}  # fmt: skip
    check(config, REPRODUCTION | {"model.history.kind": "gru"} | changed)


def test_a_later_override_wins() -> None:
    assert load_preset("copy", ["seed=1", "seed=2"]).seed == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epoch=3", "Did you mean: training.epochs"),
        ("epochs=3", "training.epochs"),
        ("model=1", "Unknown setting 'model'"),
        ("training.epochs.more=1", "Did you mean: training.epochs"),
        ("training.epochs", "expected part.key=value"),
        ("training.epochs=-1", "training.epochs = -1: .*greater than or equal to 0"),
        ("training.epochs=many", "training.epochs = 'many': .*integer"),
        ("loss.kind=hinge", "kind = 'hinge': expected one of bce"),
        ("protocol=papper", "protocol = 'papper': .*'paper'"),
        ("data.validation=1", "less than 1"),
        ("model.head.dropout=-0.1", "greater than or equal to 0"),
        ("training.head_lr=0", "greater than 0"),
        ("training.clip=inf", "finite number"),
        ("training.weight_decay=nan", "finite number"),
        ("seed=-1", "greater than or equal to 0"),
        ("seed=4294967296", "less than 4294967296"),
        ("data.max_mentioned=0x" + "f" * 6000, "a number without end: .*64 bits"),
        ("data.max_mentioned=" + "9" * 6000, r"'999.*\.\.\..*integer"),
        ("data.max_mentioned=" + "[" * 5000, r"'\[\[\[.*integer"),
        ("training.epochs=1\nseed = 2", "integer"),
        ("description=half \ud800", "not valid Unicode"),
    ],
)
def test_an_override_that_cannot_be_names_key_and_reason(override: str, message: str) -> None:
    with pytest.raises(RecommenderError, match=message):
        load_preset("original-baseline", [override])


@pytest.mark.parametrize(
    ("name", "near"), [("wieghted-rnn", "weighted-rnn"), ("ITEM-KNN", "item-knn"), ("../copy", "copy")]
)
def test_an_unknown_preset_names_the_nearest(name: str, near: str) -> None:
    with pytest.raises(UnknownNameError, match=rf"Unknown preset .*Did you mean: .*\b{near}\b"):
        load_preset(name)


def test_no_preset_at_all_lists_some() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean: copy"):
        load_preset("")


def test_an_unknown_key_in_a_file_is_an_error_that_names_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text('protocol = "paper"\n[training]\nepoch = 3\n')
    monkeypatch.setattr("recommender.config.presets.PRESETS", tmp_path)
    with pytest.raises(
        UnknownNameError, match=r"setting in preset mine 'training.epoch'. Did you mean: training.epochs"
    ):
        load_preset("mine")


@pytest.mark.parametrize(
    "content",
    [b"protocol = ", b"\xff", b"seed = " + b"9" * 5000, b"seed = " + b"[" * 5000, b"[model]\n[model]\n", b"\x00"],
)
def test_a_preset_that_is_no_toml_is_named(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_bytes(content)
    monkeypatch.setattr("recommender.config.presets.PRESETS", tmp_path)
    with pytest.raises(RecommenderError, match=r"The preset mine\.toml is no TOML"):
        load_preset("mine")


def test_a_setting_within_what_is_no_group_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text('protocol = "paper"\nmodel = 3\n')
    monkeypatch.setattr("recommender.config.presets.PRESETS", tmp_path)
    with pytest.raises(RecommenderError, match=r"model is no group of settings but 3"):
        load_preset("mine", ["model.text.name=x"])


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20)
NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
PARTS = st.sampled_from(["seed", "data", "model", "model.text", "training", "loss", "start_from", "description"])


@given(st.dictionaries(PARTS | st.text(max_size=8), NESTED, max_size=4))
def test_any_settings_are_a_config_that_survives_or_an_error_for_the_user(values: dict[str, Any]) -> None:
    try:
        config = parse_config({"protocol": "paper", **values}, "here")
    except RecommenderError:
        return
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


@given(PARTS | st.text(max_size=12), st.text(st.characters(), max_size=30))
def test_any_override_is_taken_or_refused_kindly(path: str, value: str) -> None:
    try:
        config = load_preset("copy", [f"{path}={value}"])
    except RecommenderError:
        return
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


def test_a_protocol_is_needed() -> None:
    with pytest.raises(RecommenderError, match="here: protocol"):
        parse_config({}, "here")


def test_settings_are_not_changed_in_place() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_preset("copy").seed = 3


def test_a_config_survives_its_json() -> None:
    for name in preset_names():
        config = load_preset(name)
        assert RunConfig.model_validate_json(config.model_dump_json()) == config
    assert PRESETS.is_dir()


def test_folders_and_limits_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RECOMMENDER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("RECOMMENDER_MAX_WISH_CHARS", "50")
    settings.cache_clear()
    assert (settings().data_dir, settings().max_wish_chars) == (tmp_path, 50)
    assert settings() is settings()
    assert settings().assets_dir == ROOT / "recommender" / "assets"
    assert Settings(data_dir=None).data_dir is None


@pytest.mark.parametrize(("name", "value"), [("DEVICE", "abacus"), ("MAX_WISH_CHARS", "0"), ("MAX_WISH_CHARS", "many")])
def test_an_environment_that_cannot_be_is_the_user_s_error(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"RECOMMENDER_{name}", value)
    settings.cache_clear()
    with pytest.raises(RecommenderError, match=f"RECOMMENDER_{name}"):
        settings()


def test_a_part_of_the_model_can_be_set_by_name() -> None:
    config = load_preset("frozen", ["training.modules.readers.0.lr=1e-4", "training.modules.head.clip=2"])
    assert config.training.modules["readers.0"].lr == 1e-4
    assert config.training.modules["head"].clip == 2
    with pytest.raises(UnknownNameError, match=r"training\.modules\.text\.lr"):
        load_preset("frozen", ["training.modules.text.rate=1"])


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("training.accumulation=5", "batch_size must be a multiple of accumulation"),
        ("training.gradient_checkpointing=true", "read only with model.text.train = lora, last or all"),
        ('training.report_to=["paper"]', "report_to"),
        ("training.schedule=steps", "'linear', 'cosine' or 'constant'"),
    ],
)
def test_training_settings_that_cannot_be(setting: str, problem: str) -> None:
    with pytest.raises(RecommenderError, match=problem):
        load_preset("frozen", [setting])


def test_a_saved_preset_is_listed_and_loads_as_it_was() -> None:
    config = load_preset("weighted-tags", ["training.patience=3", 'description=Über "uns" \\ \x7f\n'])
    file = save_preset("mine", config)
    assert file == settings().presets_dir / "mine.toml"
    assert "mine" in preset_names()
    os.mkfifo(settings().presets_dir / "pipe.toml")  # reading it would never end
    assert saved_presets() == ["mine"]
    assert load_preset("mine") == config
    assert load_preset("mine", ["training.epochs=7"]).training.epochs == 7


@pytest.mark.parametrize("name", ["frozen", "mine", "../mine", "a/b", "", ".hidden", "x" * 65])
def test_a_preset_is_not_saved_under_a_name_that_is_taken_or_a_path(name: str) -> None:
    save_preset("mine", load_preset("frozen"))
    before = sorted(settings().presets_dir.parent.rglob("*"))
    with pytest.raises(RecommenderError):
        save_preset(name, load_preset("copy"))
    assert sorted(settings().presets_dir.parent.rglob("*")) == before
    assert load_preset("frozen").model.kind == "dialogue"


def test_a_shipped_preset_is_never_shadowed() -> None:
    settings().presets_dir.mkdir(parents=True)
    (settings().presets_dir / "frozen.toml").write_text('protocol = "paper"', encoding="utf-8")
    assert load_preset("frozen").protocol == "conversational"
    assert saved_presets() == []


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_reads_back_as_it_was_saved(name: str) -> None:
    config = load_preset(name, ["training.modules.readers.0.lr=1e-4", 'description="é \\" # [x]"'])
    save_preset("again", config)
    assert load_preset("again") == config


@pytest.mark.parametrize(
    ("preset", "setting", "problem"),
    [
        ("default", "model.head.kind=ffn", "model.head has no effect here: it is no setting of model.kind = dialogue"),
        ("default", "loss.gamma=9", "loss.gamma has no effect here: it is no setting of loss.kind = softmax"),
        ("default", "model.text.lora_rank=4", "no setting of model.text.train = last"),
        ("default", "data.test=0.3", "data.test has no effect here: it is read only with protocol = next_movie"),
        ("default", "loss.tag_weight=2", "read only with model.tags = true"),
        ("popularity", "training.epochs=3", "read only with a model that learns by gradient"),
        ("item-knn", "loss.kind=bpr", "loss.kind has no effect here: it is read only with a model that learns"),
        ("interactions", "data.validation=0.2", "read only with data.hold_out = random or latest"),
    ],
)
def test_a_setting_that_nothing_reads_is_an_error(preset: str, setting: str, problem: str) -> None:
    with pytest.raises(RecommenderError, match=problem):
        load_preset(preset, [setting])


def test_a_kind_that_nothing_reads_goes_with_its_own_settings() -> None:
    assert load_preset("default").loss.kind == "softmax"
    assert load_preset("default", ["model.kind=popularity"]).loss == LOSSES["bce"]()
    assert changed_draft(load_preset("default"), {"model.kind": "popularity"}).loss == LOSSES["bce"]()


def test_another_kind_takes_its_own_defaults_and_keeps_what_both_read() -> None:
    config = load_preset("frozen-bpr", ["loss.kind=softmax", "loss.label_smoothing=0.1"])
    assert config.loss == SoftmaxSettings(label_smoothing=0.1, weights=load_preset("frozen-bpr").loss.weights)
    one_shot = load_preset("frozen", ["model.kind=one_shot", "protocol=one_shot"])
    assert one_shot.model == OneShotSettings(text=load_preset("frozen").model.encoder)
    assert one_shot.data.learn_from == "recommender"


@pytest.mark.parametrize("run", SHIPPED_RUNS)
def test_shipped_runs_of_the_first_version_are_read(run: str) -> None:
    old = json.loads((ROOT / "checkpoints" / run / "config.json").read_text())
    config = parse_config(old, run)
    assert parse_config(config.model_dump(mode="json"), run) == config
    assert config.version == VERSION


def test_what_the_first_version_said_of_a_dialogue_model_is_kept_and_the_rest_goes() -> None:
    old = {
        "protocol": "conversational",
        "data": {"test": 0.3, "learn_from": "everyone"},
        "model": {
            "kind": "dialogue",
            "text": {"train": "last", "last_layers": 2, "lora_rank": 4},
            "history": {"kind": "gru", "embedding": 8},
            "dialogue": {"members": 3, "forgotten": 0.4, "counts_weight": 0.5},
            "head": {"kind": "catalogue", "dropout": 0.3, "hidden": 7},
            "tags": False,
        },
        "loss": {"kind": "softmax", "gamma": 9.0, "sampled": 10, "negatives": {"power": 0.5, "count": 3}},
    }
    config = parse_config(old, "old")
    assert config.model == DialogueSettings(
        text=LastLayersText(last_layers=2), members=3, item_dropout=0.4, counts_weight=0.5, head_dropout=0.3
    )
    assert config.loss == SoftmaxSettings(sampled=10, sampling_power=0.5)
    assert config.data == DataConfig(learn_from="everyone")


def test_the_first_version_named_the_most_targets_of_a_person_otherwise() -> None:
    config = parse_config({"protocol": "next_movie", "data": {"max_answers": 3}}, "old")
    assert config.data == DataConfig(max_targets=3)


def test_the_first_version_of_the_other_kinds() -> None:
    history = {"kind": "attention", "embedding": 32, "hidden": 8, "bidirectional": False, "counts_weight": 0.5}
    model = {"text": {"train": "lora", "lora_rank": 2}, "history": history, "head": {"hidden": 9}, "tags": True}
    loss = {"kind": "bpr", "negatives": {"count": 3, "power": 0.5}, "tag_weight": 0.1}
    config = parse_config({"protocol": "paper", "model": model, "loss": loss}, "old")
    assert config.model == OneShotSettings(
        text=LoraText(lora_rank=2),
        embedding=32,
        history=AttentionSettings(hidden=8),
        head=FfnSettings(hidden=9),
        counts_weight=0.5,
        tags=True,
    )
    assert config.loss == BprSettings(negatives=NegativeConfig(count=3, power=0.5), tag_weight=0.1)
    assert parse_config({"protocol": "paper", "model": {"kind": "copy"}}, "old").model == CopySettings()


@pytest.mark.parametrize("version", [0, 3, "2", True, None])
def test_settings_of_an_unknown_version_are_refused(version: object) -> None:
    with pytest.raises(RecommenderError, match=r"version .* of the settings is unknown here"):
        parse_config({"protocol": "paper", "version": version}, "there")


def test_the_tables_name_each_kind_once() -> None:
    for table, key in ((MODELS, "kind"), (LOSSES, "kind"), (TEXTS, "train")):
        for kind, settings_class in table.items():
            assert settings_class.model_fields[key].default == kind
            assert settings_class.__doc__
