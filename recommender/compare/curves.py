"""Training logs as curves over epochs."""

from collections.abc import Sequence

import pandas as pd

from recommender.charts.training import series
from recommender.compare.entries import MEASURES, Entry

LOGGED = {
    "movie_loss": "Movie loss",
    "tag_loss": "Tag loss",
    "movie_gradient": "Gradient norm of the movie loss at the encoder",
    "tag_gradient": "Gradient norm of the tag loss at the encoder",
}
METRICS = {name: MEASURES[name] for name in ("ndcg@10", "recall@10")}  # those with a curve
EVALUATIONS = {f"eval_{name}": words for name, words in METRICS.items()}


def curve_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """All points of all curves, one per row, for the CSV file."""
    rows = [
        (entry.run_id, entry.config.protocol, name, epoch, value)
        for entry in entries
        for key, name in (LOGGED | EVALUATIONS).items()
        for epoch, value in zip(*series(entry.rows, key), strict=True)
    ]
    return pd.DataFrame(rows, columns=["run", "protocol", "measure", "epoch", "value"])
