"""Measures of the genres in a list: diversity within it, and calibration with the genres of the wish's movies.

Genres and not text vectors, since every catalogue has them. A movie whose genres are unknown counts for nothing.
Shapes: N examples, K ranked movies, V movies of the catalogue, G genres, S different sets of genres. -1 is padding in
rankings.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import rel_entr
from sklearn.metrics import pairwise_distances
from sklearn.preprocessing import MultiLabelBinarizer, normalize

from recommender.data.catalog import Catalog
from recommender.evaluation.metrics import Floats, Ints, Ragged

SMOOTHING = 0.01  # alpha of Steck 2018
ROWS = 1024  # lists looked at in one piece, so that memory does not grow with N


def diversity(rankings: Ints, catalog: Catalog) -> float:
    """Intra-list diversity (Ziegler et al. 2005) of rankings [N, K]: the mean Jaccard distance of the genres of two
    movies of one list, then the mean over the lists.

    A list without any pair of movies with known genres is left out; NaN if no list is left.
    """
    movies, places = np.unique(rankings, return_inverse=True)
    # Two movies of the same genres are alike, so that pairs are counted by sets of genres, of which there are few.
    sets, kinds = np.unique(_genres(catalog)[movies], axis=0, return_inverse=True)  # [S, G], [movies]
    lists = kinds.reshape(-1)[places.reshape(rankings.shape)]  # [N, K], the set of each ranked movie
    distances, known = pairwise_distances(sets, metric="jaccard"), sets.any(axis=1)  # [S, S], [S]
    means = []
    for start in range(0, len(lists), ROWS):
        counts = _count(lists[start : start + ROWS], len(sets)) * known  # [rows, S]
        sizes = counts.sum(axis=1)  # [rows]
        pairs = sizes * (sizes - 1) / 2
        apart = ((counts @ distances) * counts).sum(axis=1) / 2
        means.append(apart[pairs > 0] / pairs[pairs > 0])
    found = np.concatenate(means) if means else np.empty(0)
    return float(found.mean()) if len(found) else math.nan


def _count(lists: Ints, size: int) -> Floats:
    """How often each of `size` numbers stands in each row [N, K], [N, size]."""
    rows = np.arange(len(lists))[:, None] * size
    counts: Floats = np.bincount((rows + lists).ravel(), minlength=len(lists) * size).reshape(-1, size).astype(float)
    return counts


def calibration(rankings: Ints, inputs: Ragged, catalog: Catalog) -> tuple[float, int]:
    """How far the genres of the lists [N, K] are from those of the N inputs' movies, and over how many examples:
    KL(p || (1 - a) q + a p) in nats, a = 0.01, p the input's shares of genres and q the list's (Steck 2018, eq. 3-6).

    A movie counts 1, in equal parts for each of its genres, whatever its rank. 0 for the same shares, log(1 / a) = 4.6
    for no genre in common. Only examples with a movie of known genres in both count; NaN if there is none.
    """
    asked, given = genre_shares(inputs, catalog), genre_shares(_as_lists(rankings), catalog)
    both = asked.any(axis=1) & given.any(axis=1)  # [N]
    p, q = asked[both], given[both]
    if not len(p):
        return math.nan, 0
    divergence = rel_entr(p, (1 - SMOOTHING) * q + SMOOTHING * p).sum(axis=1)  # [N]
    # Rounding can leave a mean of zeros a hair below it.
    return max(float(divergence.mean()), 0.0), len(p)


def _as_lists(rankings: Ints) -> Ragged:
    return Ragged(rankings.reshape(-1), np.full(len(rankings), rankings.shape[1]))


def genre_shares(lists: Ragged, catalog: Catalog) -> Floats:
    """The share of each genre in N lists of movies, [N, G]; each row adds up to 1, or 0 if no genre is known."""
    genres = _genres(catalog)  # [V + 1, G]
    ends = np.concatenate([[0], np.cumsum(lists.lengths)])
    movies = np.where(lists.items < 0, len(catalog), lists.items)
    named = csr_array((np.ones(len(movies)), movies, ends), shape=(len(lists.lengths), len(genres)))  # [N, V + 1]
    shares: Floats = normalize(named @ normalize(genres, norm="l1"), norm="l1")
    return shares


def _genres(catalog: Catalog) -> NDArray[np.bool_]:
    """Whether a movie has a genre, [V + 1, G]; the last row, which -1 finds, has none."""
    found = MultiLabelBinarizer().fit_transform([*(movie.genres for movie in catalog), ()])
    genres: NDArray[np.bool_] = found.astype(bool)
    return genres
