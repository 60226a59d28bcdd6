"""A new kind of model is one class of settings, one model and one line in the table: nothing else knows of it."""

from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn
from transformers import TrainerCallback

from recommender.compare.entries import read_entries
from recommender.config import RunConfig
from recommender.config.models import MODELS, ModelSettings
from recommender.data.collate import Batch
from recommender.models.base import Context, Recommender
from recommender.query.engine import Engine
from recommender.query.wish import Wish
from recommender.runs.folder import new_run
from recommender.settings import Settings
from recommender.training.resume import last_checkpoint
from recommender.training.run import train_run


class MeanSettings(ModelSettings):
    """The mean of the mentioned movies' vectors."""

    kind: Literal["mean"] = "mean"
    width: int = 8
    implementation = "tests.models.test_new_kind:Mean"


class Mean(Recommender):
    """Scores: the dot products of the mean of the mentioned movies' vectors with all movies', and a bias."""

    settings = MeanSettings

    def __init__(self, config: MeanSettings, context: Context) -> None:
        super().__init__(config, context)
        self.movies = nn.EmbeddingBag(len(context.catalog) + 1, config.width, padding_idx=len(context.catalog))
        self.bias = nn.Parameter(torch.zeros(len(context.catalog)))

    def forward(self, batch: Batch) -> Tensor:
        mentioned = batch["mentioned"].where(batch["mentioned"] >= 0, len(self.bias))
        scores = self.movies(mentioned) @ self.movies.weight[:-1].T + self.bias
        return scores[:, batch["candidates"]] if "candidates" in batch else scores


class KilledAfterAnEpoch(TrainerCallback):
    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.epoch > 1.5:
            raise KeyboardInterrupt


def test_it_trains_resumes_is_compared_and_answers_a_wish(monkeypatch: pytest.MonkeyPatch, world: Settings) -> None:
    monkeypatch.setitem(MODELS, "mean", MeanSettings)
    config = RunConfig.model_validate(
        {
            "protocol": "conversational",
            "model": {"kind": "mean", "width": 4},
            "loss": {"kind": "softmax", "sampled": 8},
            "training": {"epochs": 3, "batch_size": 8, "head_lr": 0.05},
        }
    )
    whole, cut = new_run("whole", config, world), new_run("cut", config, world)
    train_run(whole, world)
    with pytest.raises(KeyboardInterrupt):
        train_run(cut, world, callbacks=[KilledAfterAnEpoch()])
    assert last_checkpoint(cut.resume_folder) is not None
    train_run(cut, world, resume=True)
    assert {run.status().state for run in (whole, cut)} == {"finished"}
    for name, tensor in whole.weights()[0].items():
        torch.testing.assert_close(cut.weights()[0][name], tensor, atol=1e-6, rtol=1e-5)

    entries, problems = read_entries([whole, cut])
    assert problems == {}
    assert [entry.run_id for entry in entries] == ["whole", "cut"]
    assert all(entry.reports for entry in entries)

    engine = Engine(cut, world)
    utterance, _ = engine.read("Something like The Cellar Door")
    answer = engine.recommend(Wish((utterance,)), 3)
    assert len(answer.recommendations) == 3
    assert 30 not in {found.movie.movie_id for found in answer.recommendations}


def test_a_setting_of_it_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, "mean", MeanSettings)
    with pytest.raises(ValueError, match="depth"):
        RunConfig.model_validate({"protocol": "conversational", "model": {"kind": "mean", "depth": 2}})
