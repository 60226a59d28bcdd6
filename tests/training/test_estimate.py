"""What a trial says must hold for the run: the counts exactly, the rest as sums of its parts."""

from collections.abc import Callable
from typing import Any

import pytest

from recommender.config import RunConfig
from recommender.errors import RecommenderError
from recommender.runs.folder import list_runs, new_run
from recommender.settings import Settings
from recommender.training import job
from recommender.training.estimate import Estimate, remember, remembered
from recommender.training.run import train_run
from recommender.training.trial import estimate

MakeConfig = Callable[..., RunConfig]


@pytest.fixture
def config_of(tiny_encoder: str) -> MakeConfig:
    def make(text: str = "none", kind: str = "one_shot", tags: bool = False, **training: Any) -> RunConfig:
        encoder = {"name": tiny_encoder, "train": text}
        models = {
            "one_shot": {
                "text": encoder,
                "embedding": 8,
                "history": {"kind": "attention", "hidden": 8},
                "head": {"kind": "catalogue"},
                "counts_weight": 1.0,
                "tags": tags,
            },
            "dialogue": {"kind": "dialogue", "text": encoder, "width": 16},
            "item_knn": {"kind": "item_knn"},
            "popularity": {"kind": "popularity"},
        }
        return RunConfig.model_validate(
            {
                "protocol": "conversational",
                "data": {"validation": 0.25},
                "model": models[kind],
                "training": {"epochs": 2, "batch_size": 16, **training} if "text" in models[kind] else {},
            }
        )

    return make


@pytest.mark.parametrize(
    ("text", "kind", "tags"),
    [
        ("none", "one_shot", False),
        ("none", "one_shot", True),
        ("all", "one_shot", True),
        ("lora", "one_shot", False),
        ("none", "dialogue", False),
        ("all", "dialogue", False),
    ],
)
def test_it_counts_what_the_run_will_count(
    text: str, kind: str, tags: bool, world: Settings, config_of: MakeConfig
) -> None:
    config = config_of(text, kind, tags=tags)
    found = estimate(config, world)
    assert list_runs(world) == []
    run = new_run("r", config, world)
    train_run(run, world)
    status = run.status()
    assert (found.train_examples, found.validation_examples) == (status.train_examples, status.validation_examples)
    assert (found.steps, found.device, found.source) == (status.steps, status.device, status.source)
    assert found.on_sample == (status.source_kind == "sample")
    assert found.seconds_per_step > 0
    assert found.memory_mb > 100
    parts = found.steps * found.seconds_per_step + 2 * found.validation_seconds
    assert found.total_seconds == pytest.approx(found.preparation_seconds + parts + found.closing_seconds)


@pytest.mark.parametrize("change", [{"kind": "item_knn"}, {"kind": "popularity"}, {"epochs": 0}])
def test_a_run_without_steps_costs_its_preparation(
    change: dict[str, Any], world: Settings, config_of: MakeConfig
) -> None:
    found = estimate(config_of(**change), world)
    assert found.steps == 0
    assert found.total_seconds == found.preparation_seconds + found.closing_seconds > 0


def test_a_batch_larger_than_the_data_is_one_step(world: Settings, config_of: MakeConfig) -> None:
    assert estimate(config_of(batch_size=4096), world).steps == 2


def test_what_keeps_a_run_from_starting_is_said(world: Settings, config_of: MakeConfig) -> None:
    lost = config_of().model_dump()
    lost["model"]["text"]["name"] = "no/such-encoder"
    with pytest.raises(RecommenderError, match="no/such-encoder"):
        estimate(RunConfig.model_validate(lost), world)


def test_too_little_memory_is_said(world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("recommender.training.trial.make_trainer", fail)
    with pytest.raises(RecommenderError, match=r"Out of memory.*batch_size=8"):
        estimate(config_of(), world)


def test_a_trial_apart_is_remembered(world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    found = job.estimate_apart(config_of(), world)
    assert found.steps == 2 * found.steps_per_epoch > 0

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("a second trial")

    monkeypatch.setattr(job.subprocess, "run", fail)
    assert job.estimate_apart(config_of(), world) == found
    assert job.estimate_apart(config_of(), world.model_copy(update={"read_only": True})) == found
    longer = job.estimate_apart(config_of(epochs=5, head_lr=1e-4), world)
    assert (longer.epochs, longer.steps_per_epoch) == (5, found.steps_per_epoch)


FOUND = Estimate(
    train_examples=90, validation_examples=10, epochs=2, steps_per_epoch=9, seconds_per_step=0.5,
    validation_seconds=1.0, preparation_seconds=3.0, closing_seconds=1.5, memory_mb=700, device="CPU",
    precision="float32", source="here", on_sample=False,
)  # fmt: skip


def test_what_changes_the_cost_asks_for_another_trial(world: Settings, config_of: MakeConfig) -> None:
    assert remembered(config_of(), world) is None
    remember(FOUND, config_of(), world)
    assert remembered(config_of(), world) == FOUND
    assert remembered(config_of(), world).total_seconds == 3 + 2 * (9 * 0.5 + 1) + 1.5
    for other in (config_of("lora"), config_of(tags=True), config_of(batch_size=8)):
        assert remembered(other, world) is None
    assert remembered(config_of(), world.model_copy(update={"device": "cpu"})) is None
    assert remembered(config_of(), world.model_copy(update={"data_dir": world.assets_dir})) is None
    [file] = (world.cache_dir / "estimates").iterdir()
    file.write_text('{"train_examples": 9')
    assert remembered(config_of(), world) is None


def test_a_remembered_figure_that_was_damaged_is_not_believed(world: Settings, config_of: MakeConfig) -> None:
    remember(FOUND, config_of(), world)
    [file] = (world.cache_dir / "estimates").iterdir()
    whole = file.read_text()
    file.write_text(whole.replace("700", "100"))
    assert remembered(config_of(), world) is None
    file.write_text(whole)
    assert remembered(config_of(), world) == FOUND


def test_a_disk_that_cannot_remember_an_estimate_is_no_error(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("recommender.files.os.fsync", full)
    remember(FOUND, config_of(), world)
    assert "cannot be remembered: [Errno 28] No space" in caplog.text
    assert remembered(config_of(), world) is None
