"""The trainer's own parts: groups, schedule, the parts of the loss, grouping by length, tags, and what it stops at."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from recommender.config import TrainingConfig
from recommender.config.losses import BceSettings, LossSettings, SoftmaxSettings
from recommender.config.models import TEXTS, CatalogueSettings, FfnSettings, GruSettings, HeadSettings, OneShotSettings
from recommender.data.collate import Item, Text
from recommender.losses.weighting import target_facts
from recommender.models.registry import make_model
from recommender.training.arguments import training_arguments
from recommender.training.learner import Learner
from recommender.training.sampling import WishSet
from recommender.training.trainer import RecommenderTrainer
from tests.contracts import context

MOVIES = 12


def wish_items(count: int, length: int = 6) -> list[Item]:
    """Items over the tokenizer's ids; every text, history and target differs."""
    return [
        Item(
            [Text([101, *range(2000 + i, 2000 + i + 1 + i % length), 102])],
            [i % MOVIES],
            [(i + 1) % MOVIES],
            [i % MOVIES],
        )
        for i in range(count)
    ]


TAGS = [Item([Text([101, 3000 + i, 102])], targets=[i % MOVIES]) for i in range(5)]


@pytest.fixture
def trainer_for(tiny_encoder: str, tmp_path: Path) -> Any:
    def build(
        train: list[Item],
        *,
        tags: bool = False,
        text: str = "all",
        loss: LossSettings | None = None,
        head: HeadSettings | None = None,
        **settings: Any,
    ):
        config = TrainingConfig(**{"batch_size": 4, "epochs": 2, **settings})
        loss_config = loss or SoftmaxSettings()
        model_config = OneShotSettings(
            text=TEXTS[text](name=tiny_encoder),
            embedding=8,
            history=GruSettings(hidden=8),
            head=head or FfnSettings(hidden=16),
            tags=tags,
        )
        model = make_model(model_config, context(1, torch.eye(MOVIES)))
        return RecommenderTrainer(
            Learner(model, loss_config, target_facts(train, MOVIES), ["tag"] if tags else []),
            training_arguments(config, 7, tmp_path / "resume", len(train), use_cpu=True, bf16=False),
            config=config,
            train=WishSet(train, TAGS if tags else [], 2, seed=7),
            validate=lambda: {"ndcg@10": 0.5},
            callbacks=[],
        )

    return build


def test_a_sampled_run_learns_from_candidates_and_ranks_them_all(trainer_for: Any) -> None:
    trainer = trainer_for(wish_items(8), loss=SoftmaxSettings(sampled=3), epochs=1)
    learned, ranked = set(), set()
    trainer.learner.objective.ranking_loss.register_forward_hook(
        lambda loss, inputs, value: learned.add(inputs[0].shape[1])
    )

    def validate() -> dict[str, float]:
        model = trainer.recommender
        ranked.add(model(model.collate(wish_items(2))).shape[1])
        return {"ndcg@10": 0.5}

    trainer.validate = validate
    trainer.train()
    assert max(learned) < MOVIES
    assert ranked == {MOVIES}


def test_the_gradient_norm_of_each_loss_at_the_encoder_is_logged(trainer_for: Any) -> None:
    """By hand: the gradients of each part alone, at the first batch with the first weights."""
    trainer = trainer_for(wish_items(4), tags=True, loss=BceSettings(tag_weight=0.5), epochs=1)
    batch = next(iter(trainer.get_train_dataloader()))
    model = trainer.recommender.train()
    torch.manual_seed(0)
    trainer.compute_loss(trainer.learner, batch)
    torch.manual_seed(0)
    objective = trainer.learner.objective
    losses = {"movie": objective.ranking_loss(model(batch), batch["targets"])}
    losses["tag"] = 0.5 * objective.tag_loss(model.tag_head(model._tag_texts(batch)), batch["tag_targets"])
    for part, loss in losses.items():
        model.zero_grad()
        loss.backward(retain_graph=True)
        squares = [(p.grad**2).sum() for p in model.text.parameters() if p.grad is not None]
        [logged] = trainer.parts[f"{part}_gradient"]
        assert logged == pytest.approx(math.sqrt(sum(squares)), rel=1e-4)
        assert logged > 0


