"""The tabs on single wishes: results by kind of wish, and the wishes on which two runs differ most."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.compare.cached import catalog_for, records_of, slices_of, wishes_of
from pages.shared.charts import draw
from pages.shared.text import plain
from recommender.compare import words
from recommender.compare.entries import MEASURES
from recommender.compare.figures import slice_figure
from recommender.compare.view import View
from recommender.data.examples import SEPARATOR
from recommender.errors import RecommenderError
from recommender.evaluation.comparison import furthest_apart
from recommender.evaluation.records import KEPT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recommender.data.catalog import Catalog
    from recommender.data.examples import Example
    from recommender.evaluation.records import Record

WISHES = 20  # offered, furthest apart first
EXPLAINED = {
    0: "Does a run depend on the movies in the wish, or does it use the words?",
    1: "Popular targets are easy: a run that only learned popularity is good at nothing else.",
    2: "Longer wishes say more, if a run can use them.",
}


def draw_slices(view: View) -> None:
    frames = slices_of(view) if view.measured else {}
    _, missing = records_of(view) if view.measured else ({}, {})
    for problem in missing.values():
        st.caption(plain(problem))
    if not frames:
        st.info("There are no per-wish results. Evaluate the runs again to get them.")
        return
    measure = MEASURES[view.measure]
    kinds = dict.fromkeys(kind for frame in frames.values() for kind in frame["slice_kind"])
    for place, kind in enumerate(kinds):
        st.header(kind, anchor=False)
        st.caption(EXPLAINED[place])
        draw(
            lambda look, kind=kind: slice_figure(view, frames, kind, look),
            key=f"slices-{place}",
            alt=words.slices(frames, kind, measure),
        )
    st.caption("Error bars: 95 % of 1,000 bootstrap samples. Where they overlap widely, runs may not differ.")


def draw_wishes(view: View) -> None:
    """The wishes in which the base and another run differ most, with both top tens."""
    records, missing = records_of(view) if view.measured else ({}, {})
    others = [run_id for run_id in records if run_id != view.base]
    for problem in missing.values():
        st.caption(plain(problem))
    if view.base not in records or not others:
        st.info("This needs two runs with per-wish results. Choose or evaluate another one.")
        return
    other = st.selectbox("Run to compare with the base", others, key="compare-other")
    base_record, other_record = records[view.base], records[other]
    try:
        apart = furthest_apart(base_record, other_record, view.measure, WISHES)
        catalogs = [catalog_for(view.entry(run_id), records[run_id]) for run_id in (view.base, other)]
    except RecommenderError as error:
        st.warning(plain(str(error)))
        return
    if not len(apart):
        st.info(plain(f"{view.base} and {other} agree on every wish."))
        return
    examples, problem = _words_of(view, base_record, catalogs[0])
    if problem:
        st.info(plain(problem), icon=":material/info:")
    base_values, other_values = base_record.values[view.measure], other_record.values[view.measure]

    def name(place: int) -> str:
        index = apart[place]
        return f"{place + 1}. {view.base} {base_values[index]:.2f}, {other} {other_values[index]:.2f}"

    chosen = st.selectbox(
        f"Wishes with the largest difference in {MEASURES[view.measure]}",
        range(len(apart)),
        format_func=name,
        key="compare-wish",
    )
    index = int(apart[chosen])
    example = examples[index] if examples else None
    if example:
        _draw_wish(example, catalogs[0])
    for column, run_id, catalog in zip(st.columns(2), (view.base, other), catalogs, strict=True):
        with column:
            value = records[run_id].values[view.measure][index]
            st.markdown(f"**{plain(run_id)}** {plain(f'{MEASURES[view.measure]} {value:.2f}')}")
            _draw_ranking(records[run_id].rankings[index, :KEPT], records[run_id].found[index, :KEPT], catalog)


def _words_of(view: View, record: "Record", catalog: "Catalog") -> "tuple[list[Example], str]":
    """The wishes of the record, or why they cannot be shown."""
    try:
        return wishes_of(view, record, catalog), ""
    except RecommenderError as error:
        return [], str(error)


def _draw_wish(example: "Example", catalog: "Catalog") -> None:
    with st.container(border=True):
        st.text(example.text.replace(SEPARATOR, "\n"))
        for label, movie_ids in (("Mentioned", example.mentioned), ("Targets", example.targets)):
            if movie_ids:
                st.caption(plain(f"{label}: {', '.join(catalog.by_id(movie_id).name for movie_id in movie_ids)}"))


def _draw_ranking(ranking: "NDArray[np.int32]", found: "NDArray[np.bool_]", catalog: "Catalog") -> None:
    lines = []
    for rank, (place, is_target) in enumerate(zip(ranking, found, strict=True), start=1):
        if place < 0:
            break
        movie = catalog[int(place)]
        line = f"{rank}\\. {plain(movie.name)}"
        lines.append(f":material/check_circle: **{line}** :small[target]" if is_target else line)
    st.markdown("  \n".join(lines))
