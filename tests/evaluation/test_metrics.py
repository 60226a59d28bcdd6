"""Rankings and metrics against hand-worked cases, plain Python, scikit-learn and trec_eval."""

import math

import numpy as np
import pytest
import pytrec_eval
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from recommender.errors import RecommenderError
from recommender.evaluation.measures import ACCURACY
from recommender.evaluation.metrics import (
    METRICS,
    MetricError,
    count_targets,
    evaluate_rankings,
    hit_at_k,
    hits,
    mrr_at_k,
    ndcg_at_k,
    recall_at_k,
)
from recommender.ranking.top_k import top_k

MOVIES = 12
COLUMNS = st.integers(0, MOVIES - 1)
# Few different values, so that most rows hold ties.
SCORES = st.lists(st.sampled_from([-math.inf, -1.5, -0.0, 0.0, 1e-45, 2.0, math.inf]), min_size=MOVIES, max_size=MOVIES)
RANKINGS = st.permutations(range(MOVIES)).map(lambda order: order[:8])
TARGETS = st.lists(COLUMNS, min_size=1, max_size=10)


def ranked_by_python(row, k, excluded=()):
    order = sorted((c for c in range(len(row)) if c not in excluded), key=lambda c: (-row[c], c))
    return (order + [-1] * k)[:k]


def pad(lists):
    width = max(map(len, lists))
    padded = [list(row) + [-1] * (width - len(row)) for row in lists]
    return torch.tensor(padded, dtype=torch.int64).view(len(lists), width)


# top_k


@given(
    rows=st.lists(st.tuples(SCORES, st.lists(COLUMNS, max_size=MOVIES)), min_size=1, max_size=4),
    k=st.integers(1, MOVIES + 3),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
)
def test_top_k_equals_a_sort_by_score_then_column(rows, k, dtype):
    scores = torch.tensor([row for row, _ in rows], dtype=dtype)
    excluded = [columns for _, columns in rows]
    expected = [ranked_by_python(row, k, out) for row, out in zip(scores.tolist(), excluded, strict=True)]
    ranking = top_k(scores, k, pad(excluded))
    assert ranking.dtype == torch.int64
    assert ranking.tolist() == expected


@given(SCORES, st.integers(1, MOVIES))
def test_top_k_without_exclusion(row, k):
    assert top_k(torch.tensor([row]), k).tolist() == [ranked_by_python(row, k)]


@pytest.mark.parametrize("values", [2, 50, 10**6])
@pytest.mark.parametrize("k", [1, 10, 100])
def test_top_k_equals_a_stable_sort_at_full_size(values, k):
    scores = torch.randint(values, (64, 6924), generator=torch.Generator().manual_seed(0)).float()
    reference = scores.argsort(dim=1, descending=True, stable=True)[:, :k]
    assert torch.equal(top_k(scores, k), reference)


def test_top_k_leaves_its_inputs_alone():
    scores, exclude = torch.tensor([[1.0, 2.0]]), torch.tensor([[1]])
    top_k(scores, 2, exclude)
    assert scores.tolist() == [[1.0, 2.0]]
    assert exclude.tolist() == [[1]]


def test_top_k_keeps_a_movie_scored_minus_infinity_but_not_an_excluded_one():
    scores = torch.tensor([[-math.inf, 1.0, -math.inf]])
    assert top_k(scores, 3, torch.tensor([[0]])).tolist() == [[1, 2, -1]]


def test_top_k_refuses_nan_bad_cutoffs_and_columns_outside_the_catalogue():
    with pytest.raises(MetricError, match=r"1 of the scores \[1, 2\] are NaN"):
        top_k(torch.tensor([[1.0, math.nan]]), 1)
    with pytest.raises(MetricError, match="at least 1, found 0"):
        top_k(torch.zeros(1, 2), 0)
    with pytest.raises(RecommenderError, match=r"0 \.\.\. 1"):
        top_k(torch.zeros(1, 2), 1, torch.tensor([[2]]))


# hits and counts


def test_padding_is_never_a_hit():
    rankings = np.array([[3, -1, -1]])
    assert hits(rankings, np.array([[-1, 3, -1]])).tolist() == [[True, False, False]]
    assert hits(rankings, np.array([[-1, -1, -1]])).tolist() == [[False, False, False]]


