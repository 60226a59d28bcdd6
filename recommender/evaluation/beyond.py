"""What a list of recommendations is like besides being right: how much of the catalogue, how well known, how varied.

Shapes: N examples, K ranked movies, V movies of the catalogue. -1 is padding in rankings.
`evaluation.measures` says which way is better.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.data.catalog import Catalog
from recommender.data.task import Task
from recommender.evaluation.genres import calibration, diversity
from recommender.evaluation.measures import BEYOND, CALIBRATED, at
from recommender.evaluation.metrics import Ints, Ragged, check_cutoff

Counts = NDArray[np.int64]


def training_mentions(task: Task) -> Counts:
    """In how many messages of the task's training dialogues each movie is named, or how many people watched it, [V]."""
    named = task.mentions("train")
    return np.array([named[movie.movie_id] for movie in task.catalog], dtype=np.int64)


def beyond_accuracy(
    rankings: Ints, cutoffs: Sequence[int], catalog: Catalog, mentions: Counts | None, inputs: Ragged | None
) -> dict[str, float]:
    """Every measure of `BEYOND` at every cut-off of rankings [N, K], and how many examples the calibration rests on:
    `{"coverage@10": 0.17, ..., "calibration@10": 1.3, "calibrated@10": 2110}`.

    `mentions` [V] of the training and `inputs` of N lists may be unknown. What cannot be told is left out, such as the
    diversity of lists of one. Raises `MetricError` for a cut-off that the rankings do not reach.
    """
    found: dict[str, float] = {}
    for cutoff in cutoffs:
        values = _at_cutoff(rankings, cutoff, catalog, mentions, inputs)
        found |= {at(name, cutoff): value for name, value in values.items()}
    names = [at(name, cutoff) for name in (*BEYOND, CALIBRATED) for cutoff in cutoffs]
    return {name: found[name] for name in names if not math.isnan(found.get(name, math.nan))}


def _at_cutoff(
    rankings: Ints, cutoff: int, catalog: Catalog, mentions: Counts | None, inputs: Ragged | None
) -> dict[str, float]:
    check_cutoff(cutoff, rankings.shape[1])
    first = rankings[:, :cutoff]
    counts = np.bincount(first[first >= 0], minlength=len(catalog))  # [V]
    found = {"coverage": coverage(counts), "gini": gini(counts), "diversity": diversity(first, catalog)}
    if mentions is not None:
        found |= {"popularity": mean_popularity(first, mentions), "novelty": novelty(counts, mentions)}
    if inputs is not None:
        found["calibration"], found[CALIBRATED] = calibration(first, inputs, catalog)
    return found


def coverage(counts: Counts) -> float:
    """Share of the catalogue that is recommended at least once.

    >>> coverage(np.array([3, 0, 1, 0]))
    0.5
    """
    return float((counts > 0).mean())


def gini(counts: Counts) -> float:
    """How unequally the recommendations [V] fall on the movies: 0 all alike, near 1 nearly all on one (Gini 1912).

    >>> gini(np.array([2, 2, 2, 2])), gini(np.array([0, 8, 0, 0]))
    (0.0, 0.75)
    """
    if not counts.sum():
        return 0.0
    places = 2 * np.arange(1, len(counts) + 1) - len(counts) - 1  # [V]
    return float(places @ np.sort(counts) / (len(counts) * counts.sum()))


def novelty(counts: Counts, mentions: Counts) -> float:
    """Mean self-information in bits, -log2 of the movie's share of the training mentions, over all recommended movies
    (Zhou et al. 2010): one bit more means movies half as well known. Each movie is given one mention more than it has,
    so that one never named counts as rare and not as infinitely so.

    >>> novelty(np.array([1, 1]), np.array([2, 0]))  # shares 3/4 and 1/4
    1.207518749639422
    """
    share = (mentions + 1) / (mentions + 1).sum()  # [V]
    return float(-(counts @ np.log2(share)) / max(counts.sum(), 1))


def mean_popularity(rankings: Ints, mentions: Counts) -> float:
    """Average recommendation popularity (Abdollahpouri et al. 2019, ARP): the mean number of training mentions [V] of
    the movies of one list [N, K], then the mean over the lists. A list without a movie is left out; NaN if none is
    left.

    >>> mean_popularity(np.array([[0, 1], [2, -1]]), np.array([8, 2, 1]))  # 5 and 1
    3.0
    """
    ranked = rankings >= 0
    sizes = ranked.sum(axis=1)  # [N]
    totals = np.where(ranked, mentions[rankings], 0).sum(axis=1)  # [N]
    return float((totals[sizes > 0] / sizes[sizes > 0]).mean()) if sizes.any() else math.nan
