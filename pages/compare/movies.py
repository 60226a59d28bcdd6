"""The Movies tab: coverage, diversity and the like at a cut-off, and the most recommended movies."""

from dataclasses import replace

import streamlit as st

from pages.compare.cached import cutoffs_for, lists_of, records_of, shares_of, targets_popularity_of
from pages.compare.results import draw_table
from pages.shared.charts import draw
from pages.shared.text import plain
from recommender.charts.comparison import heat_map
from recommender.compare import words
from recommender.compare.figures import list_bars, list_figure, popularity_figure
from recommender.compare.lists import SHOWN, USUAL, Lists
from recommender.compare.table import measure_table
from recommender.compare.view import View
from recommender.errors import RecommenderError
from recommender.evaluation.measures import measure_of

CUTOFF, PICTURES = "compare-cutoff", "compare-pictures"  # widgets


def draw_movies(view: View) -> None:
    if not view.measured:
        st.info("None of these runs has been measured here.")
        return
    draw_lists(view)
    draw_most_recommended(view)


def draw_lists(view: View) -> None:
    st.header("Beyond accuracy", anchor=False)
    offered = cutoffs_for(view)
    if not offered:
        st.info("These runs were measured by an older version, without these measures. Evaluate them again.")
        return
    _draw_cutoff(view, offered)
    view = at_chosen_cutoff(view)
    lists = lists_of(view)
    if list_bars(view, lists, "popularity"):
        _draw_popularity(view, lists)
    draw_table(measure_table(view, lists), f"Properties of each run's top {view.cutoff}")
    for sentence in words.unknown_of(view, lists, records_of(view)[0]):
        st.caption(plain(sentence))
    _draw_pictures(view, lists)


def at_chosen_cutoff(view: View) -> View:
    """The view at the chosen cut-off if these runs have it; else at ten, or the largest they have."""
    offered = cutoffs_for(view)
    chosen = st.session_state.get(CUTOFF)
    usual = USUAL if USUAL in offered else max(offered, default=USUAL)
    return replace(view, cutoff=chosen if chosen in offered else usual)


def _draw_cutoff(view: View, offered: list[int]) -> None:
    st.session_state[CUTOFF] = at_chosen_cutoff(view).cutoff
    if len(offered) > 1:
        st.select_slider(
            "Cut-off",
            offered,
            key=CUTOFF,
            width=376,
            help=f"How many ranks of each list count. Available for all of these runs: "
            f"{words.spans(offered)}. For more, measure each again: "
            f"`python -m recommender evaluate --run NAME --cutoff {2 * max(offered)}`.",
            persist_state="session",
        )


def _draw_popularity(view: View, lists: Lists) -> None:
    targets = targets_popularity_of(view)
    st.markdown("**Accurate, or just popular?**")
    st.caption(
        "Higher is more accurate. Further right is more popular: a run far to the right of the line recommends "
        "better-known movies than people asked for."
    )
    draw(
        lambda look: popularity_figure(view, lists, targets, look),
        key="lists-picture",
        alt=words.popularity(view, lists, targets),
    )


def _draw_pictures(view: View, lists: Lists) -> None:
    box = st.expander("A chart of each measure", key=PICTURES, on_change="rerun")
    if not box.open:
        return
    known = [name for name in SHOWN if list_bars(view, lists, name)]
    with box:
        for place in range(0, len(known), 2):
            for column, name in zip(st.columns(2), known[place : place + 2], strict=False):
                with column:
                    _draw_measure(view, lists, name)


def _draw_measure(view: View, lists: Lists, name: str) -> None:
    measure = measure_of(name)
    st.markdown(f"**{plain(measure.heading(view.cutoff))}**", help=plain(words.explained(view, lists, name)))
    draw(lambda look: list_figure(view, lists, name, look), key=f"lists-{name}", alt=words.lists(view, lists, name))


def draw_most_recommended(view: View) -> None:
    st.header("Most recommended movies", anchor=False)
    records, missing = records_of(view)
    for problem in missing.values():
        st.caption(plain(problem))
    if not records:
        return
    try:
        shares = shares_of(view)
    except RecommenderError as error:
        st.warning(plain(str(error)))
        return
    st.caption(
        "In how many of 100 wishes a movie is in the top ten. A column of high numbers is a model that gives everybody "
        "the same movies, whatever they ask for."
    )
    draw(lambda look: heat_map(look, shares), key="most-recommended", alt=words.most_recommended(shares))
