"""Batches in pieces, activations computed again, compiled models: the same weights as without, within rounding."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers.models.bert.modeling_bert import BertIntermediate

from recommender.config import TrainingConfig
from recommender.config.losses import LOSSES
from recommender.config.models import DialogueSettings, FfnSettings, GruSettings, LastLayersText, OneShotSettings
from recommender.config.presets import load_preset
from recommender.data.collate import Item, Text
from recommender.errors import RecommenderError
from recommender.losses.weighting import target_facts
from recommender.models.dialogue_items import DialogueItem, Spoken, Turn
from recommender.models.registry import make_model
from recommender.training.arguments import training_arguments
from recommender.training.learner import Learner
from recommender.training.parts import precision
from recommender.training.sampling import WishSet
from recommender.training.trainer import RecommenderTrainer
from tests.contracts import context

MOVIES = 12
TAGS = [Item([Text([101, 3000 + i, 102])], targets=[i % MOVIES]) for i in range(5)]
Train = Callable[..., RecommenderTrainer]


def wishes(count: int) -> list[Item]:
    """Every fourth has no target, so that the pieces of a batch count different numbers of rows."""
    return [
        Item(
            [Text([101, *range(2000 + i, 2001 + i + i % 6), 102])],
            [i % MOVIES],
            [] if i % 4 == 3 else [(i + 1) % MOVIES],
        )
        for i in range(count)
    ]


def dialogues(count: int) -> list[Item]:
    """One to four turns each."""
    items = []
    for i in range(count):
        messages = [
            Spoken([101, 2000 + i + turn, 102], mentioned=[(i + turn) % MOVIES], speaker=turn % 2)
            for turn in range(1 + i % 4)
        ]
        turns = [Turn(n + 1, [(i + n) % MOVIES], by_recommender=n % 2 == 0) for n in range(len(messages))]
        items.append(DialogueItem(messages, turns=turns))
    return items


@pytest.fixture
def train(tiny_encoder: str, tmp_path: Any) -> Train:
    """Ten items in batches of four, so that the last one of an epoch is short, without dropout."""

    def run(
        kind: str = "one_shot",
        loss: str = "softmax",
        tags: bool = False,
        backend: str | None = None,
        balance: str = "fixed",
        **training: Any,
    ) -> RecommenderTrainer:
        config = TrainingConfig.model_validate(
            {"batch_size": 4, "tag_batch_size": 8, "epochs": 2, "encoder_lr": 1e-3, "head_lr": 1e-2} | training
        )
        text = LastLayersText(name=tiny_encoder, last_layers=2)
        one_shot = OneShotSettings(
            text=text, embedding=8, history=GruSettings(hidden=8), head=FfnSettings(hidden=16, dropout=0), tags=tags
        )
        nothing_random = dict.fromkeys(("dropout", "item_dropout", "head_dropout"), 0.0)
        model = DialogueSettings(text=text, members=2, width=8, layers=1, **nothing_random)
        items = dialogues(10) if kind == "dialogue" else wishes(10)
        args = training_arguments(
            config, 7, tmp_path / "resume", len(items), use_cpu=True, torch_compile_backend=backend
        )
        # Adam divides a gradient by its size: where the true one is 0 (the bias of attention's keys), rounding noise
        # would make steps of full length.
        args.adam_epsilon = 1e-4
        tasks, facts = ["tag"] if tags else [], target_facts(items, MOVIES)
        trainer = RecommenderTrainer(
            Learner(
                make_model(model if kind == "dialogue" else one_shot, context(1)),
                LOSSES[loss](tag_weight=0.5, balance=balance),
                facts,
                tasks,
            ),
            args,
            config=config,
            train=WishSet(items, TAGS if tags else [], 2, seed=7),
            validate=lambda: {"ndcg@10": 0.5},
            callbacks=[],
        )
        trainer.train()
        shutil.rmtree(tmp_path / "resume")
        return trainer

    return run


def apart(one: RecommenderTrainer, other: RecommenderTrainer) -> float:
    """The largest difference between two trained weights."""
    mine, theirs = one.recommender.saved_weights(), other.recommender.saved_weights()
    assert mine.keys() == theirs.keys()
    return max(float((mine[name].float() - theirs[name].float()).abs().max()) for name in mine)


def logged(trainer: RecommenderTrainer, name: str) -> Tensor:
    return torch.tensor([row[name] for row in trainer.state.log_history if name in row])


@pytest.mark.parametrize(
    ("kind", "loss", "tags"),
    [("one_shot", "softmax", False), ("one_shot", "bce", True), ("dialogue", "softmax", False)],
)
@pytest.mark.parametrize("pieces", [2, 4])
def test_a_batch_in_pieces_teaches_the_same(kind: str, loss: str, tags: bool, pieces: int, train: Train) -> None:
    whole, cut = train(kind, loss, tags), train(kind, loss, tags, accumulation=pieces)
    assert cut.args.per_device_train_batch_size == 4 // pieces
    assert whole.state.global_step == cut.state.global_step == 6
    assert apart(whole, cut) < 1e-6, "measured: 1.2e-7"
    for name in ("loss", "movie_loss", *(["tag_loss"] if tags else [])):
        torch.testing.assert_close(logged(cut, name), logged(whole, name), atol=1e-5, rtol=1e-4)


def test_the_price_of_uncertain_weights_is_paid_once_a_step(train: Train) -> None:
    """Also in the last batch of an epoch, which has fewer pieces."""
    whole, cut = (train(tags=True, balance="uncertainty", accumulation=pieces) for pieces in (1, 4))
    assert apart(whole, cut) < 1e-5
    for task, weight in whole.learner.balance.weights().items():
        torch.testing.assert_close(cut.learner.balance.weights()[task], weight, atol=1e-6, rtol=0)


def test_activations_computed_again_are_the_same(train: Train) -> None:
    kept, again = train("one_shot", "bce", True), train("one_shot", "bce", True, gradient_checkpointing=True)
    assert apart(kept, again) < 1e-6


def test_activations_are_not_kept(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the last layers are trained, whose modules count as not in training for the sake of their dropout."""
    calls = []
    real = BertIntermediate.forward
    monkeypatch.setattr(BertIntermediate, "forward", lambda *args: calls.append(1) or real(*args))
    steps = train().state.global_step
    kept = len(calls)
    trainer = train(gradient_checkpointing=True)
    assert len(calls) - kept == kept + 2 * steps  # two layers, again every step; not again to rank
    assert not any(m.training for m in trainer.recommender.text.modules() if isinstance(m, torch.nn.Dropout))


@pytest.mark.parametrize(("backend", "tags"), [("eager", False), ("aot_eager", True)])
def test_a_compiled_model_learns_the_same_and_keeps_its_names(
    backend: str, tags: bool, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the backends that only trace: to have C++ compiled takes minutes, and gave the same weights within 2e-7. Of
    two tasks the gradient norms are measured on the way."""
    for name in ("ACCELERATE_DYNAMO_BACKEND", "ACCELERATE_DYNAMO_MODE"):
        monkeypatch.setenv(name, "")  # noted, so that what the Trainer sets ends with the test
        monkeypatch.delenv(name)
    plain, compiled = train(tags=tags), train(tags=tags, compile=True, backend=backend)
    assert hasattr(compiled.model_wrapped, "_orig_mod")
    assert apart(plain, compiled) < 1e-6


def test_half_precision_needs_cuda() -> None:
    config = load_preset("frozen", ["training.precision=float16"])
    with pytest.raises(RecommenderError, match="float16 needs a cuda device; this run is on cpu"):
        precision(config, torch.device("cpu"))
    assert precision(config, torch.device("cuda")) == "float16"
