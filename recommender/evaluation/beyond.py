"""What a list of recommendations is like besides being right: coverage, diversity, novelty and concentration.

Shapes: N examples, K ranked movies, V movies of the catalogue, G genres. All look at the first `CUTOFF` ranks; -1 is
padding in rankings.
"""

import numpy as np
from numpy.typing import NDArray

from recommender.data.catalog import Catalog
from recommender.data.task import Task
from recommender.evaluation.metrics import Ints

CUTOFF = 10

Counts = NDArray[np.int64]


def training_mentions(task: Task) -> Counts:
    """In how many messages of the task's training dialogues each movie is named, or how many people watched it, [V]."""
    named = task.mentions("train")
    return np.array([named[movie.movie_id] for movie in task.catalog], dtype=np.int64)


def beyond_accuracy(rankings: Ints, catalog: Catalog, mentions: Counts) -> dict[str, float]:
    """`{"coverage@10", "diversity@10", "novelty@10", "gini@10"}` of rankings [N, K]; `mentions` [V] of the training."""
    first = rankings[:, :CUTOFF]
    counts = np.bincount(first[first >= 0], minlength=len(catalog))  # [V]
    return {
        f"coverage@{CUTOFF}": coverage(counts),
        f"diversity@{CUTOFF}": diversity(first, catalog),
        f"novelty@{CUTOFF}": novelty(counts, mentions),
        f"gini@{CUTOFF}": gini(counts),
    }


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


def diversity(rankings: Ints, catalog: Catalog) -> float:
    """Intra-list diversity (Ziegler et al. 2005) of rankings [N, K]: the mean Jaccard distance of the genres of two
    movies of one list, then the mean over the lists.

    Genres and not text vectors, since every catalogue has them. A pair with a movie whose genres are unknown is left
    out, and so is a list without any pair; 0 if no list is left.
    """
    genres = _genres(catalog)  # [V + 1, G]
    first, second = np.triu_indices(rankings.shape[1], k=1)
    lists = []
    for row in rankings:
        own = genres[row]  # [K, G]
        common = (own @ own.T)[first, second]  # [pairs]
        sizes = own.sum(axis=1)  # [K]
        known = (sizes[first] > 0) & (sizes[second] > 0)
        either = (sizes[first] + sizes[second] - common)[known]
        if known.any():
            lists.append(np.mean(1 - common[known] / either))
    return float(np.mean(lists)) if lists else 0.0


def _genres(catalog: Catalog) -> NDArray[np.float64]:
    """1 where a movie has a genre, [V + 1, G]; the last row, which -1 finds, has none."""
    names = sorted({genre for movie in catalog for genre in movie.genres})
    rows = [[float(name in movie.genres) for name in names] for movie in catalog]
    return np.array([*rows, [0.0] * len(names)])
