"""What the runs recommend, besides being right or not: how much of the catalogue, and which movies most."""

import streamlit as st

from pages.parts.compare_cached import records_of, shares_of
from pages.shared.charts import draw
from pages.shared.text import plain
from recommender.charts.comparison import heat_map, small_bars
from recommender.compare import words
from recommender.compare.entries import MEASURES
from recommender.compare.figures import BEYOND, bars, beyond_bars, beyond_figure
from recommender.compare.view import View
from recommender.errors import RecommenderError


def draw_movies(view: View) -> None:
    if not view.measured:
        st.info("There is nothing measured to show.")
        return
    draw_beyond(view)
    draw_most_recommended(view)


def draw_beyond(view: View) -> None:
    st.header("Besides being right", anchor=False)
    known = [name for name in BEYOND if beyond_bars(view, name)]
    if not known:
        st.info("These runs were measured by an older version, which did not count this. Evaluate them again.")
        return
    measure = MEASURES[view.measure]
    rows = [st.columns(2) for _ in range(1 + len(known) // 2)]
    with rows[0][0]:
        st.markdown(f"**{measure}**")
        st.caption("How right the first ten are.")
        draw(lambda look: small_bars(look, bars(view), ".4f"), key="beyond-measure", alt=words.best(view))
    for place, name in enumerate(known, start=1):
        title, _, meaning = BEYOND[name]
        with rows[place // 2][place % 2]:
            st.markdown(f"**{title}**")
            st.caption(plain(meaning[0].upper() + meaning[1:] + "."))
            draw(
                lambda look, name=name: beyond_figure(view, name, look),
                key=f"beyond-{name}",
                alt=words.beyond(view, name),
            )


def draw_most_recommended(view: View) -> None:
    st.header("Which movies they recommend most", anchor=False)
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
        "In how many of 100 wishes a movie stands in the first ten. A column of high numbers is a model that gives "
        "everybody the same movies, whatever they ask for."
    )
    draw(lambda look: heat_map(look, shares), key="most-recommended", alt=words.most_recommended(shares))