def test_a_frozen_encoder_has_no_gradient_norms(trainer_for: Any) -> None:
    trainer = trainer_for(wish_items(4), tags=True, text="none", epochs=1)
    trainer.train()
    assert not [key for row in trainer.state.log_history for key in row if key.endswith("gradient")]


def test_the_text_encoder_has_a_learning_rate_of_its_own(trainer_for: Any) -> None:
    trainer = trainer_for(wish_items(8), encoder_lr=1e-4, head_lr=3e-3, weight_decay=0.25)
    optimizer = trainer.create_optimizer()
    assert [(group["lr"], group["weight_decay"]) for group in optimizer.param_groups] == [
        (1e-4, 0.25),
        (1e-4, 0.0),
        (3e-3, 0.25),
        (3e-3, 0.0),
    ]
    parts = [{name.split(".")[0] for name in group["param_names"]} for group in optimizer.param_groups]
    assert parts == [{"text"}, {"text"}, {"history", "head"}, {"history", "head"}]
    names = [name for group in optimizer.param_groups for name in group["param_names"]]
    assert sorted(names) == sorted(name for name, _ in trainer.recommender.named_parameters())


def test_biases_and_norms_are_not_decayed(trainer_for: Any) -> None:
    trainer = trainer_for(wish_items(8), weight_decay=0.25)
    optimizer = trainer.create_optimizer()
    decays = {name: group["weight_decay"] for group in optimizer.param_groups for name in group["param_names"]}
    layer = "text.model.encoder.layer.0"
    for name in ("head.1.weight", f"{layer}.attention.self.query.weight"):
        assert decays[name] == 0.25
    for name in ("head.1.bias", f"{layer}.attention.self.query.bias", f"{layer}.output.LayerNorm.weight"):
        assert decays[name] == 0
    assert decays["history.empty"] == 0, "a vector that stands alone"


def test_the_popularity_bias_is_not_decayed(trainer_for: Any) -> None:
    trainer = trainer_for(wish_items(8), head=CatalogueSettings(), weight_decay=0.25)
    optimizer = trainer.create_optimizer()
    decays = {name: group["weight_decay"] for group in optimizer.param_groups for name in group["param_names"]}
    assert decays["head.bias"] == 0.0
    assert decays["history.movies.learned.weight"] == 0.25


def test_a_frozen_encoder_is_not_in_the_optimizer(trainer_for: Any) -> None:
    optimizer = trainer_for(wish_items(8), text="none", head_lr=3e-3).create_optimizer()
    assert [group["lr"] for group in optimizer.param_groups] == [3e-3, 3e-3]  # with and without weight decay


def test_the_rate_rises_linearly_and_then_falls_to_zero(trainer_for: Any) -> None:
    trainer = trainer_for(wish_items(20), epochs=2, encoder_lr=1e-4, head_lr=1e-2, warmup=0.4)
    rates = []
    step = trainer.training_step

    def spy(*args: Any, **kwargs: Any) -> Any:
        rates.append([group["lr"] for group in trainer.optimizer.param_groups])
        return step(*args, **kwargs)

    trainer.training_step = spy
    trainer.train()
    shares = [0, 1 / 4, 2 / 4, 3 / 4, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]  # 10 steps, 4 of them warm-up
    highest = [1e-4, 1e-4, 1e-2, 1e-2]  # the encoder and the rest, each with and without weight decay
    assert rates == [pytest.approx([rate * share for rate in highest]) for share in shares]
    assert [group["lr"] for group in trainer.optimizer.param_groups] == pytest.approx([0, 0, 0, 0])


