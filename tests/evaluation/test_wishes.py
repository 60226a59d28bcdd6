"""The words behind a record are found where the data is, and nowhere else."""

from pathlib import Path
from typing import Any

import pytest

from recommender.config import DataConfig
from recommender.data import redial
from recommender.data.catalog import Catalog
from recommender.data.task import load_task
from recommender.errors import DataError
from recommender.evaluation.wishes import look_up
from recommender.reports.report import wanted
from recommender.settings import Settings

CONFIG = DataConfig(validation=0.25)


def report(**other: Any) -> dict[str, Any]:
    return {"source": "folder", "protocol": "conversational", "split": "test", "targets": "all", "seed": 5} | other


@pytest.fixture(autouse=True)
def _no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> None:
        raise AssertionError("a look-up must not download")

    monkeypatch.setattr(redial, "_fetch_hub", fail)


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize("targets", ["all", "new"])
def test_examples_are_found_in_the_order_asked_for(
    split: str, targets: Any, world: Settings, small_catalog: Catalog
) -> None:
    task = load_task("conversational", CONFIG, 5, world)
    examples = [example for example in task.examples(split) if wanted(example, targets)][:6][::-1]
    ids = [example.example_id for example in examples]
    found = look_up(ids, report(split=split, targets=targets), CONFIG, small_catalog, world)
    assert [example.example_id for example in found] == ids
    assert [example.text for example in found] == [example.text for example in examples]
    assert [example.mentioned for example in found] == [example.mentioned for example in examples]
    assert [example.targets for example in found] == [wanted(example, targets) for example in examples]


def test_another_seed_has_another_validation_split(world: Settings, small_catalog: Catalog) -> None:
    ids = [example.example_id for example in load_task("conversational", CONFIG, 5, world).examples("validation")]
    with pytest.raises(DataError, match="measured on other dialogues"):
        look_up(ids, report(split="validation", seed=6), CONFIG, small_catalog, world)


def test_without_redial_it_says_how_to_get_it(world: Settings, small_catalog: Catalog) -> None:
    bare = world.model_copy(update={"data_dir": None})
    with pytest.raises(DataError, match=r"Set RECOMMENDER_DATA_DIR .* python -m recommender prepare --source hub"):
        look_up([], report(), CONFIG, small_catalog, bare)


def test_the_cache_serves_where_no_folder_is_named(world: Settings, small_catalog: Catalog) -> None:
    assert world.data_dir is not None
    cache = world.cache_dir / "redial"
    cache.parent.mkdir(parents=True)
    cache.symlink_to(world.data_dir)
    bare = world.model_copy(update={"data_dir": None})
    [example, *_] = load_task("conversational", CONFIG, 5, world).examples("test")
    assert look_up([example.example_id], report(), CONFIG, small_catalog, bare) == [example]


def test_a_run_on_the_sample_needs_no_data(world: Settings, small_catalog: Catalog) -> None:
    bare = world.model_copy(update={"data_dir": None})
    sample = DataConfig(validation=0.25, source="sample")
    [example, *_] = load_task("conversational", sample, 5, bare).examples("test")
    found = look_up([example.example_id], report(source="sample"), sample, small_catalog, bare)
    assert found == [example]
    with pytest.raises(DataError, match="1 of 1 wishes are not in the synthetic sample"):
        look_up(["nothing:1"], report(source="sample"), sample, small_catalog, bare)
