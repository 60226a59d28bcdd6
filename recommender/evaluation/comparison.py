"""Records of runs set against each other: is a difference more than chance, where does it come from, and which wishes
show it. Needs no torch, so that the compare page is there at once."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.errors import RecommenderError, UnknownNameError
from recommender.evaluation.records import KEPT, Record
from recommender.evaluation.resampling import Floats, bootstrap_interval, sign_flip_p

DRAWS = 2000

MENTIONED = "Movies named in the wish"
POPULARITY = "Popularity of the targets"
LENGTH = "Length of the wish"


@dataclass(frozen=True)
class Paired:
    """How much better than the base the other run is: the mean difference over the same examples, its 95 % interval,
    and how often chance alone gives one as large."""

    difference: float
    low: float
    high: float
    p: float


def paired(base: Record, other: Record, metric: str, seed: int = 0) -> Paired:
    """`other` minus `base`: bootstrap interval and sign-flip test, both over whole dialogues.

    Raises `RecommenderError` when the records are not of the same examples or have no such metric.
    """
    differences = _differences(base, other, metric)
    low, high = bootstrap_interval(differences, base.dialogues, seed, DRAWS)
    return Paired(float(differences.mean()), low, high, sign_flip_p(differences, base.dialogues, seed, DRAWS))


def furthest_apart(base: Record, other: Record, metric: str, k: int) -> NDArray[np.int64]:
    """The places of at most k examples in which the runs differ most, largest difference first; of equal ones the
    earlier first. Examples in which they do not differ are left out. Raises as `paired`."""
    apart = np.abs(_differences(base, other, metric))
    order = np.argsort(-apart, kind="stable")[:k]
    return order[apart[order] > 0]


def _differences(base: Record, other: Record, metric: str) -> Floats:
    """other - base, [N]."""
    if base.example_ids != other.example_ids:
        raise RecommenderError(
            "The two runs were not measured on the same examples, so they cannot be compared one by one. "
            "Run `python -m recommender evaluate` for both with the same data, protocol, split and targets."
        )
    return _values(other, metric) - _values(base, metric)


def _values(record: Record, metric: str) -> Floats:
    if metric not in record.values:
        raise UnknownNameError("metric", metric, record.values)
    return record.values[metric].astype(np.float64)


def slices(record: Record, metric: str) -> pd.DataFrame:
    """The metric in parts of the examples, a row each: slice_kind, slice, examples, value, low, high (95 %, bootstrap
    over dialogues). A part without examples has no row. Raises `UnknownNameError` for a metric that is not there."""
    values, dialogues = _values(record, metric), np.array(record.dialogues)
    rows = []
    for kind, labels, parts in (
        (MENTIONED, ["0", "1", "2", "3 or more"], np.minimum(record.mentioned, 3)),
        (POPULARITY, *_thirds(record.popularity, ("Rarely named", "Sometimes named", "Often named"), "times")),
        (LENGTH, *_thirds(record.words, ("Short", "Medium", "Long"), "words")),
    ):
        for part, label in enumerate(labels):
            chosen = parts == part  # [N]
            if chosen.any():
                interval = bootstrap_interval(values[chosen], dialogues[chosen], seed=0)
                rows.append((kind, label, int(chosen.sum()), values[chosen].mean(), *interval))
    return pd.DataFrame(rows, columns=["slice_kind", "slice", "examples", "value", "low", "high"])


def _thirds(
    numbers: NDArray[np.integer | np.floating], names: tuple[str, str, str], unit: str
) -> tuple[list[str], NDArray[np.int64]]:
    """Labels of the lower, middle and upper third, and the third of each number, [N]. Equal numbers stay together."""
    low, high = np.quantile(numbers, [1 / 3, 2 / 3], method="inverted_cdf")
    labels = [f"{names[0]} (up to {low:,.0f} {unit})", f"{names[1]} (up to {high:,.0f})", f"{names[2]} (more)"]
    return labels, np.searchsorted([low, high], numbers)


def most_recommended(records: Mapping[str, Record], top: int = 12) -> pd.DataFrame:
    """For the movies that any of the runs recommends most: the share of its wishes whose first ten hold the movie.

    Rows are catalogue indices, the largest share first, `top` of them; columns are the runs. Raises `RecommenderError`
    when the runs rank different catalogues.
    """
    if len({record.catalog for record in records.values()}) > 1:
        raise RecommenderError(
            "These runs rank different catalogues, so their recommendations cannot be set side by side."
        )
    shares = {name: _shares(record.rankings[:, :KEPT]) for name, record in records.items()}
    table = pd.DataFrame(shares).fillna(0.0).sort_index()
    return table.loc[table.max(axis=1).sort_values(ascending=False, kind="stable").index[:top]]


def _shares(rankings: NDArray[np.int32]) -> "pd.Series[float]":
    """Movie -> share of the rankings [N, K] that hold it."""
    movies, counts = np.unique(rankings[rankings >= 0], return_counts=True)
    return pd.Series(counts / max(len(rankings), 1), index=movies)