@given(st.lists(st.tuples(RANKINGS, TARGETS), min_size=1, max_size=5))
def test_hits_and_counts_equal_sets_for_lists_and_padded_arrays(examples):
    rankings = np.array([ranking for ranking, _ in examples])
    lists = [targets for _, targets in examples]
    expected = [[movie in set(targets) for movie in ranking] for ranking, targets in examples]
    for targets in (lists, pad(lists).numpy()):
        assert hits(rankings, targets).tolist() == expected
        assert count_targets(targets).tolist() == [len(set(row)) for row in lists]


def test_hits_does_not_change_the_targets():
    targets = np.array([[5, 2, 5]])
    hits(np.array([[1, 2]]), targets)
    assert targets.tolist() == [[5, 2, 5]]


def test_hits_refuses_other_lengths_and_repeated_movies():
    with pytest.raises(MetricError, match=r"\(1, 2\) and 2"):
        hits(np.array([[1, 2]]), [[1], [2]])
    with pytest.raises(MetricError, match="twice"):
        hits(np.array([[4, 1, 4]]), [[4]])


# the metrics, by hand


def test_hand_worked_values():
    # Three targets; the movie at rank 2 is one of them, the one at rank 4 another.
    gains, counts = np.array([[False, True, False, True]]), np.array([3])
    two, three, four = 1 / math.log2(3), 1 / math.log2(4), 1 / math.log2(5)
    assert ndcg_at_k(gains, counts, 4) == pytest.approx((two + four) / (1 + two + three), abs=1e-12)
    assert ndcg_at_k(gains, counts, 2) == pytest.approx(two / (1 + two), abs=1e-12)
    assert ndcg_at_k(gains, counts, 1) == 0
    assert [recall_at_k(gains, counts, k)[0] for k in (1, 2, 3, 4)] == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3])
    assert [hit_at_k(gains, counts, k)[0] for k in (1, 2, 3, 4)] == [0, 1, 1, 1]
    assert [mrr_at_k(gains, counts, k)[0] for k in (1, 2, 3, 4)] == [0, 0.5, 0.5, 0.5]


def test_the_ideal_comes_from_the_targets_not_from_the_recommended_list():
    # One of three targets, at rank 1: an ideal made from the list alone would give 1.
    values = evaluate_rankings(np.array([[0, 8, 9]]), [[0, 1, 2]], cutoffs=[3])
    assert values["ndcg@3"] == pytest.approx(1 / (1 + 1 / math.log2(3) + 0.5), abs=1e-12)


def test_a_cutoff_below_the_ranking_reads_only_its_first_movies():
    values = evaluate_rankings(np.array([[8, 9, 0]]), [[0]], cutoffs=[2])
    assert {name: value[0] for name, value in values.items()} == {"ndcg@2": 0, "recall@2": 0, "hit@2": 0, "mrr@2": 0}


def test_evaluate_names_every_metric_and_cutoff_and_gives_one_value_an_example():
    values = evaluate_rankings(np.array([[0, 1], [1, 0], [2, 3]]), [[0], [0], [0]], cutoffs=[1, 2])
    assert list(values) == [f"{name}@{k}" for name in ("ndcg", "recall", "hit", "mrr") for k in (1, 2)]
    assert values["mrr@2"].tolist() == [1, 0.5, 0]
    assert all(value.dtype == np.float64 for value in values.values())


def test_every_metric_has_a_direction_that_a_better_ranking_follows():
    better, worse = np.array([[True, False]]), np.array([[False, False]])
    assert METRICS.keys() == ACCURACY.keys()
    for name, metric in METRICS.items():
        change = metric(better, np.array([1]), 2)[0] - metric(worse, np.array([1]), 2)[0]
        assert (change > 0) == (ACCURACY[name].better == "higher")


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_impossible_inputs_are_errors(metric):
    gains, counts = np.array([[True, False], [False, False]]), np.array([1, 1])
    with pytest.raises(MetricError, match="Cut-off 3 is beyond the ranking's 2 movies"):
        metric(gains, counts, 3)
    with pytest.raises(MetricError, match="at least 1, found 0"):
        metric(gains, counts, 0)
    with pytest.raises(MetricError, match="Example 1 has no target"):
        metric(gains, np.array([1, 0]), 1)
    with pytest.raises(MetricError, match=r"\(2, 2\) and \(3,\)"):
        metric(gains, np.array([1, 1, 1]), 1)
    with pytest.raises(MetricError, match="more hits than targets"):
        metric(np.array([[True, True]]), np.array([1]), 1)


# properties


