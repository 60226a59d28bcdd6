"""A run of the dialogue model from its settings to its report, and what is special about its data."""

import json
from typing import Any

import pytest
import torch

from recommender.config import RunConfig
from recommender.data.parts import DialogueParts
from recommender.data.task import load_task
from recommender.errors import DataError, RecommenderError
from recommender.query.engine import Engine
from recommender.query.wish import Wish
from recommender.ranking.ranker import Ranker
from recommender.reports.new_movies import measure_new_movies
from recommender.runs.checkpoints import load_checkpoint
from recommender.runs.folder import Run, new_run
from recommender.settings import Settings
from recommender.training.parts import build_model
from recommender.training.run import train_run

CPU = torch.device("cpu")


@pytest.fixture
def config(tiny_encoder: str) -> RunConfig:
    return RunConfig.model_validate(
        {
            "protocol": "conversational",
            "data": {"validation": 0.25, "learn_from": "everyone", "hold_out": "latest"},
            "model": {
                "kind": "dialogue",
                "text": {"name": tiny_encoder, "train": "none"},
                "members": 2,
                "width": 16,
                "layers": 1,
            },
            "loss": {"kind": "softmax"},
            "training": {"epochs": 2, "batch_size": 4, "head_lr": 1e-2},
        }
    )


def trained(config: RunConfig, world: Settings, run_id: str = "r") -> Run:
    run = new_run(run_id, config, world)
    train_run(run, world)
    return run


def changed(config: RunConfig, **parts: dict[str, Any]) -> RunConfig:
    values = config.model_dump()
    for part, settings in parts.items():
        values[part] |= settings
    return RunConfig.model_validate(values)


def test_a_run_ends_with_a_report_and_answers_wishes(config: RunConfig, world: Settings) -> None:
    run = trained(config, world)
    assert run.status().state == "finished"
    assert run.status().train_examples == len(load_task("conversational", config.data, 42, world).examples("train"))
    [name] = run.report_names()
    assert run.report(name)["targets"] == "new"
    engine = Engine(run, world)
    utterance, _ = engine.read("something scary")
    answer = engine.recommend(Wish((utterance,)), 3)
    assert len(answer.recommendations) == 3
    parts = engine.contributions(Wish((utterance,)), [answer.recommendations[0].movie.movie_id])
    assert parts[0].movies == pytest.approx(0, abs=1e-4)


def test_the_same_seed_gives_the_same_weights(config: RunConfig, world: Settings) -> None:
    one, other = (trained(config, world, name).weights()[0] for name in ("a", "b"))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_a_dialogue_is_learned_in_one_item_with_every_turn(config: RunConfig, world: Settings) -> None:
    task = load_task("conversational", config.data, 42, world)
    model = build_model(config, task, world)
    examples = task.learning_examples()
    items = model.training_items(task)
    assert len(items) == len({example.dialogue_id for example in examples}) < len(examples)
    assert sum(len(item.turns) for item in items) == len(examples)
    assert {example.answered_by for example in examples} == {"seeker", "recommender"}
    assert {example.answered_by for example in task.examples("train")} == {"recommender"}


def test_the_turns_of_a_dialogue_rank_alike_together_and_alone(config: RunConfig, world: Settings) -> None:
    task = load_task("conversational", config.data, 42, world)
    ranker = Ranker(load_checkpoint(trained(config, world), CPU, world.cache_dir).model, CPU)
    prepared = ranker.prepare(task.examples("test"))
    whole, alone = (ranker.rank_prepared(prepared, 5, "refused", batch_size=size) for size in (50, 1))
    assert (whole == alone).all()


def test_training_and_choosing_never_look_at_the_test_split(
    config: RunConfig, world: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    of = DialogueParts.of
    monkeypatch.setattr(DialogueParts, "of", lambda parts, name: asked.append(name) or of(parts, name))
    trained(config, world)
    assert set(asked) == {"train", "validation"}


def test_movies_that_training_never_saw_are_measured_by_their_text(config: RunConfig, world: Settings) -> None:
    cold = changed(config, data={"held_out_movies": 2})
    run = trained(cold, world)
    checkpoint = load_checkpoint(run, CPU)
    task = load_task("conversational", cold.data, 42, world)
    assert len(checkpoint.catalog) == len(task.catalog) == 10
    found = measure_new_movies(checkpoint.model, task, CPU)
    assert found.movies == 2
    assert found.new_targets > 0
    assert found.trained_targets > found.new_targets
    assert found.new["recall@10"][0] <= found.new["recall@50"][0] == 1.0  # twelve movies in all
    assert found.chance["recall@1"] == 1 / 12
    with pytest.raises(RecommenderError, match="trained on every movie"):
        measure_new_movies(checkpoint.model, load_task("conversational", config.data, 42, world), CPU)


def test_more_movies_than_are_talked_about_cannot_be_held_out(config: RunConfig, world: Settings) -> None:
    run = new_run("r", changed(config, data={"held_out_movies": 12}), world)
    with pytest.raises(DataError, match="cannot be held out"):
        train_run(run, world)
    assert json.loads((run.folder / "status.json").read_text())["state"] == "failed"
