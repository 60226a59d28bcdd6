"""How much faster the vectorised metrics and `top_k` are than the plain way, as ratios measured in one run.

Run from the project's root: `python -m benchmarks.metrics`.
"""

import math
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import torch

from recommender.evaluation.metrics import evaluate_rankings
from recommender.ranking.top_k import top_k

BATCH, MOVIES, EXAMPLES, WIDTH = 64, 6924, 4198, 50
CUTOFFS = (1, 10, 50)


def metrics_by_loop(rankings: list[list[int]], targets: list[list[int]]) -> dict[str, list[float]]:
    """The same metrics, one example, one metric and one cut-off after the other."""
    values: dict[str, list[float]] = {f"{name}@{k}": [] for name in ("ndcg", "recall", "hit", "mrr") for k in CUTOFFS}
    for ranking, wanted in zip(rankings, map(set, targets), strict=True):
        for k in CUTOFFS:
            ranks = [rank for rank, movie in enumerate(ranking[:k], start=1) if movie in wanted]
            ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(wanted)) + 1))
            values[f"ndcg@{k}"].append(sum(1 / math.log2(rank + 1) for rank in ranks) / ideal)
            values[f"recall@{k}"].append(len(ranks) / len(wanted))
            values[f"hit@{k}"].append(float(bool(ranks)))
            values[f"mrr@{k}"].append(1 / ranks[0] if ranks else 0.0)
    return values


def top_k_by_sort(scores: torch.Tensor, k: int) -> torch.Tensor:
    return scores.argsort(dim=1, descending=True, stable=True)[:, :k]


def seconds(*calls: Callable[[], Any], repeats: int = 15) -> list[float]:
    """The median time of each call. They take turns, so that a busy moment of the machine falls on all of them."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, taken in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
    return [median(taken) for taken in times]


def report(name: str, plain: float, ours: float) -> None:
    print(f"{name:<58} {plain * 1e3:8.2f} ms / {ours * 1e3:6.2f} ms = {plain / ours:5.1f} times as fast")


def compare_metrics(random: np.random.Generator) -> None:
    rankings = random.random((EXAMPLES, 1000)).argsort(axis=1)[:, :WIDTH]
    targets = [random.choice(1000, size=random.integers(1, 6), replace=False).tolist() for _ in range(EXAMPLES)]
    as_lists = rankings.tolist()
    ours = evaluate_rankings(rankings, targets, CUTOFFS)
    for name, values in metrics_by_loop(as_lists, targets).items():
        np.testing.assert_allclose(ours[name], values, atol=1e-12)
    plain, fast = seconds(
        lambda: metrics_by_loop(as_lists, targets), lambda: evaluate_rankings(rankings, targets, CUTOFFS)
    )
    report(f"metrics of {EXAMPLES} rankings of {WIDTH}, loop / arrays", plain, fast)


def compare_top_k(name: str, scores: torch.Tensor, k: int) -> None:
    assert torch.equal(top_k(scores, k), top_k_by_sort(scores, k))
    plain, fast = seconds(lambda: top_k_by_sort(scores, k), lambda: top_k(scores, k))
    report(f"top {k} of {BATCH} x {MOVIES} {name}, stable sort / top_k", plain, fast)


def main() -> None:
    # One thread each: two would also measure how busy the other cores are.
    torch.set_num_threads(1)
    compare_metrics(np.random.default_rng(0))
    generator = torch.Generator().manual_seed(0)
    distinct = torch.randn(BATCH, MOVIES, generator=generator)
    tied = torch.randint(10, (BATCH, MOVIES), generator=generator).float()
    for k in (10, 100):
        compare_top_k("scores", distinct, k)
        compare_top_k("tied scores", tied, k)


if __name__ == "__main__":
    main()
