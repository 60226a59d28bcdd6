"""A run that learns from ratings: from its settings to its report, and to the wishes that it answers."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from recommender.config import RunConfig
from recommender.config.models import FrozenText
from recommender.data.task import load_task
from recommender.errors import DataError
from recommender.evaluation.wishes import look_up
from recommender.query.engine import Engine
from recommender.query.wish import Wish
from recommender.ranking.ranker import Ranker
from recommender.reports.new_movies import measure_new_movies
from recommender.results.measure import measure_run
from recommender.runs.checkpoints import load_checkpoint
from recommender.runs.folder import Run, new_run
from recommender.settings import Settings
from recommender.training.parts import build_model
from recommender.training.run import train_run
from recommender.training.trial import _only
from recommender.wording import SAMPLE

CPU = torch.device("cpu")
MODELS = {
    "one_shot": {"embedding": 16, "history": {"kind": "attention", "hidden": 8}, "head": {"kind": "catalogue"}},
    "dialogue": {"members": 1, "width": 16, "layers": 1},
}


def config_of(encoder: str, kind: str = "one_shot", hold_out: str = "leave_one_out", **data: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "protocol": "next_movie",
            "data": {"source": "sample", "hold_out": hold_out, "max_targets": 3, **data},
            "model": {"kind": kind, "text": {"name": encoder, "train": "none"}, **MODELS[kind]},
            "loss": {"kind": "softmax"},
            "training": {"epochs": 2, "batch_size": 32, "head_lr": 1e-2},
        }
    )


def trained(config: RunConfig, world: Settings, run_id: str = "r") -> Run:
    run = new_run(run_id, config, world)
    train_run(run, world)
    return run


def test_a_run_of_ratings_is_measured_and_answers_wishes(tiny_encoder: str, world: Settings) -> None:
    run = trained(config_of(tiny_encoder), world)
    assert run.status().state == "finished"
    assert SAMPLE in run.status().source
    assert "not MovieLens" in run.status().source
    [name] = run.report_names()
    assert name.startswith("report-sample-next_movie-validation-new")
    report, record = measure_run(run, "next_movie", "test", "new", world)
    assert report["examples"] == report["target_count"] == len(set(record.dialogues))  # one answer a person
    assert set(report["baselines"]) == {"popularity", "copy", "item_knn", "ease"}
    engine = Engine(run, world)
    utterance, _ = engine.read("something like Iron Comet (1982)")
    assert len(engine.recommend(Wish((utterance,)), 3).recommendations) == 3


def test_a_ranking_of_new_movies_holds_nothing_that_the_person_watched(tiny_encoder: str, world: Settings) -> None:
    config = config_of(tiny_encoder, max_mentioned=1)
    task = load_task(config.protocol, config.data, config.seed, world)
    model = build_model(config, task, world)
    examples = task.examples("test")
    ranker = Ranker(model, CPU)
    prepared = ranker.prepare(examples)
    assert all(len(item.mentioned) == 1 for item in prepared.items)
    rankings = ranker.rank_prepared(prepared, len(task.catalog))
    for example, ranking in zip(examples, rankings, strict=True):
        assert not set(example.mentioned) & {task.catalog[index].movie_id for index in ranking if index >= 0}


@pytest.mark.parametrize("hold_out", ["random", "latest"])
def test_the_other_splits_train_too(hold_out: str, tiny_encoder: str, world: Settings) -> None:
    run = trained(config_of(tiny_encoder, hold_out=hold_out), world)
    report, _ = measure_run(run, "next_movie", "test", "new", world)
    assert report["examples"] > 10


def test_a_model_of_messages_reads_one_message_that_names_the_movies(tiny_encoder: str, world: Settings) -> None:
    config = config_of(tiny_encoder, "dialogue")
    task = load_task(config.protocol, config.data, config.seed, world)
    model = build_model(config, task, world)
    examples = task.learning_examples()
    items = model.training_items(task)
    assert len(items) == len(examples)  # no example is the beginning of another
    assert [task.catalog.indices(e.targets) for e in examples] == [item.turns[0].targets for item in items]
    assert trained(config, world).status().state == "finished"


def test_what_is_held_out_is_never_learned_from(tiny_encoder: str, world: Settings) -> None:
    for hold_out in ("random", "latest", "leave_one_out"):
        config = config_of(tiny_encoder, hold_out=hold_out)
        task = load_task(config.protocol, config.data, config.seed, world)
        learned = {(e.dialogue_id, movie) for e in task.learning_examples() for movie in (*e.mentioned, *e.targets)}
        for split in ("validation", "test"):
            assert not learned & {(e.dialogue_id, e.targets[0]) for e in task.examples(split)}
            assert not {f"{person}:{movie}" for person, movie in learned} & set(task.ids(split))


def test_the_words_of_a_report_are_looked_up(tiny_encoder: str, world: Settings) -> None:
    run = trained(config_of(tiny_encoder), world)
    report, record = measure_run(run, "next_movie", "test", "new", world)
    checkpoint = load_checkpoint(run, CPU)
    found = look_up(record.example_ids[:3], report, checkpoint.config.data, checkpoint.catalog, world)
    assert [example.example_id for example in found] == list(record.example_ids[:3])


def test_it_can_be_measured_on_conversations_too(tiny_encoder: str, world: Settings) -> None:
    run = trained(config_of(tiny_encoder), world)
    report, _ = measure_run(run, "conversational", "test", "new", world)
    assert report["protocol"] == "conversational"
    assert json.dumps(report)


def own_data(folder: Path) -> Path:
    """Thirty people who watch ten of twelve movies that ReDial does not have."""
    folder.mkdir()
    movies = [f'{number},"Planet {number}, The (1990)",Drama|War' for number in range(1, 13)]
    (folder / "movies.csv").write_text("\n".join(["movieId,title,genres", *movies]) + "\n")
    lines = [
        f"{person},{1 + (person + place) % 12},{1 + place % 5},{place}" for person in range(30) for place in range(10)
    ]
    (folder / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *lines]) + "\n")
    return folder


@pytest.mark.parametrize("kind", ["one_shot", "dialogue"])
def test_a_run_over_a_data_set_s_own_movies_is_trained_measured_and_asked(
    kind: str, tiny_encoder: str, world: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.models.movie_text.FrozenText", lambda: FrozenText(name=tiny_encoder))
    here = world.model_copy(update={"data_dir": own_data(tmp_path / "own")})
    config = config_of(tiny_encoder, kind, source="folder", catalog="own", order="file")
    run = trained(config, here)
    checkpoint = load_checkpoint(run, CPU)
    assert [movie.title for movie in checkpoint.catalog][:2] == ["The Planet 1", "The Planet 2"]
    report, record = measure_run(run, "next_movie", "test", "new", here)
    assert report["examples"] == 30
    found = look_up(record.example_ids[:3], report, checkpoint.config.data, checkpoint.catalog, here)
    assert found[0].text == checkpoint.catalog.by_id(found[0].mentioned[-1]).name
    engine = Engine(run, here)
    utterance, _ = engine.read("something like The Planet 3 (1990)")
    assert len(engine.recommend(Wish((utterance,)), 3).recommendations) == 3
    with pytest.raises(DataError, match="asks of ReDial's dialogues"):
        measure_run(run, "conversational", "test", "new", here)


def test_what_needs_dialogues_says_so(tiny_encoder: str, world: Settings) -> None:
    config = config_of(tiny_encoder, held_out_movies=2)
    task = load_task(config.protocol, config.data, config.seed, world)
    with pytest.raises(DataError, match="needs dialogues"):
        measure_new_movies(build_model(config, task, world), task, CPU)
    with pytest.raises(DataError, match="needs dialogues"):
        task.split("test")


def test_a_folder_without_ratings_ends_the_run_with_what_to_do(tiny_encoder: str, world: Settings) -> None:
    run = new_run("r", config_of(tiny_encoder, source="auto"), world)
    with pytest.raises(DataError, match="grouplens"):
        train_run(run, world)
    assert "next_movie learns from ratings" in run.status().reason


def test_a_trial_samples_histories_as_it_samples_examples(tiny_encoder: str, world: Settings) -> None:
    config = config_of(tiny_encoder)
    task = load_task(config.protocol, config.data, config.seed, world)
    chosen = task.learning_examples()[:3]
    sampled = _only(task, chosen)
    assert sampled.learning_examples() == chosen
    people = {history.person for history in sampled.histories("train")}
    assert people == {example.person for example in chosen}
    assert people < {history.person for history in task.histories("train")}
