"""Opinions by hand, and the three ways of weighing the tasks."""

import math

import pytest
import torch

from recommender.config.losses import BceSettings
from recommender.losses.ranking import OpinionLoss
from recommender.losses.weighting import TaskBalance

NAN = math.nan


def test_only_known_opinions_are_learned():
    logits = torch.tensor([[math.log(3), 9.0], [0.0, -math.log(4)]], requires_grad=True)
    opinions = torch.tensor([[1.0, NAN], [NAN, 0.0]])
    loss = OpinionLoss()(logits, opinions)
    assert loss.item() == pytest.approx((math.log(4 / 3) + math.log(5 / 4)) / 2)
    assert OpinionLoss().rows(opinions) == 2
    loss.backward()
    assert (logits.grad != 0).tolist() == [[True, False], [False, True]]


def test_without_any_opinion_the_loss_is_0_and_can_be_trained_on():
    logits = torch.ones(2, 3, requires_grad=True)
    loss = OpinionLoss()(logits, torch.full((2, 3), NAN))
    loss.backward()
    assert loss == 0
    assert (logits.grad == 0).all()


def weights_of(balance):
    return {task: weight.item() for task, weight in balance.weights().items()}


def test_fixed_weights_are_those_of_the_settings():
    balance = TaskBalance(BceSettings(tag_weight=0.001, liked_weight=0.5), ["tag", "liked", "seen"])
    assert weights_of(balance) == pytest.approx({"movie": 1, "tag": 0.001, "liked": 0.5, "seen": 0.1})
    assert balance.price() == 0
    assert list(balance.parameters()) == []


def test_uncertainty_finds_the_weights_that_its_formula_has_its_minimum_at():
    # d/ds (L exp(-s) + s / 2) = 0 where exp(-s) = 1 / (2 L).
    balance = TaskBalance(BceSettings(balance="uncertainty"), ["tag"])
    losses = {"movie": 4.0, "tag": 0.05}
    optimizer = torch.optim.Adam(balance.parameters(), lr=0.05)
    for _ in range(500):
        optimizer.zero_grad()
        (sum(weight * losses[task] for task, weight in balance.weights().items()) + balance.price()).backward()
        optimizer.step()
    assert weights_of(balance) == pytest.approx({"movie": 1 / 8, "tag": 10}, rel=1e-2)


def test_gradient_norms_make_a_task_pull_as_hard_as_its_weight_says():
    balance = TaskBalance(BceSettings(balance="gradient_norm", liked_weight=0.5), ["liked", "seen"])
    assert weights_of(balance) == pytest.approx({"movie": 1, "liked": 0.5, "seen": 0.1})  # nothing measured yet
    balance.update({"liked": (2.0, 0.25), "seen": (2.0, 0.0)})
    assert weights_of(balance) == pytest.approx({"movie": 1, "liked": 0.5 * 8, "seen": 0.1})
    balance.update({"liked": (1.0, 0.25)})
    assert weights_of(balance)["liked"] == pytest.approx(0.5 * (0.9 * 8 + 0.1 * 4))


def test_other_ways_of_weighing_measure_nothing():
    balance = TaskBalance(BceSettings(), ["liked"])
    balance.update({"liked": (5.0, 1.0)})
    assert weights_of(balance)["liked"] == pytest.approx(0.1)


@pytest.mark.parametrize("kind", ["uncertainty", "gradient_norm"])
def test_what_was_learned_can_be_saved(kind):
    one, other = (TaskBalance(BceSettings(balance=kind), ["liked"]) for _ in range(2))
    one.update({"liked": (3.0, 1.0)})
    if one.log_variances is not None:
        one.log_variances.data += 0.3
    other.load_state_dict(one.state_dict())
    assert weights_of(other) == weights_of(one)
