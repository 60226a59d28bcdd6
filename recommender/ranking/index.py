"""The best movies of a large catalogue without scoring them all: an approximate index proposes, exact scores decide."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recommender.errors import RecommenderError
from recommender.models.base import ItemVectors, Recommender

log = logging.getLogger(__name__)

INDEX_ABOVE = 100_000  # movies, from which a ranking asks an index
RECALL = 0.99  # of the exact best on the wishes that the index is set by, so that others have 0.98 and more
WISHES = 128  # that it is set by
LISTS = 4  # times the square root of the catalogue: into so many lists the movies are sorted
AT_ONCE = 2**24  # scores that are computed or ranked at a time
SAMPLE = 40  # movies a list, by which the lists' centres are found

Floats = NDArray[np.float32]


class Found(NamedTuple):
    """The movies proposed for each wish, ascending, with their exact scores; -1 and -inf fill short rows."""

    items: Tensor  # [B, N] int64
    scores: Tensor  # [B, N] float32

    def best(self, k: int, exclude: Tensor | None = None) -> Tensor:
        """The k best items [B, k], without those in `exclude` [B, H] (padded with -1), as `top_k` gives them: equal
        scores by item index, -1 at the end of a row that runs short."""
        scores = self.scores
        if exclude is not None:
            out = torch.zeros_like(self.items, dtype=torch.bool)
            for item in exclude.unbind(dim=1):
                out |= self.items == item.unsqueeze(1)
            scores = scores.masked_fill(out, -torch.inf)
        ranked, places = scores.sort(dim=1, descending=True, stable=True)
        items = self.items.gather(1, places).masked_fill(ranked == -torch.inf, -1)[:, :k]
        return torch.nn.functional.pad(items, (0, k - items.shape[1]), value=-1)


class MovieIndex:
    """An inverted file (Sivic & Zisserman 2003; faiss, Douze et al. 2024) over movies whose score is a dot product plus
    a bias, which is one dimension more. The item indices `left_out` are never found. How many lists a wish looks into
    is set by `calibrate`.

    Raises `RecommenderError` where faiss is not installed.
    """

    def __init__(self, movies: ItemVectors, left_out: Sequence[int] = (), seed: int = 0) -> None:
        try:
            import faiss
        except ImportError as error:
            raise RecommenderError(
                f"Ranking more than {INDEX_ABOVE:,} movies needs faiss: pip install faiss-cpu==1.15.1"
            ) from error
        self.device = movies.vectors.device
        self.table = torch.cat([movies.vectors, movies.bias.unsqueeze(1)], dim=1).float().cpu()  # [V, W + 1]
        self.kept: Tensor | None = None  # the item index of each row of the table; None: row i is item i
        if left_out:
            kept = torch.ones(len(self.table), dtype=torch.bool)
            kept[list(left_out)] = False
            self.kept = kept.nonzero()[:, 0]
            self.table = self.table[self.kept]
        size, width = self.table.shape
        lists = max(1, min(round(LISTS * size**0.5), size // SAMPLE))
        self.index = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, lists, faiss.METRIC_INNER_PRODUCT)
        self.index.cp.seed = seed
        # With fewer than it likes to have, faiss would print a warning.
        self.index.cp.min_points_per_centroid, self.index.cp.max_points_per_centroid = 1, SAMPLE
        self.index.train(self.table.numpy())
        self.index.add(self.table.numpy())
        self.recall = float("nan")  # of the wishes that it was set by

    def calibrate(self, queries: Tensor, k: int) -> None:
        """Look into as many lists as it takes to find the share `RECALL` of the exact k best of these wishes [B, W]."""
        asked = _with_bias(queries)  # [B, W + 1]
        exact = self._exact(asked, k)
        lists = 1
        while True:
            self.index.nprobe = min(lists, self.index.nlist)
            self.recall = recall(self.index.search(asked, k)[1], exact)
            if self.recall >= RECALL or lists >= self.index.nlist:
                break
            lists *= 2
        log.info(
            "%s movies are ranked by an index: %s of %s lists, recall@%s %.3f on %s wishes",
            f"{len(self.table):,}",
            f"{self.index.nprobe:,}",
            f"{self.index.nlist:,}",
            k,
            self.recall,
            len(asked),
        )

    def find(self, queries: Tensor, number: int) -> Found:
        """Wishes [B, W] -> the `number` movies that seem best for each."""
        asked = _with_bias(queries)
        places = torch.from_numpy(self.index.search(asked, min(number, len(self.table)))[1]).sort(dim=1).values
        rows = self.table[places.clamp(min=0)]  # [B, N, W + 1]
        scores = (rows @ torch.from_numpy(asked).unsqueeze(2)).squeeze(2).masked_fill(places < 0, -torch.inf)
        items = places if self.kept is None else self.kept[places.clamp(min=0)].masked_fill(places < 0, -1)
        return Found(items.to(self.device), scores.to(self.device))

    def _exact(self, asked: Floats, k: int) -> NDArray[np.int64]:
        step = max(1, AT_ONCE // len(self.table))
        parts = torch.split(torch.from_numpy(asked), step)
        best = [(part @ self.table.T).topk(min(k, len(self.table)), dim=1).indices for part in parts]
        return torch.cat(best).numpy()


def index_of(model: Recommender, left_out: Sequence[int] = ()) -> MovieIndex | None:
    """An index over the model's movies but those in `left_out`; None for a catalogue that needs none, and for a model
    whose scores are no dot products: those are ranked exactly."""
    if not model.scores_by_vectors or len(model.context.catalog) <= INDEX_ABOVE:
        return None
    movies = model.item_vectors()
    return None if movies is None else MovieIndex(movies, left_out)


def recall(found: NDArray[np.int64], exact: NDArray[np.int64]) -> float:
    """Share of the exact best [B, K] that are among the found ones [B, N].

    >>> recall(np.array([[4, 2], [7, -1]]), np.array([[2, 5], [7, 8]]))
    0.5
    """
    shares = [np.isin(best, own).mean() for best, own in zip(exact, found, strict=True)]
    return float(np.mean(shares))


def _with_bias(queries: Tensor) -> Floats:
    queries = queries.detach().float().cpu()
    asked: Floats = torch.cat([queries, torch.ones(len(queries), 1)], dim=1).numpy()
    return asked


def spread(count: int, wanted: int) -> Sequence[int]:
    """At most `wanted` of `count` places, evenly apart.

    >>> list(spread(10, 4))
    [0, 3, 6, 9]
    """
    return range(0, count, max(1, -(-count // wanted)))
