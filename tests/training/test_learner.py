"""Several tasks in one step: every part is learned and logged, weights that change are kept for a resumed run."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from recommender.config import TrainingConfig
from recommender.config.losses import BceSettings, SoftmaxSettings
from recommender.config.models import FfnSettings, FrozenText, GruSettings, OneShotSettings
from recommender.data.collate import Item, Text
from recommender.data.engagement import Engagement
from recommender.errors import RecommenderError
from recommender.losses.weighting import target_facts
from recommender.models.registry import make_model
from recommender.training.arguments import training_arguments
from recommender.training.learner import Learner
from recommender.training.sampling import WishSet
from recommender.training.trainer import RecommenderTrainer
from tests.contracts import context

MOVIES = 12
TASKS = ("liked", "seen")


def items(number: int) -> list[Item]:
    """Movies below six are liked; whether one has been seen is known of every other wish."""
    return [
        Item(
            [Text([101, 2000 + i, 102])],
            [(i + 1) % MOVIES],
            [i % MOVIES],
            engagement=[Engagement(liked=float(i % MOVIES < 6), seen=float(i % 3 == 0) if i % 2 else None)],
        )
        for i in range(number)
    ]


@pytest.fixture
def learner_for(tiny_encoder: str) -> Any:
    def build(**loss: Any) -> Learner:
        model = OneShotSettings(
            text=FrozenText(name=tiny_encoder),
            embedding=8,
            history=GruSettings(hidden=8),
            head=FfnSettings(hidden=16, dropout=0.0),
            opinions=TASKS,
        )
        facts = target_facts(items(12), MOVIES)
        return Learner(make_model(model, context(1)), SoftmaxSettings.model_validate(loss), facts, TASKS)

    return build


@pytest.fixture
def trainer_for(learner_for: Any, tmp_path: Path) -> Any:
    def build(epochs: int = 3, **loss: Any) -> RecommenderTrainer:
        config = TrainingConfig(batch_size=4, epochs=epochs, head_lr=1e-2)
        args = training_arguments(config, 7, tmp_path / "resume", 12, use_cpu=True)
        train = WishSet(items(12), [], 1, seed=7)
        return RecommenderTrainer(learner_for(**loss), args, config, train, lambda: {"ndcg@10": 0.5}, callbacks=[])

    return build


def rows_of(trainer: RecommenderTrainer) -> list[dict[str, float]]:
    return [row for row in trainer.state.log_history if "movie_loss" in row]


def test_each_task_has_a_loss_and_counts_its_rows(learner_for: Any) -> None:
    learner = learner_for().train()
    batch = learner.recommender.collate(items(4))
    losses = learner(batch)
    assert list(losses) == ["movie", "liked", "seen"]
    assert {task: rows.item() for task, rows in learner.rows(batch).items()} == {"movie": 4, "liked": 4, "seen": 2}
    wish = learner.recommender._wish(batch)
    logits = learner.recommender.opinions(wish, batch["targets"])["seen"]
    known = torch.nn.functional.binary_cross_entropy_with_logits(logits[[1, 3], 0], torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(losses["seen"], known)


def test_a_batch_of_which_nothing_is_known_teaches_the_ranking_alone(learner_for: Any) -> None:
    learner = learner_for().train()
    batch = learner.recommender.collate([Item([Text([101, 102])], [1], [2])])
    assert "engagement" not in batch
    losses = learner(batch)
    assert (losses["liked"].item(), losses["seen"].item()) == (0, 0)
    assert learner.rows(batch)["liked"] == 0


def test_the_loss_is_the_weighted_sum_and_every_part_is_logged(trainer_for: Any) -> None:
    trainer = trainer_for(liked_weight=0.5, seen_weight=0.25)
    trainer.train()
    for row in rows_of(trainer):
        expected = row["movie_loss"] + 0.5 * row["liked_loss"] + 0.25 * row["seen_loss"]
        assert row["loss"] == pytest.approx(expected, rel=1e-3)
        assert "liked_weight" not in row, "it does not change"


def test_the_opinions_are_learned(trainer_for: Any) -> None:
    trainer = trainer_for(epochs=40, liked_weight=1.0, seen_weight=1.0)
    trainer.train()
    first, last = rows_of(trainer)[0], rows_of(trainer)[-1]
    assert first["liked_loss"] == pytest.approx(math.log(2), abs=0.1)
    assert last["liked_loss"] < 0.1
    assert last["seen_loss"] < 0.1


def test_weights_by_gradient_norm_are_measured_and_logged(trainer_for: Any) -> None:
    trainer = trainer_for(balance="gradient_norm", liked_weight=0.1)
    balance, scales = trainer.learner.balance, [0.0]
    update = balance.update
    balance.update = lambda norms: (update(norms), scales.append(balance.scales[1].item()))
    trainer.train()
    weights = [0.1 * (scale or 1) for scale in scales[:-1]]  # a step goes by what was measured before it
    assert [row["liked_weight"] for row in rows_of(trainer)] == pytest.approx(weights)
    assert {row["movie_weight"] for row in rows_of(trainer)} == {1}
    assert len(set(scales)) == len(scales)


def test_weights_by_uncertainty_are_learned_and_logged(trainer_for: Any) -> None:
    trainer = trainer_for(epochs=10, balance="uncertainty")
    trainer.train()
    first, last = rows_of(trainer)[0], rows_of(trainer)[-1]
    assert last["movie_weight"] < first["movie_weight"], "the loss of the ranking stays large"
    assert last["liked_weight"] > last["movie_weight"]


@pytest.mark.parametrize("balance", ["uncertainty", "gradient_norm"])
def test_the_weights_of_the_tasks_stand_in_the_checkpoint(balance: str, trainer_for: Any, tmp_path: Path) -> None:
    whole = trainer_for(balance=balance)
    whole.train()
    [checkpoint] = (tmp_path / "resume").glob("checkpoint-*")
    fresh = trainer_for(balance=balance)
    fresh._load_from_checkpoint(str(checkpoint))
    for task, weight in whole.learner.balance.weights().items():
        assert fresh.learner.balance.weights()[task].item() == weight.item()


def test_an_opinion_that_nobody_told_is_an_error(tiny_encoder: str) -> None:
    model = OneShotSettings(text=FrozenText(name=tiny_encoder), head=FfnSettings(hidden=16), opinions=("seen",))
    made = make_model(model, context(1))
    untold = [Item([Text([101, 102])], [1], [2], engagement=[Engagement(liked=1)])]
    with pytest.raises(RecommenderError, match=r"of none of the 1 training targets .* seen"):
        Learner(made, BceSettings(), target_facts(untold, MOVIES), ["seen"])


def test_tags_are_not_learned_where_only_some_movies_are_scored(learner_for: Any) -> None:
    with pytest.raises(RecommenderError, match=r"model\.tags = false"):
        Learner(learner_for().recommender, BceSettings(sampled=3), target_facts(items(4), MOVIES), ["tag"])
