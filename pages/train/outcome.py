"""The outcome of a run: metrics beside the baselines, or why it failed and what to change."""

import pandas as pd
import streamlit as st

from pages.shared.callback import whole
from pages.shared.setup import Key
from pages.shared.text import plain
from pages.train.curves import best_of
from pages.train.runs import Seen, draw_actions, errors_shown, outcome
from recommender.compare.curves import METRICS
from recommender.compare.entries import Entry, read_entry
from recommender.errors import RecommenderError
from recommender.runs.folder import Run
from recommender.settings import settings
from recommender.training import advice, job
from recommender.wording import BASELINE_NAMES


def draw_outcome(seen: Seen) -> None:
    """The result of the run so far, and the actions on it."""
    status = seen.status
    if status and not seen.alive:
        if status.state == "failed":
            st.error(plain(f"The run failed. {status.reason}"), icon=":material/error:")
        elif status.state == "interrupted":
            st.warning(plain(f"Interrupted: {status.reason}."), icon=":material/report:")
        elif status.state == "stopped":
            st.info("Stopped on request.", icon=":material/pause_circle:")
        if status.state != "finished":
            draw_advice(seen.run)
        draw_numbers(seen.run)
    with st.container(horizontal=True):
        if status and not seen.alive:
            draw_next(seen.run)
        draw_actions(seen)
    if status and status.state == "finished" and _advice(seen.run):
        with st.expander("How to improve it"):
            draw_advice(seen.run)


def draw_advice(run: Run) -> None:
    """Suggested changes, each with a button that starts a new run with it; only the text in read-only mode.

    Advice without a change is to resume, which has its own button.
    """
    for number, item in enumerate(_advice(run)):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/lightbulb: {plain(item.text)}", width="stretch")
            if item.overrides and not settings().read_only:
                key = f"advice-{run.run_id}-{number}"
                st.button(plain(item.label), key=key, on_click=restart, args=(run.run_id, list(item.overrides)))


def _advice(run: Run) -> list[advice.Advice]:
    try:
        return advice.advise(run)
    except RecommenderError:
        return []  # the damaged file is reported in place of the curves


@whole
def restart(run_id: str, overrides: list[str]) -> None:
    after = outcome()
    with errors_shown(after):
        made = job.restart(Run(settings().checkpoints_dir / run_id), overrides, settings())
        after[Key.TRAIN_RUN] = made.run_id


def draw_numbers(run: Run) -> None:
    """Validation metrics of the best epoch; nothing before there is one."""
    try:
        entry = read_entry(run)
    except RecommenderError:
        return  # the damaged file is reported in place of the curves
    own, intervals = _numbers(entry)
    if not own:
        return
    table = {
        title: {"This run": _with_interval(own.get(metric), intervals.get(metric))} for metric, title in METRICS.items()
    }
    around = entry.validation_baselines
    for name, words in BASELINE_NAMES.items():
        if name in around:
            for metric, title in METRICS.items():
                table[title][words] = _with_interval(around[name].get(metric), None)
    st.table(
        pd.DataFrame(table).rename_axis("on validation"),
        alt="The run's nDCG@10 and Recall@10 on validation, beside popularity, copy and item-kNN.",
    )


def _numbers(entry: Entry) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """The run's means and their intervals: from its validation report, else from its log."""
    if entry.validation:
        return entry.validation.metrics, entry.validation.intervals
    best = best_of(entry.run) or {}
    return {metric: best[f"eval_{metric}"] for metric in METRICS if f"eval_{metric}" in best}, {}


def _with_interval(value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None:
        return "–"
    return f"{value:.4f} ({interval[0]:.4f} to {interval[1]:.4f})" if interval else f"{value:.4f}"


def draw_next(run: Run) -> None:
    """Buttons to use the run on Recommend, or to compare it."""
    if run.has_weights and st.button(
        "Use this model", icon=":material/movie:", type="primary", key=f"ask-{run.run_id}"
    ):
        st.session_state[Key.RUN_ID] = run.run_id
        st.switch_page("recommend.py")
    if best_of(run) and st.button("Compare", icon=":material/balance:", key=f"compare-{run.run_id}"):
        st.session_state[Key.COMPARE_RUNS] = [run.run_id]
        st.switch_page("compare.py")
