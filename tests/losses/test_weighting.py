"""How much targets count: by hand for every fact, with a mean of one, and inside each loss."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recommender.config.losses import BceSettings, SoftmaxSettings, WeightConfig
from recommender.data.collate import Item, collate_shared
from recommender.data.engagement import UNKNOWN, Engagement
from recommender.errors import DataError
from recommender.losses.ranking import LOSSES, make_loss
from recommender.losses.weighting import TargetWeights, Weights, effective_weights, make_weights
from tests.losses.helpers import MOVIES, ROWS, facts_of, make, pad, random_scores, seeded

KNOWN = st.builds(
    Engagement,
    liked=st.sampled_from([None, 0, 1]),
    seen=st.sampled_from([None, 0, 1]),
    suggested=st.sampled_from([None, 0, 1]),
    rating=st.none() | st.floats(0.1, 1),
    completion=st.none() | st.floats(0, 1),
    plays=st.none() | st.integers(1, 50),
    age_days=st.none() | st.floats(0, 3000),
)
ALL = WeightConfig(liked=2, disliked=0.5, seen=0.7, named=1.4, rating=True, completion=True, plays=True)


def weights_of(engagement, **settings):
    """What the targets of one input weigh, for training data that consists of it."""
    targets = [list(range(len(engagement)))]
    config = BceSettings.model_validate({"weights": {k: v for k, v in settings.items() if k != "effective_number"}})
    weights = TargetWeights(config, facts_of(targets, engagement=[engagement]))
    batch = collate_shared([Item((), targets=targets[0], engagement=engagement)])
    return weights(batch["targets"], batch.get("engagement"))


@pytest.mark.parametrize(
    ("settings", "engagement", "expected"),
    [
        ({"liked": 3, "disliked": 1}, [Engagement(liked=1), Engagement(liked=0)], [3 / 2, 1 / 2]),
        ({"seen": 1, "unseen": 4}, [Engagement(seen=1), Engagement(seen=0), Engagement(seen=0)], [1 / 3, 4 / 3, 4 / 3]),
        ({"suggested": 2, "named": 0}, [Engagement(suggested=1), Engagement(suggested=0)], [2, 0]),
        ({"rating": True}, [Engagement(rating=1.0), Engagement(rating=0.5)], [4 / 3, 2 / 3]),
        ({"completion": True}, [Engagement(completion=0.9), Engagement(completion=0.1)], [1.8, 0.2]),
        ({"plays": True}, [Engagement(plays=math.e - 1), Engagement(plays=math.e**3 - 1)], [0.5, 1.5]),
        ({"half_life_days": 10}, [Engagement(age_days=0), Engagement(age_days=10), Engagement(age_days=20)], None),
    ],
)
def test_each_fact_by_hand(settings, engagement, expected):
    expected = expected or [1 / (7 / 12), 0.5 / (7 / 12), 0.25 / (7 / 12)]
    assert weights_of(engagement, **settings).targets[0].tolist() == pytest.approx(expected)


def test_an_unknown_target_counts_as_an_average_one():
    weights = weights_of([Engagement(rating=0.2), UNKNOWN, Engagement(rating=0.6)], rating=True)
    assert weights.targets[0].tolist() == pytest.approx([0.5, 1.0, 1.5])


def test_factors_multiply():
    engagement = [Engagement(liked=1, rating=1.0), Engagement(liked=0, rating=0.5)]
    weights = weights_of(engagement, liked=3, disliked=1, rating=True).targets[0]
    assert weights[0] / weights[1] == pytest.approx(3 * 2)


def test_an_example_counts_by_the_mean_of_its_targets():
    engagement = [[Engagement(rating=1.0), Engagement(rating=0.5)], [Engagement(rating=0.25)]]
    config = BceSettings(weights=WeightConfig(rating=True, level="example"))
    weights = TargetWeights(config, facts_of([[0, 1], [2]], engagement=engagement))
    batch = collate_shared(
        [Item((), targets=[0, 1], engagement=engagement[0]), Item((), [], [2], engagement=engagement[1])]
    )
    found = weights(batch["targets"], batch["engagement"])
    mean = (1.0 + 0.5 + 0.25) / 3
    assert found.targets is None
    assert found.examples.tolist() == pytest.approx([0.75 / mean, 0.25 / mean])


@given(st.lists(st.lists(KNOWN, min_size=1, max_size=4), min_size=1, max_size=6))
def test_the_training_targets_weigh_one_on_average(engagement):
    config = BceSettings(weights=ALL, effective_number=0.9)
    targets = [[(i + j) % MOVIES for j in range(len(row))] for i, row in enumerate(engagement)]
    facts = facts_of(targets, engagement=engagement)
    try:
        weights = TargetWeights(config, facts)
    except DataError:  # everything was watched for 0 % of its length
        return
    items = [Item((), [], row, engagement=known) for row, known in zip(targets, engagement, strict=True)]
    batch = collate_shared(items)
    found = weights(batch["targets"], batch.get("engagement")).targets
    assert found[batch["targets"] >= 0].mean().item() == pytest.approx(1, rel=1e-4)
    assert (found[batch["targets"] < 0] == 0).all()


def test_weights_that_leave_nothing_are_an_error():
    facts = facts_of([[0], [1]], engagement=[[Engagement(liked=1)], [Engagement(liked=1)]])
    with pytest.raises(DataError, match=r"loss\.weights"):
        TargetWeights(BceSettings(weights=WeightConfig(liked=0)), facts)


def test_without_settings_nothing_is_weighed():
    assert make_weights(BceSettings(), facts_of([[0]])) is None
    assert make_weights(BceSettings(weights=WeightConfig(level="example")), facts_of([[0]])) is None


# by how rare a movie is (Cui et al. 2019)


def test_class_balanced_weights_by_hand():
    # E(n) = (1 - 0.9^n) / (1 - 0.9): 1, 1.9 and 2.71 for 1, 2 and 3 targets; never wanted counts as wanted once.
    assert effective_weights(torch.tensor([1, 2, 3, 0]), 0.9).tolist() == pytest.approx([1, 1 / 1.9, 1 / 2.71, 1])


def test_class_balance_reaches_the_targets():
    config = BceSettings(effective_number=0.9)
    weights = make_weights(config, facts_of([[0], [0], [1]]))(pad([[0, 1], [1]]), None)
    mean = (1 / 1.9 + 1 / 1.9 + 1) / 3
    expected = [[1 / 1.9 / mean, 1 / mean], [1 / mean, 0]]
    assert [row.tolist() for row in weights.targets] == [pytest.approx(row) for row in expected]


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=8), st.floats(0.1, 0.9999))
def test_the_rarer_a_movie_the_more_it_counts(counts, beta):
    counts = sorted(counts)
    weights = effective_weights(torch.tensor(counts), beta).tolist()
    assert weights == sorted(weights, reverse=True)
    assert all(1 - beta <= weight * 1.0001 for weight in weights)


# inside the losses


every_loss = pytest.mark.parametrize("kind", LOSSES)


@every_loss
@given(rows=ROWS)
def test_weights_of_one_change_nothing(kind, rows):
    scores, targets = random_scores(len(rows)), pad(rows)
    ones = Weights(targets=torch.ones(targets.shape), examples=torch.ones(len(rows)))
    loss = make(kind)
    torch.testing.assert_close(seeded(loss, scores, targets, ones), seeded(loss, scores, targets))


@every_loss
def test_an_example_of_weight_two_adds_twice_as_much(kind):
    scores, targets, loss = random_scores(2), pad([[1], [2, 3]]), make(kind)
    parts = [
        seeded(loss, scores, targets, Weights(examples=torch.tensor(weights))).item()
        for weights in ([1.0, 0.0], [0.0, 1.0], [1.0, 2.0])
    ]
    assert parts[2] == pytest.approx(parts[0] + 2 * parts[1], rel=1e-5)


@every_loss
def test_a_target_of_weight_two_pulls_twice_as_hard(kind):
    targets = pad([[1, 3]])
    gradients = []
    for weight in (1.0, 2.0):
        scores = torch.zeros(1, MOVIES, requires_grad=True)
        seeded(make(kind), scores, targets, Weights(targets=torch.tensor([[weight, 0.0]]))).backward()
        gradients.append(scores.grad[0, 1].item())
    expected = gradients[0] * 2
    if kind == "softmax":  # half of the row's mass is on it: -w/2 (1 - p)
        expected = pytest.approx(-2 / 2 * (1 - 1 / MOVIES), rel=1e-4)
        assert gradients[0] == pytest.approx(-1 / 2 * (1 - 1 / MOVIES), rel=1e-4)
    assert gradients[1] == pytest.approx(expected) if isinstance(expected, float) else gradients[1] == expected


@every_loss
def test_a_target_of_weight_zero_is_neither_wanted_nor_unwanted(kind):
    scores = torch.zeros(1, MOVIES, requires_grad=True)
    weights = Weights(targets=torch.tensor([[1.0, 0.0]]))
    seeded(make(kind), scores, pad([[1, 3]]), weights).backward()
    if kind == "softmax":  # like every other movie it shares in the denominator
        assert scores.grad[0, 3] == scores.grad[0, 4]
    else:
        assert scores.grad[0, 3] == 0


def test_hand_worked_weighted_softmax():
    scores = torch.tensor([[math.log(1), math.log(2), math.log(5)]])  # shares 1/8, 2/8, 5/8
    weights = Weights(targets=torch.tensor([[3.0, 1.0]]), examples=torch.tensor([2.0]))
    loss = make_loss(SoftmaxSettings(), facts_of([[0]], movies=3))(scores, torch.tensor([[2, 0]]), weights)
    assert loss.item() == pytest.approx(2 * (3 * math.log(8 / 5) + math.log(8)) / 2)


@pytest.mark.parametrize(
    ("setting", "fact"), [({"rating": True}, "rating"), ({"seen": 2.0}, "seen"), ({"half_life_days": 9.0}, "age days")]
)
def test_a_weight_by_what_nobody_told_is_an_error(setting, fact):
    facts = facts_of([[0], [1]], engagement=[[Engagement(liked=1)], [UNKNOWN]])
    with pytest.raises(DataError, match=f"loss.weights.{next(iter(setting))} .*{fact}"):
        TargetWeights(BceSettings(weights=WeightConfig(**setting)), facts)


def test_beta_may_be_next_to_one():
    weights = effective_weights(torch.tensor([1, 10, 1000]), 1 - 1e-8).tolist()
    assert weights == pytest.approx([1, 0.1, 0.001], rel=1e-4)


def test_what_label_smoothing_spreads_weighs_as_much_as_the_targets():
    loss = make_loss(SoftmaxSettings(label_smoothing=0.2), facts_of([[0]]))
    scores, targets = random_scores(2), pad([[1], [2]])
    parts = [loss(scores, targets, Weights(targets=torch.tensor(w))).item() for w in ([[1.0], [0]], [[0], [1.0]])]
    both = loss(scores, targets, Weights(targets=torch.tensor([[1.0], [3.0]]))).item()
    assert both == pytest.approx(parts[0] + 3 * parts[1], rel=1e-5)
    assert loss(scores, targets, Weights(targets=torch.zeros(2, 1))) == 0
