"""Searches: those that ship can be run, and what is unknown or impossible is an error that helps."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recommender.errors import RecommenderError, UnknownNameError
from recommender.tuning.search import FIXED, Search, load_search, search_names, with_params

RATE = {"training.head_lr": {"kind": "float", "low": 1e-4, "high": 1e-1, "log": True}}
MakeSearch = Callable[..., Search]


@pytest.mark.parametrize("name", search_names())
def test_every_search_loads_and_its_ends_can_be_trained(name: str) -> None:
    search = load_search(name)
    assert len(search.description) > 10
    for at in (0, -1):
        config = with_params(search.base(), {path: kind.ends[at] for path, kind in search.space.items()})
        assert config != search.base()


def test_the_settings_of_a_trial_are_the_presets_but_for_what_is_searched(make_search: MakeSearch) -> None:
    base = make_search().base()
    config = with_params(base, {"training.head_lr": 0.012345678, "training.batch_size": 48})
    assert (config.training.head_lr, config.training.batch_size) == (0.0123457, 48)
    assert config.model == base.model


@pytest.mark.parametrize(
    ("keys", "nearest"),
    [
        ({"trails": 3}, "trials"),
        ({"pruner": {"kind": "median", "first_trial": 1}}, "pruner.first_trials"),
        ({"preset": "weighted-quik"}, "weighted-quick"),
        ({"overrides": ["training.epoch=1"]}, "training.epochs"),
        ({"space": {"training.head_rl": RATE["training.head_lr"]}}, "training.head_lr"),
        ({"space": {"training.head_lr": {"kind": "float", "low": 1e-4, "high": 1e-1, "logg": True}}}, "log"),
    ],
)
def test_an_unknown_name_is_told_the_nearest(keys: dict[str, object], nearest: str, make_search: MakeSearch) -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean: .*" + nearest):
        make_search(**keys)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"space": {}}, "space"),
        ({"trials": 0}, "trials"),
        ({"space": {"training.head_lr": {"kind": "float", "low": 1.0, "high": 1.0}}}, "must be below"),
        ({"space": {"training.head_lr": {"kind": "float", "low": 0.0, "high": 1.0, "log": True}}}, "above 0"),
        (
            {"space": {"training.head_lr": {"kind": "float", "low": 1e-3, "high": 1.0, "log": True, "step": 0.1}}},
            "step",
        ),
        ({"space": {"training.head_lr": {"kind": "float", "low": -1.0, "high": 1.0}}}, "training.head_lr = -1.0"),
        (
            {
                "overrides": ["training.accumulation=4"],
                "space": {"training.batch_size": {"kind": "int", "low": 16, "high": 64}},
            },
            r"(?s)^(?!.*\{).*between 16 and 64; give training.batch_size a step",
        ),
        ({"space": {"training.epochs": {"kind": "float", "low": 1.5, "high": 2.0}}}, "training.epochs = 1.5"),
        ({"space": {"loss.kind": {"kind": "choice", "values": ["softmax", "hinge"]}}}, "hinge"),
        ({"space": {"loss.kind": {"kind": "choice", "values": ["softmax"]}}}, "at least 2"),
        ({"preset": "item-knn", "overrides": []}, "nothing to tune"),
        ({"overrides": ["training.chosen_on=test"]}, "test split"),
        *(({"space": {path: {"kind": "int", "low": 1, "high": 2}}}, "could not be compared") for path in FIXED),
    ],
)
def test_what_cannot_be_searched_is_refused(keys: dict[str, object], words: str, make_search: MakeSearch) -> None:
    with pytest.raises(RecommenderError, match=words):
        make_search(**keys)


def test_what_decides_who_is_asked_under_ratings_is_the_same_for_all_trials() -> None:
    assert {"data.test", "data.max_targets", "data.validation", "data.hold_out", "seed"} <= set(FIXED)


def test_a_step_leaves_out_what_the_settings_do_not_allow(make_search: MakeSearch) -> None:
    numbers = {"kind": "int", "low": 16, "high": 64, "step": 16}
    make_search(overrides=["training.accumulation=4"], space={"training.batch_size": numbers})


def test_a_file_that_is_missing_or_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean: frozen"):
        load_search("frozn")
    with pytest.raises(RecommenderError, match="cannot be read"):
        load_search(str(tmp_path / "none.toml"))
    (tmp_path / "bad.toml").write_bytes(b"\xff")
    with pytest.raises(RecommenderError, match="no TOML"):
        load_search(str(tmp_path / "bad.toml"))