@pytest.mark.parametrize(
    ("schedule", "shares"),
    [
        ("cosine", [0, 0.5, 1, *((1 + math.cos(math.pi * step / 8)) / 2 for step in range(1, 8))]),
        ("constant", [0, 0.5, *[1.0] * 8]),
    ],
)
def test_the_other_schedules_and_a_rate_for_each_group(schedule: str, shares: list[float], trainer_for: Any) -> None:
    """Ten steps, two of them warm-up; every line of the log has the rate of each group in its step."""
    trainer = trainer_for(
        wish_items(20), warmup=0.2, schedule=schedule, encoder_lr=1e-4, head_lr=1e-2, modules={"history": {"lr": 0.5}}
    )
    trainer.train()
    rows = [row for row in trainer.state.log_history if "loss" in row]
    for group, rate in {"text": 1e-4, "rest": 1e-2, "history": 0.5}.items():
        assert [row[f"learning_rate_{group}"] for row in rows] == pytest.approx([rate * share for share in shares])


def test_a_part_is_cut_before_the_whole_is(trainer_for: Any) -> None:
    """Only the head has a limit; under the global one, which is far, it is the head's that shortens the step."""
    trainer = trainer_for(wish_items(4), epochs=1, clip=1e6, modules={"head": {"clip": 1e-3}})
    norms = []
    clip = trainer._clip_grad_norm

    def spy(model: nn.Module) -> Any:
        found = clip(model)
        norms.append(
            [
                float(nn.utils.get_total_norm([p.grad for p in part.parameters() if p.grad is not None]))
                for part in (trainer.recommender.head, trainer.recommender.history)
            ]
        )
        return found

    trainer._clip_grad_norm = spy
    trainer.train()
    [[head, history]] = norms
    assert head == pytest.approx(1e-3, rel=1e-2)
    assert history > 1e-2


def test_the_gradient_is_clipped_to_the_length_in_the_settings(trainer_for: Any) -> None:
    trainer = trainer_for(wish_items(8), clip=1e-3, epochs=1)
    trainer.train()
    norms = [p.grad.norm() for p in trainer.recommender.parameters() if p.grad is not None]
    assert trainer.args.max_grad_norm == 1e-3
    assert any(row["grad_norm"] > 1e-2 for row in trainer.state.log_history if "grad_norm" in row)
    assert norms == []  # cleared after the step


def test_the_loss_is_the_movies_plus_the_weighted_tags_and_both_are_logged(trainer_for: Any) -> None:
    loss = BceSettings(tag_weight=0.25)
    trainer = trainer_for(wish_items(8), tags=True, text="none", loss=loss, epochs=2)
    trainer.train()
    rows = [row for row in trainer.state.log_history if "loss" in row]
    assert len(rows) == 4
    for row in rows:
        assert row["loss"] == pytest.approx(row["movie_loss"] + 0.25 * row["tag_loss"], rel=1e-3)
        assert row["movie_loss"] != pytest.approx(row["tag_loss"], rel=1e-3)


def test_the_two_parts_are_those_of_the_model(trainer_for: Any) -> None:
    trainer = trainer_for(wish_items(4), tags=True, text="none", loss=BceSettings(tag_weight=0.5))
    model = trainer.recommender.eval()
    batch = model.collate([trainer.train_items[i] for i in range(4)])
    assert len(batch["tag_targets"]) == 8  # two a wish
    movie = nn.functional.binary_cross_entropy_with_logits(model(batch), one_hot(batch["targets"]))
    scores = model.tag_head(model._tag_texts(batch))
    tag = nn.functional.binary_cross_entropy_with_logits(scores, one_hot(batch["tag_targets"]))
    assert trainer.compute_loss(trainer.learner, batch).item() == pytest.approx((movie + 0.5 * tag).item())


def one_hot(targets: torch.Tensor) -> torch.Tensor:
    return nn.functional.one_hot(targets[:, 0], MOVIES).float()


