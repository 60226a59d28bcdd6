"""The runs that the user can choose, and their engines."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.imports import LOADING, import_slow
from recommender.errors import RecommenderError
from recommender.query.additions import stamp
from recommender.runs.folder import DEFAULT_RUN, SHIPPED_RECORDS, Run, list_runs
from recommender.settings import settings

if TYPE_CHECKING:  # it imports torch, and the page is drawn before that is done
    from recommender.query.engine import Engine


def offered_runs() -> list[Run]:
    """Runs with weights, and finished runs that lack them; the default run first, then by name."""
    every = [run for run in list_runs(settings()) if run.run_id not in SHIPPED_RECORDS]
    runs = [run for run in every if run.has_weights or _finished(run)]
    return sorted(runs, key=lambda run: (run.run_id != DEFAULT_RUN, run.run_id))


def _finished(run: Run) -> bool:
    try:
        return run.status().state == "finished"
    except RecommenderError:
        return False


def describe(run: Run) -> str:
    """`"default (MiniLM with attention)"`; only the name where the configuration cannot be read. A run that learned
    from the sample says so: its answers are no better than the sample."""
    try:
        description = run.config().description
        on_sample = run.status().source_kind == "sample"
    except RecommenderError:
        return run.run_id
    named = f"{run.run_id} ({description})" if description else run.run_id
    return f"{named}, trained on the synthetic sample" if on_sample else named


def engine_of(run: Run) -> "Engine":
    """The run's engine, shared by all sessions; reloaded when the weights change or a movie is added.

    Raises `CheckpointError`.
    """
    return _load(str(run.folder), run.stamp, stamp(settings()))


@st.cache_resource(max_entries=4, show_spinner=False)
def _load(folder: str, weights: float, added: tuple[int, int]) -> "Engine":
    import_slow()
    from recommender.query.engine import Engine

    with LOADING:  # transformers imports more when it loads a model
        return Engine(Run(Path(folder)), settings())
