"""Sampled candidates in place of the catalogue: all of them give the same loss, some of them give it on average."""

import logging

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recommender.config.losses import BceSettings, SoftmaxSettings
from recommender.data.indices import positions_in
from recommender.errors import RecommenderError
from recommender.losses.ranking import BinaryCrossEntropy, SoftmaxLoss
from recommender.losses.sampling import CANDIDATES, Candidates, CandidateSampler, inclusion_probabilities, make_sampler
from recommender.losses.weighting import ALL_ALIKE
from tests.losses.helpers import MOVIES, ROWS, make, pad, random_scores, seeded

COUNTS = torch.tensor([9, 0, 3, 1, 0, 0, 5])


def sample(number, targets, seed=0, counts=COUNTS):
    torch.manual_seed(seed)
    return CandidateSampler(number, counts, power=0.75)(targets)


@pytest.mark.parametrize("kind", ["softmax", "bce", "weighted_bce", "focal", "bpr"])
@given(rows=ROWS)
def test_when_all_movies_are_candidates_the_loss_is_that_of_the_catalogue(kind, rows):
    targets, scores = pad(rows, extra=1), random_scores(len(rows))
    candidates = sample(MOVIES, targets)
    assert candidates.indices.tolist() == list(range(MOVIES))
    # Uniform negatives are sampled in another way among candidates.
    loss = make(kind, **({"negatives": {"kind": "popularity"}} if kind == "bpr" else {}))
    sampled = seeded(loss, scores[:, candidates.indices], candidates.positions(targets), ALL_ALIKE, candidates)
    whole = seeded(loss, scores, targets)
    if kind in ("bce", "weighted_bce", "focal"):  # another order of the same sum
        torch.testing.assert_close(sampled, whole)
    else:
        assert torch.equal(sampled, whole)


@given(rows=ROWS, number=st.integers(1, MOVIES), seed=st.integers(0, 99))
def test_every_target_is_there_once_and_keeps_its_score(rows, number, seed):
    targets, scores = pad(rows, extra=1), random_scores(len(rows))
    candidates = sample(number, targets, seed)
    assert candidates.indices.tolist() == sorted(set(candidates.indices.tolist()))
    positions = candidates.positions(targets)
    assert torch.equal(positions < 0, targets < 0)
    assert all(
        [candidates.indices[place] for place in own if place >= 0] == row
        for own, row in zip(positions.tolist(), rows, strict=True)
    )
    assert (candidates.probabilities[positions[positions >= 0]] == 1).all()
    assert len(scores) == len(positions)


def test_the_same_seed_samples_the_same_movies_and_another_one_others():
    targets, counts = torch.tensor([[3]]), torch.arange(500)
    one, same, other = (sample(50, targets, seed, counts).indices.tolist() for seed in (1, 1, 2))
    assert one == same != other


def test_over_many_samples_the_sum_below_the_fraction_is_the_catalogue_s():
    """Bengio & Senecal 2008: the estimate of the sum, not of its logarithm, is right on average."""
    targets = torch.tensor([[0], [6]])
    weights = random_scores(2).exp()
    sampler = CandidateSampler(3, COUNTS, power=0.75)
    torch.manual_seed(0)
    found = torch.zeros(2)
    for _ in range(4000):
        candidates = sampler(targets)
        found += (weights[:, candidates.indices] / candidates.probabilities).sum(dim=1) / 4000
    torch.testing.assert_close(found, weights.sum(dim=1), rtol=0.05, atol=0)


def test_over_many_samples_bce_is_the_catalogue_s():
    targets, scores = torch.tensor([[0], [6]]), random_scores(2)
    sampler, loss = CandidateSampler(3, COUNTS, power=0.75), BinaryCrossEntropy(pos_weight=2.0)
    torch.manual_seed(0)
    found = []
    for _ in range(4000):
        candidates = sampler(targets)
        found.append(loss(scores[:, candidates.indices], candidates.positions(targets), candidates=candidates))
    torch.testing.assert_close(torch.stack(found).mean(), loss(scores, targets), rtol=0.05, atol=0)


def test_hand_worked_sampled_softmax():
    """Movie 2 is the target; movie 0 was sampled with a probability of a quarter, so it stands for four."""
    candidates = Candidates(torch.tensor([0, 2]), torch.tensor([0.25, 1.0]), catalogue=9)
    scores = torch.tensor([[1.0, 3.0]])
    loss = SoftmaxLoss()(scores, candidates.positions(torch.tensor([[2]])), candidates=candidates)
    expected = -3.0 + torch.log(4 * torch.tensor(1.0).exp() + torch.tensor(3.0).exp())
    torch.testing.assert_close(loss, expected)


@given(weights=st.lists(st.floats(0.01, 100), min_size=1, max_size=30), number=st.integers(1, 40))
def test_chances_add_up_and_keep_the_order_of_the_weights(weights, number):
    weights = torch.tensor(weights, dtype=torch.float64)
    chances = inclusion_probabilities(weights, number)
    assert chances.sum().item() == pytest.approx(min(number, len(weights)))
    assert ((chances > 0) & (chances <= 1)).all()
    order = weights.argsort()
    assert (chances[order].diff() >= -1e-12).all()


def test_a_movie_that_is_not_there_has_no_place():
    assert positions_in(torch.tensor([4, 7]), torch.tensor([[7, 9, 0, -1, 4]])).tolist() == [[1, -1, -1, -1, 0]]


def test_a_large_catalogue_is_sampled_and_the_log_says_so(caplog):
    caplog.set_level(logging.INFO)
    assert make_sampler(BceSettings(), torch.zeros(100_000)) is None
    assert caplog.text == ""
    sampler = make_sampler(BceSettings(), torch.zeros(100_001))
    assert float(sampler.probabilities.sum()) == pytest.approx(CANDIDATES, abs=1)  # one movie is there at every step
    assert "4,096 of 100,001 movies" in caplog.text


def test_sampling_can_be_asked_for_and_put_off():
    assert make_sampler(BceSettings(sampled=10), torch.zeros(100)) is not None
    assert make_sampler(BceSettings(sampled=100), torch.zeros(100)) is None
    assert make_sampler(BceSettings(sample_above=200_000), torch.zeros(100_001)) is None


def test_label_smoothing_needs_the_whole_catalogue():
    with pytest.raises(RecommenderError, match=r"label_smoothing = 0, or loss\.sampled = 0"):
        make_sampler(SoftmaxSettings(sampled=10, label_smoothing=0.1), torch.zeros(100))
    with pytest.raises(RecommenderError, match=r"label_smoothing = 0, or loss\.sample_above = 5000"):
        make_sampler(SoftmaxSettings(sample_above=4999, label_smoothing=0.1), torch.zeros(5000))