@given(RANKINGS, TARGETS)
def test_values_lie_in_0_to_1_and_grow_with_the_cutoff(ranking, targets):
    values = evaluate_rankings(np.array([ranking]), [targets], cutoffs=range(1, 9))
    assert all(0 <= value[0] <= 1 + 1e-12 for value in values.values())
    for name in ("recall", "hit", "mrr"):
        by_cutoff = [values[f"{name}@{k}"][0] for k in range(1, 9)]
        assert by_cutoff == sorted(by_cutoff)


@given(RANKINGS, st.integers(1, 8), st.integers(1, 8))
def test_a_perfect_ranking_scores_exactly_1(ranking, count, k):
    values = evaluate_rankings(np.array([ranking]), [ranking[:count]], cutoffs=[k])
    assert values[f"ndcg@{k}"] == values[f"hit@{k}"] == values[f"mrr@{k}"] == 1
    assert values[f"recall@{k}"] == min(k, count) / count


@given(RANKINGS, TARGETS, st.integers(1, 4), st.randoms(use_true_random=False))
def test_order_repetition_and_padding_of_targets_change_nothing(ranking, targets, padding, random):
    messy = targets + targets[:2] + [-1] * padding
    random.shuffle(messy)
    plain = evaluate_rankings(np.array([ranking]), [targets], cutoffs=[1, 5, 8])
    padded = evaluate_rankings(np.array([ranking]), np.array([messy]), cutoffs=[1, 5, 8])
    assert plain == padded


# other implementations


def random_examples(levels, seed=0, examples=60, movies=40):
    """Scores of which `levels` are different, and 1 to 15 targets an example."""
    random = np.random.default_rng(seed)
    scores = random.permuted(np.tile(np.arange(movies) % levels, (examples, 1)), axis=1).astype(np.float32)
    targets = [random.choice(movies, size=random.integers(1, 16), replace=False).tolist() for _ in range(examples)]
    return scores, targets, top_k(torch.from_numpy(scores), movies).numpy()


@pytest.mark.parametrize("levels", [40, 5, 1])
@pytest.mark.parametrize("k", [1, 10, 40])
def test_ndcg_agrees_with_scikit_learn(levels, k):
    scores, targets, rankings = random_examples(levels)
    # scikit-learn averages over ties, so it gets distinct scores in the order of a stable sort.
    order = np.argsort(-scores, axis=1, kind="stable")
    distinct = np.empty_like(scores)
    np.put_along_axis(distinct, order, np.arange(scores.shape[1], 0, -1, dtype=np.float32)[None, :], axis=1)
    relevant = np.array([[column in row for column in range(scores.shape[1])] for row in targets], dtype=float)
    theirs = [ndcg_score(relevant[i : i + 1], distinct[i : i + 1], k=k) for i in range(len(targets))]
    np.testing.assert_allclose(evaluate_rankings(rankings, targets, [k])[f"ndcg@{k}"], theirs, atol=1e-6)


@pytest.mark.parametrize("levels", [40, 5, 1])
@pytest.mark.parametrize("k", [1, 10, 30])
def test_every_metric_agrees_with_trec_eval(levels, k):
    _, targets, rankings = random_examples(levels, seed=1)
    judged = {f"q{i}": {f"d{column}": 1 for column in row} for i, row in enumerate(targets)}
    # trec_eval breaks ties by document name and cuts no reciprocal rank: it gets falling scores, and k movies only.
    run = {f"q{i}": {f"d{c}": float(-rank) for rank, c in enumerate(row[:k])} for i, row in enumerate(rankings)}
    names = {"ndcg": f"ndcg_cut_{k}", "recall": f"recall_{k}", "hit": f"success_{k}", "mrr": "recip_rank"}
    measures = {f"ndcg_cut.{k}", f"recall.{k}", f"success.{k}", "recip_rank"}
    theirs = pytrec_eval.RelevanceEvaluator(judged, measures).evaluate(run)
    ours = evaluate_rankings(rankings, targets, [k])
    assert set(names) == set(METRICS)
    for name, trec_name in names.items():
        expected = [theirs[f"q{i}"][trec_name] for i in range(len(targets))]
        np.testing.assert_allclose(ours[f"{name}@{k}"], expected, atol=1e-6, err_msg=name)


def test_many_scores_are_ranked_in_parts_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = torch.randint(5, (7, 12), generator=torch.Generator().manual_seed(0)).float()
    exclude = torch.arange(14).view(7, 2) % 12
    at_once = top_k(scores, 4), top_k(scores, 4, exclude)
    monkeypatch.setattr("recommender.ranking.top_k.AT_ONCE", 30)
    assert torch.equal(top_k(scores, 4), at_once[0])
    assert torch.equal(top_k(scores, 4, exclude), at_once[1])
