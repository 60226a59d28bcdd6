"""BPR by hand, and where its negatives come from."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recommender.config.losses import NegativeConfig
from recommender.data.indices import multi_hot
from recommender.losses.ranking import BprLoss
from recommender.losses.sampling import Candidates, sample_negatives
from recommender.losses.weighting import Weights
from tests.losses.helpers import MOVIES, ROWS, pad, random_scores, seeded

NONE = torch.zeros(MOVIES, dtype=torch.int64)


def sampled(wanted, config, scores=None, counts=NONE):
    """The distinct negatives of each row."""
    torch.manual_seed(0)
    scores = torch.zeros(wanted.shape) if scores is None else scores
    negatives, allowed = sample_negatives(scores, wanted, config, counts)
    return [set(row[kept].tolist()) for row, kept in zip(negatives, allowed, strict=True)]


def negative_of(gap):
    """-log sigmoid."""
    return math.log(1 + math.exp(-gap))


def test_hand_worked_bpr():
    # Two movies: whatever is drawn, the only negative is the other one.
    loss = BprLoss(NegativeConfig(count=50), torch.tensor([1, 1]))
    scores, targets = torch.tensor([[2.0, 0.5], [0.0, 1.0]]), torch.tensor([[0], [0]])
    assert seeded(loss, scores, targets).item() == pytest.approx((negative_of(1.5) + negative_of(-1)) / 2)
    weights = Weights(targets=torch.tensor([[3.0], [1.0]]), examples=torch.tensor([1.0, 0.5]))
    expected = (3 * negative_of(1.5) + 0.5 * negative_of(-1)) / 2
    assert seeded(loss, scores, targets, weights).item() == pytest.approx(expected)


def test_a_row_has_the_mean_of_its_targets_and_one_without_counts_for_nothing():
    loss = BprLoss(NegativeConfig(count=200), torch.ones(3))
    scores = torch.tensor([[1.0, 3.0, 0.0], [9.0, 9.0, 9.0]])
    value = seeded(loss, scores, pad([[0, 1], []]))
    assert value.item() == pytest.approx((negative_of(1) + negative_of(3)) / 2)


def test_a_row_that_wants_every_movie_has_nothing_to_learn():
    scores = random_scores(1).requires_grad_()
    loss = seeded(BprLoss(NegativeConfig(), NONE), scores, pad([list(range(MOVIES))]))
    loss.backward()
    assert loss == 0
    assert (scores.grad == 0).all()


@given(ROWS, st.sampled_from(["uniform", "popularity", "in_batch"]), st.floats(0, 1), st.integers(1, 40))
def test_no_target_is_its_own_negative_and_the_share_is_kept(rows, kind, hard, count):
    wanted = multi_hot(pad(rows), MOVIES)
    config = NegativeConfig(kind=kind, hard=hard, count=count, hard_from=3)
    negatives, allowed = sample_negatives(random_scores(len(rows)), wanted, config, NONE)
    assert negatives.shape == allowed.shape == (len(rows), count)
    assert not (wanted.gather(1, negatives) * allowed).any()


def test_uniform_negatives_are_all_other_movies():
    assert sampled(multi_hot(pad([[1], [2, 3]]), MOVIES), NegativeConfig(count=200)) == [
        {0, 2, 3, 4, 5, 6},
        {0, 1, 4, 5, 6},
    ]


def test_negatives_of_the_batch_are_the_other_rows_targets():
    wanted = multi_hot(pad([[1], [2, 3], [1, 2]]), MOVIES)
    assert sampled(wanted, NegativeConfig(count=100, kind="in_batch")) == [{2, 3}, {1}, {3}]


def test_popular_movies_are_drawn_more_often_by_the_power():
    counts = torch.tensor([0, 7, 0, 0, 0, 0, 26])  # with one more each: 1, 8, 1, 1, 1, 1, 27
    wanted = torch.zeros(1, MOVIES)
    torch.manual_seed(0)
    config = NegativeConfig(count=20_000, kind="popularity", power=1 / 3)
    negatives, _ = sample_negatives(wanted, wanted, config, counts)
    shares = torch.bincount(negatives[0], minlength=MOVIES) / 20_000
    assert shares.tolist() == pytest.approx([0.1, 0.2, 0.1, 0.1, 0.1, 0.1, 0.3], abs=0.02)


def test_hard_negatives_are_the_first_places_without_the_targets():
    scores = torch.tensor([[7.0, 6, 5, 4, 3, 2, 1], [1.0, 2, 3, 4, 5, 6, 7]])
    wanted = multi_hot(pad([[0, 2], [0]]), MOVIES)
    config = NegativeConfig(count=100, hard=1.0, hard_from=2)
    assert sampled(wanted, config, scores) == [{1, 3}, {5, 6}]


def test_a_share_of_the_negatives_is_hard():
    scores = torch.arange(MOVIES, 0, -1.0).unsqueeze(0)
    config = NegativeConfig(count=1000, hard=0.3, hard_from=1)
    torch.manual_seed(0)
    negatives, _ = sample_negatives(scores, torch.zeros(1, MOVIES), config, NONE)
    first = (negatives == 0).float().mean().item()
    assert first == pytest.approx(0.3 + 0.7 / MOVIES, abs=0.04)


def test_negatives_follow_the_seed():
    wanted, config = multi_hot(pad([[1], [2]]), MOVIES), NegativeConfig(count=4, kind="popularity", hard=0.5)
    pairs = []
    for _ in range(2):
        torch.manual_seed(3)
        pairs.append(sample_negatives(random_scores(2), wanted, config, NONE)[0].tolist())
    assert pairs[0] == pairs[1]


@pytest.mark.parametrize(("kind", "shares"), [("uniform", [1, 1, 1, 1]), ("popularity", [8, 1, 1, 1])])
def test_negatives_among_candidates_come_as_often_as_in_the_whole_catalogue(kind, shares):
    """Of eight movies the popular one is a candidate at every step, each of the others at every second; a movie has to
    be a negative as often as in the whole catalogue, up to the number of candidates."""
    counts = torch.tensor([7, 0, 0, 0, 0, 0, 0, 0])
    chances = torch.tensor([1.0, 0.5, 0.5, 0.5])
    candidates = Candidates(torch.tensor([0, 2, 5, 7]), chances, 8)
    torch.manual_seed(0)
    wanted, config = torch.zeros(1, 4), NegativeConfig(count=20_000, kind=kind, power=1.0)
    negatives, _ = sample_negatives(wanted, wanted, config, counts, candidates)
    found = torch.bincount(negatives[0], minlength=4) / 20_000
    expected = torch.tensor(shares) / chances
    torch.testing.assert_close(found, expected / expected.sum(), atol=0.02, rtol=0)