def test_without_tags_only_the_movies_are_logged(trainer_for: Any) -> None:
    trainer = trainer_for(wish_items(8), text="none", epochs=1)
    trainer.train()
    rows = [row for row in trainer.state.log_history if "loss" in row]
    assert rows
    assert all("tag_loss" not in row and row["movie_loss"] == pytest.approx(row["loss"], rel=1e-3) for row in rows)


def test_batches_hold_texts_of_like_length(trainer_for: Any) -> None:
    """Two lengths in equal numbers: shuffled batches of four would nearly all be mixed."""
    items = [Item([Text([101] * (3 if i % 2 else 40))], [], [1]) for i in range(160)]
    trainer = trainer_for(items)
    order = list(trainer._get_train_sampler())
    assert sorted(order) == list(range(160))
    batches = [order[i : i + 4] for i in range(0, 160, 4)]
    mixed = [batch for batch in batches if len({len(items[i].texts[0].tokens) for i in batch}) > 1]
    assert len(mixed) <= 6
    lengths = [len(items[batch[0]].texts[0].tokens) for batch in batches]
    assert lengths != sorted(lengths) or lengths[0] != lengths[-1]
    assert order != list(trainer._get_train_sampler()), "no epoch has the order of another"


def test_ready_vectors_are_shuffled_without_regard_to_length(trainer_for: Any) -> None:
    items = [Item([Text([101] * (3 if i % 2 else 40), torch.ones(32))], [], [1]) for i in range(80)]
    order = list(trainer_for(items, text="none")._get_train_sampler())
    assert sorted(order) == list(range(80))
    batches = [{len(items[i].texts[0].tokens) for i in order[start : start + 4]} for start in range(0, 80, 4)]
    assert sum(len(lengths) > 1 for lengths in batches) > 5


def test_tag_rows_walk_through_a_fresh_permutation_each_epoch() -> None:
    wishes = WishSet(wish_items(5), TAGS, tags_per_item=2, seed=3)

    def epoch(number: int) -> list[list[int]]:
        wishes.set_epoch(number)
        return [[tag.targets[0] for tag in wishes[i].tags] for i in range(5)]

    first, second = epoch(0), epoch(1)
    assert sorted(row for rows in first for row in rows) == sorted([0, 1, 2, 3, 4] * 2)
    assert first != second
    assert epoch(0) == first
    assert wishes.items[0].tags == ()


def test_each_epoch_of_training_has_its_own_tags(trainer_for: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    epochs = []
    monkeypatch.setattr(
        WishSet, "set_epoch", lambda self, epoch: (epochs.append(epoch), setattr(self, "order", range(5)))
    )
    trainer_for(wish_items(4), tags=True, text="none", epochs=3).train()
    assert [epoch for i, epoch in enumerate(epochs) if i == 0 or epoch != epochs[i - 1]] == [0, 1, 2]


def test_training_ends_when_validation_has_not_improved_for_the_patience(
    trainer_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = iter([0.1, 0.3, 0.2, 0.3, 0.9, 0.9])
    trainer = trainer_for(wish_items(4), text="none", epochs=6, patience=2)

    def evaluate(*_: Any, **__: Any) -> dict[str, float]:
        metrics = {"eval_ndcg@10": next(values)}
        trainer.control = trainer.callback_handler.on_evaluate(trainer.args, trainer.state, trainer.control, metrics)
        return metrics

    monkeypatch.setattr(trainer, "evaluate", evaluate)
    trainer.train()
    assert trainer.state.epoch == 4


@pytest.mark.parametrize("tags", [False, True])
def test_weights_that_are_not_finite_end_the_run_with_advice(tags: bool, trainer_for: Any) -> None:
    trainer = trainer_for(wish_items(4), tags=tags, text="none")
    head = trainer.recommender.tag_head if tags else trainer.recommender.head
    with torch.no_grad():
        head[-1].bias[0] = math.nan
    name = "tag_head" if tags else "head"
    with pytest.raises(match=rf"weights {name}\.4\.bias are not finite at step 1 .*training\.head_lr="):
        trainer.train()
