"""The curves of one run, drawn from its log."""

from pathlib import Path
from typing import Any

import streamlit as st

from pages.shared.charts import draw
from recommender.charts.training import Reference, training_curve, validation_curve
from recommender.compare.curves import LOGGED, METRICS
from recommender.compare.entries import Entry
from recommender.compare.table import published_beside
from recommender.errors import RecommenderError
from recommender.runs.folder import SELECTION_METRIC, Run, best_row
from recommender.runs.metrics_log import MetricsLog
from recommender.wording import BASELINE_NAMES

MEANINGS = (
    "After every epoch the model ranks all movies for held-out wishes. **nDCG@10** is high when the targets are near "
    "the top of the first ten, **Recall@10** is the share of the targets among the first ten. Dashed lines: baselines "
    "on the same wishes, and published figures, measured on other wishes. Training minimises the **loss**."
)

Rows = list[dict[str, Any]]


def metrics_of(run: Run) -> Rows:
    """The run's log; read incrementally, and shared by all sessions."""
    return _log(str(run.metrics_file)).rows()


@st.cache_resource(max_entries=4, show_spinner=False)
def _log(path: str) -> MetricsLog:
    return MetricsLog(Path(path))


def best_of(run: Run) -> dict[str, Any] | None:
    """The evaluation row of the best epoch, cached for long lists of runs."""
    if not run.metrics_file.is_file():
        return None
    facts = run.metrics_file.stat()
    try:
        return _best(str(run.folder), facts.st_size, facts.st_mtime)
    except RecommenderError:  # what is wrong is told where the run itself is shown
        return None


@st.cache_data(max_entries=200, show_spinner=False)
def _best(folder: str, size: int, changed: float) -> dict[str, Any] | None:
    return best_row(Run(Path(folder)).metrics())


def draw_curves(entry: Entry, rows: Rows) -> None:
    """nDCG@10 in full width, since it selects the epoch; below it the other curves in two columns."""
    _draw_validation(entry, rows, SELECTION_METRIC)
    parts = {key: title for key, title in LOGGED.items() if any(key in row for row in rows)}
    left, right = st.columns(2)
    with left:
        _draw_validation(entry, rows, "recall@10")
    for place, (key, title) in enumerate({**parts, "learning_rate": "Learning rate"}.items(), start=1):
        if place % 2 == 0:
            left, right = st.columns(2)
        with right if place % 2 else left:
            _draw_training(entry.run, rows, key, title)
    with st.expander("What the curves mean"):
        st.markdown(MEANINGS)


def _draw_validation(entry: Entry, rows: Rows, metric: str) -> None:
    title, lines = METRICS[metric], references(entry, metric)
    draw(
        lambda look: validation_curve(rows, f"eval_{metric}", f"{title} on {entry.validated_on.split}", lines, look),
        key=f"{entry.run_id}-{metric}",
        alt=_validation_in_words(rows, metric, f"{title} on {entry.validated_on.split}", lines),
    )


def _draw_training(run: Run, rows: Rows, key: str, title: str) -> None:
    draw(
        lambda look: training_curve(rows, key, title, look),
        key=f"{run.run_id}-{key}",
        alt=_training_in_words(rows, key, title),
    )


def references(entry: Entry, metric: str) -> list[Reference]:
    """The baselines on the run's own validation wishes, and the best of each publication under its protocol."""
    lines = [
        Reference(BASELINE_NAMES[name], values[metric])
        for name, values in entry.validation_baselines.items()
        if name in BASELINE_NAMES and metric in values
    ]
    best: dict[str, float] = {}
    # Others publish their Recall for the test split only.
    for row in published_beside(entry.validated_on) if metric == SELECTION_METRIC else ():
        if metric in row.values:
            source = row.name.partition(",")[0]
            best[source] = max(best.get(source, 0.0), row.values[metric])
    return lines + [Reference(source, value) for source, value in best.items()]


def _validation_in_words(rows: Rows, metric: str, title: str, lines: list[Reference]) -> str:
    best = best_row(rows)
    said = f"Line chart of {title} after every epoch. "
    if best:
        said += f"Best epoch {best.get('epoch', 0):.0f}: {best.get(f'eval_{metric}', 0):.4f}. "
    else:
        said += "No epoch is finished yet. "
    return said + " ".join(f"{line.name}: {line.value:.4f}." for line in lines)


def _training_in_words(rows: Rows, key: str, title: str) -> str:
    values = [row[key] for row in rows if key in row]
    if not values:
        return f"Line chart of {title.lower()}, empty so far."
    return f"Line chart of {title.lower()} over the epochs, from {values[0]:.3g} to {values[-1]:.3g}."
