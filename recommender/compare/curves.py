"""What the runs logged while they trained, as curves over epochs."""

from collections.abc import Sequence

import pandas as pd

from recommender.charts.training import series
from recommender.compare.entries import Entry

LOSSES = {"movie_loss": "Movie loss", "tag_loss": "Tag loss"}
EVALUATIONS = {"eval_ndcg@10": "nDCG@10", "eval_recall@10": "Recall@10"}


def curve_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """Every point of every curve, one a line: for the CSV file."""
    rows = [
        (entry.run_id, entry.config.protocol, name, epoch, value)
        for entry in entries
        for key, name in (LOSSES | EVALUATIONS).items()
        for epoch, value in zip(*series(entry.rows, key), strict=True)
    ]
    return pd.DataFrame(rows, columns=["run", "protocol", "measure", "epoch", "value"])
