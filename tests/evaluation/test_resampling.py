"""Intervals and p values against the normal approximation, and against all cases where they can be counted."""

import math
import tracemalloc
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import RecommenderError
from recommender.evaluation.resampling import bootstrap_interval, holm, sign_flip_p

DIFFERENCES = st.lists(st.sampled_from([-1.0, -0.3, 0.0, 0.1, 0.5, 1.0]), min_size=1, max_size=6).map(np.array)


def test_bootstrap_matches_the_normal_interval_of_a_large_sample() -> None:
    values = np.random.default_rng(3).normal(2.0, 1.0, size=2000)
    low, high = bootstrap_interval(values, None, seed=0, draws=4000)
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert [low, high] == pytest.approx([values.mean() - half, values.mean() + half], abs=0.1 * half)


def test_bootstrap_draws_whole_groups_and_weighs_them_by_size() -> None:
    # Drawing two groups of two gives a mean of 0 (1/4), 3/4 (1/2) or 1 (1/4), whatever a group's size.
    values, groups = np.array([0.0, 1.0, 1.0, 1.0]), ["a", "b", "b", "b"]
    assert bootstrap_interval(values, groups, seed=0, draws=2000, level=0.4) == (0.75, 0.75)
    assert bootstrap_interval(values, groups, seed=0, draws=2000, level=0.95) == (0.0, 1.0)


def test_groups_of_equal_turns_widen_the_interval() -> None:
    # 50 dialogues of 16 equal turns hold 50 independent values, not 800: sqrt(16) times as wide.
    values = np.repeat(np.random.default_rng(5).normal(size=50), 16)
    grouped = np.subtract(*bootstrap_interval(values, np.repeat(np.arange(50), 16), seed=0, draws=4000))
    alone = np.subtract(*bootstrap_interval(values, None, seed=0, draws=4000))
    assert grouped / alone == pytest.approx(4, rel=0.1)


def test_bootstrap_is_fixed_by_its_seed_and_narrows_with_the_level() -> None:
    values = np.random.default_rng(4).random(100)
    low, high = bootstrap_interval(values, None, seed=1)
    assert (low, high) == bootstrap_interval(values, None, seed=1)
    assert (low, high) != bootstrap_interval(values, None, seed=2)
    inner_low, inner_high = bootstrap_interval(values, None, seed=1, level=0.5)
    assert low < inner_low < values.mean() < inner_high < high


def test_bootstrap_refuses_nothing_and_groups_of_another_length() -> None:
    with pytest.raises(RecommenderError, match="N >= 1"):
        bootstrap_interval(np.array([]), None, seed=0)
    with pytest.raises(RecommenderError, match=r"\(2,\) and \(1,\)"):
        bootstrap_interval(np.array([0.0, 1.0]), [7], seed=0)


@given(DIFFERENCES)
def test_p_is_the_share_of_all_sign_flips_that_are_as_far_from_zero(differences: np.ndarray) -> None:
    flips = [abs(np.dot(signs, differences)) for signs in product((-1, 1), repeat=len(differences))]
    exact = np.mean([far >= abs(differences.sum()) - 1e-9 for far in flips])
    p = sign_flip_p(differences, None, seed=0, draws=5000)
    assert p == pytest.approx(exact, abs=4.5 * math.sqrt(exact * (1 - exact) / 5000) + 1 / 5000)


def test_p_turns_whole_groups_over() -> None:
    # Twenty equal turns of one dialogue are one observation: either sign is as far from zero.
    assert sign_flip_p(np.full(20, 0.5), np.zeros(20), seed=0) == 1
    assert sign_flip_p(np.full(20, 0.5), None, seed=0, draws=999) == 1 / 1000


def test_p_is_the_same_for_either_direction() -> None:
    differences = np.random.default_rng(0).normal(0.1, 1, size=80)
    assert sign_flip_p(differences, None, seed=3) == sign_flip_p(-differences, None, seed=3)


def test_p_refuses_nothing() -> None:
    with pytest.raises(RecommenderError, match="N >= 1"):
        sign_flip_p(np.array([]), None, seed=0)


def test_memory_does_not_grow_with_groups_times_draws() -> None:
    values = np.random.default_rng(0).random(100_000)
    tracemalloc.start()
    try:
        bootstrap_interval(values, None, seed=0, draws=100)  # 80 MB for the numbers of the groups alone
        sign_flip_p(values - 0.5, None, seed=0, draws=100)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60e6


def test_hand_worked_holm() -> None:
    # Smallest first: 4 * 0.005, 3 * 0.01, 2 * 0.03, and 1 * 0.04, which may not be below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.5))
def test_holm_finds_what_the_step_down_procedure_rejects(p_values: list[float], level: float) -> None:
    rejected = set()
    for step, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if (len(p_values) - step) * p_values[place] > level:
            break
        rejected.add(place)
    assert {place for place, p in enumerate(holm(p_values)) if p <= level} == rejected
