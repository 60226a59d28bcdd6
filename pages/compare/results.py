"""The Results and Training tabs: tests, tables and best values; losses and metrics by epoch."""

import pandas as pd
import streamlit as st

from pages.compare.cached import differences_of
from pages.shared.charts import draw
from pages.shared.text import plain
from recommender.compare import words
from recommender.compare.curves import EVALUATIONS, LOGGED
from recommender.compare.differences import Difference
from recommender.compare.entries import MEASURES
from recommender.compare.figures import best_figure, curve_figure, curves_of
from recommender.compare.table import costs, published, published_notes, scores
from recommender.compare.view import View


def _icon(found: Difference) -> str:
    if found.paired is None or not found.shown:
        return "drag_handle"
    return "trending_up" if found.paired.difference > 0 else "trending_down"


def draw_results(view: View) -> None:
    if not view.measured:
        st.info("None of these runs has been measured here. The Training tab shows their curves.")
        return
    differences = differences_of(view)
    with st.container(gap="xsmall"):
        for run_id, found in differences.items():
            sentence = found.sentence(run_id, view.base, MEASURES[view.measure])
            st.markdown(f":material/{_icon(found)}: {plain(sentence)}")
        for sentence in words.beaten_by_baselines(view):
            st.markdown(f":material/flag: {plain(sentence)}")
    draw_table(scores(view, differences), "Metrics of each run and of the baselines")
    st.caption(plain(words.how_tested(view)))
    draw(lambda look: best_figure(view, look), key=f"best-{view.measure}", alt=words.best(view))
    if not published(view).empty:
        st.header("Published by others", anchor=False)
        draw_table(published(view), "Published values under the same protocol")
        for note in published_notes(view):
            st.caption(plain(note))
    st.header("Models and costs", anchor=False)
    draw_table(costs(view), "Trainer, model, best epoch, time, memory and learned parameters of each run")
    st.caption(plain(words.trained_on(view)))


def draw_training(view: View) -> None:
    shown = {key: name for key, name in (EVALUATIONS | LOGGED).items() if curves_of(view, key)}
    if not shown:
        st.info("These runs have no logged epochs.")
        return
    st.caption(plain(words.validated(view)))
    references = st.toggle("Compare with baselines and published values", key="compare-references")
    for key, name in shown.items():
        st.header(name, anchor=False)
        if key in LOGGED:
            st.caption("Losses are weighted differently: compare their shapes, not their values.")
        draw(
            lambda look, key=key, name=name: curve_figure(view, key, name, look, references),
            key=f"curve-{key}",
            alt=words.curves(view, key, name),
        )


def draw_table(table: pd.DataFrame, alt: str) -> None:
    """The names stay in view when many columns are scrolled."""
    pinned = {table.columns[0]: st.column_config.TextColumn(pinned=len(table.columns) > 4)}
    st.dataframe(table, hide_index=True, column_config=pinned, alt=alt)
