"""Losses against hand-worked numbers and torch's own functions; padding, extremes and shapes."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from recommender.config import losses as settings
from recommender.config.losses import WeightedBceSettings
from recommender.data.indices import ShapeError, multi_hot
from recommender.errors import RecommenderError
from recommender.losses.ranking import LOSSES, BinaryCrossEntropy, FocalLoss, SoftmaxLoss, make_loss
from tests.losses.helpers import MOVIES, ROWS, facts_of, make, pad, random_scores, seeded

every_loss = pytest.mark.parametrize("kind", LOSSES)


def test_the_table_holds_every_kind_that_the_settings_allow():
    assert set(LOSSES) == set(settings.LOSSES)


# multi_hot


@given(ROWS)
def test_multi_hot_has_a_one_at_each_target(rows):
    expected = [[float(column in row) for column in range(MOVIES)] for row in rows]
    assert multi_hot(pad(rows, extra=1), MOVIES).tolist() == expected


def test_multi_hot_counts_a_repeated_target_once():
    assert multi_hot(torch.tensor([[1, 1, -1]]), 2).tolist() == [[0, 1]]


@pytest.mark.parametrize("column", [-2, MOVIES])
def test_multi_hot_refuses_columns_outside_the_catalogue(column):
    with pytest.raises(ShapeError, match=rf"0 \.\.\. 6 .* found .*{column}"):
        multi_hot(torch.tensor([[0, column]]), MOVIES)


def test_multi_hot_refuses_other_types():
    with pytest.raises(ShapeError, match="int32"):
        multi_hot(torch.zeros(1, 1, dtype=torch.int32), MOVIES)


# by hand: two movies, p = sigmoid(ln 3) = 3/4 for the first and 1/2 for the second, the first is the target


SCORES, TARGETS = torch.tensor([[math.log(3), 0.0]]), torch.tensor([[0]])


def test_hand_worked_bce():
    loss = BinaryCrossEntropy()(SCORES, TARGETS)
    assert loss.item() == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)


def test_hand_worked_weighted_bce():
    # 10 movies / 4 targets x factor 2 = 5 times the target's part.
    loss = make_loss(WeightedBceSettings(factor=2.0), facts_of([[0, 1, 2, 3]], movies=10))
    assert loss(SCORES, TARGETS).item() == pytest.approx((5 * math.log(4 / 3) + math.log(2)) / 2)


def test_hand_worked_focal():
    # p_t is 3/4 and 1/2, so the parts are weighted by (1/4)^2 and (1/2)^2.
    loss = FocalLoss(alpha=3.0, gamma=2.0)(SCORES, TARGETS)
    assert loss.item() == pytest.approx(3 * (math.log(4 / 3) / 16 + math.log(2) / 4) / 2)


def test_hand_worked_softmax():
    scores = torch.tensor([[math.log(1), math.log(2), math.log(5)], [0.0, 0.0, 0.0]])  # shares 1/8, 2/8, 5/8 and 1/3
    targets = torch.tensor([[2, 1], [0, -1]])
    first = (math.log(8 / 2) + math.log(8 / 5)) / 2
    assert SoftmaxLoss()(scores, targets).item() == pytest.approx((first + math.log(3)) / 2)


def test_hand_worked_label_smoothing():
    # A share of 0.3 is spread over three movies: 0.8 on the target and 0.1 on each of the others.
    scores = torch.tensor([[math.log(1), math.log(2), math.log(5)]])
    loss = SoftmaxLoss(label_smoothing=0.3)(scores, torch.tensor([[2]]))
    assert loss.item() == pytest.approx(0.8 * math.log(8 / 5) + 0.1 * math.log(8 / 2) + 0.1 * math.log(8))


# against torch


@given(ROWS)
def test_bce_equals_torch(rows):
    scores, targets = random_scores(len(rows)), pad(rows)
    expected = F.binary_cross_entropy_with_logits(scores, multi_hot(targets, MOVIES))
    assert torch.equal(BinaryCrossEntropy()(scores, targets), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_softmax_with_one_target_a_row_equals_torch(smoothing):
    scores, labels = random_scores(5), torch.tensor([0, 6, 3, 3, 1])
    expected = F.cross_entropy(scores, labels, label_smoothing=smoothing)
    torch.testing.assert_close(SoftmaxLoss(smoothing)(scores, labels[:, None]), expected)


@given(ROWS, st.floats(0.1, 5))
def test_focal_with_gamma_0_is_alpha_times_bce(rows, alpha):
    scores, targets = random_scores(len(rows)), pad(rows)
    expected = alpha * BinaryCrossEntropy()(scores, targets)
    torch.testing.assert_close(FocalLoss(alpha, gamma=0.0)(scores, targets), expected)


@given(ROWS)
def test_focal_equals_its_formula(rows):
    scores, targets = random_scores(len(rows)).double(), pad(rows)
    wanted = multi_hot(targets, MOVIES).double()
    p_true = wanted * scores.sigmoid() + (1 - wanted) * (1 - scores.sigmoid())
    expected = (0.25 * (1 - p_true) ** 1.5 * -p_true.log()).mean()
    torch.testing.assert_close(FocalLoss(0.25, gamma=1.5)(scores, targets).double(), expected, rtol=1e-5, atol=1e-6)


@given(ROWS)
def test_weighted_bce_with_weight_1_is_bce(rows):
    scores, targets = random_scores(len(rows)), pad(rows)
    loss = make("weighted_bce", factor=2.0 / MOVIES)
    torch.testing.assert_close(loss(scores, targets), make("bce")(scores, targets))


def test_weighted_bce_weighs_every_movie_alike():
    loss = make("weighted_bce")
    values = [loss(torch.zeros(1, MOVIES), torch.tensor([[column]])).item() for column in range(MOVIES)]
    assert values == pytest.approx([math.log(2) * (3.5 + MOVIES - 1) / MOVIES] * MOVIES)


def test_weighted_bce_needs_training_targets():
    with pytest.raises(RecommenderError, match="needs training targets"):
        make_loss(WeightedBceSettings(), facts_of([[], []], MOVIES))


def test_the_settings_reach_their_losses():
    scores, targets = random_scores(3), pad([[1], [2, 3], [0]])
    for made, direct in (
        (make("focal", alpha=0.5, gamma=1.0), FocalLoss(0.5, 1.0)),
        (make("softmax", label_smoothing=0.1), SoftmaxLoss(0.1)),
        (make("weighted_bce", factor=1.5), BinaryCrossEntropy(1.5 * MOVIES / 2.0)),
    ):
        assert torch.equal(made(scores, targets), direct(scores, targets))


# every loss


@every_loss
@given(rows=ROWS, extra=st.integers(1, 3), random=st.randoms(use_true_random=False))
def test_padding_order_and_repetition_change_nothing(kind, rows, extra, random):
    scores, loss = random_scores(len(rows)), make(kind)
    padded = pad([row + row[:1] for row in rows], extra).tolist()
    for row in padded:
        random.shuffle(row)
    assert torch.equal(seeded(loss, scores, torch.tensor(padded)), seeded(loss, scores, pad(rows)))


@every_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("right", [True, False])
def test_extreme_scores_have_finite_losses_and_gradients(kind, dtype, right):
    # Fully right and fully wrong; a fractional gamma has no finite slope at p_t = 1 when written naively.
    targets = torch.tensor([[0], [2]])
    signs = multi_hot(targets, MOVIES) * 2 - 1
    scores = (signs * (1e4 if right else -1e4)).to(dtype).requires_grad_()
    loss = make(kind, **({"gamma": 0.5} if kind == "focal" else {}))(scores, targets)
    loss.backward()
    assert loss.isfinite()
    assert scores.grad.isfinite().all()
    assert (loss == 0) == right


@every_loss
def test_bfloat16_scores_are_compared_in_float32(kind):
    scores, targets = random_scores(3).bfloat16(), pad([[1], [2, 3], [0]])
    loss = make(kind)
    assert loss(scores, targets).dtype == torch.float32
    assert torch.equal(seeded(loss, scores, targets), seeded(loss, scores.float(), targets))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(seeded(loss, scores, targets), seeded(loss, scores.float(), targets))


@every_loss
def test_a_step_down_the_gradient_raises_targets_and_lowers_the_rest(kind):
    scores, targets = torch.zeros(2, MOVIES, requires_grad=True), pad([[1], [2, 3]])
    seeded(make(kind), scores, targets).backward()  # 32 negatives of 7 movies leave none out
    assert torch.equal(scores.grad < 0, multi_hot(targets, MOVIES) == 1)


@every_loss
def test_shape_errors_name_both_shapes(kind):
    with pytest.raises(ShapeError, match=r"scores \[2, 7\] and targets \[3, 1\]"):
        make(kind)(torch.zeros(2, MOVIES), torch.zeros(3, 1, dtype=torch.int64))
    with pytest.raises(ShapeError, match=r"scores \[7\] and targets \[1, 1\]"):
        make(kind)(torch.zeros(MOVIES), torch.zeros(1, 1, dtype=torch.int64))
    with pytest.raises(ShapeError, match=r"empty scores \[0, 7\]"):
        make(kind)(torch.zeros(0, MOVIES), torch.zeros(0, 1, dtype=torch.int64))


@every_loss
def test_no_weights_are_saved_or_trained(kind):
    loss = make(kind)
    assert loss.state_dict() == {}
    assert list(loss.parameters()) == []


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_row_without_targets_counts_for_nothing_in_softmax(smoothing):
    scores, loss = random_scores(3), SoftmaxLoss(smoothing)
    scores.requires_grad_()
    value = loss(scores, pad([[1], [], [2, 3]]))
    assert value == loss(scores[[0, 2]], pad([[1], [2, 3]]))
    value.backward()
    assert (scores.grad[1] == 0).all()
    assert (scores.grad[[0, 2]] != 0).all()


@pytest.mark.parametrize("width", [0, 2])
def test_softmax_without_any_target_is_0_and_can_be_trained_on(width):
    scores = random_scores(2).requires_grad_()
    loss = SoftmaxLoss()(scores, torch.full((2, width), -1))
    loss.backward()
    assert loss == 0
    assert (scores.grad == 0).all()
