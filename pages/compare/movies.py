"""What the runs recommend, besides being right or not: how much of the catalogue, and which movies most."""

import streamlit as st

from pages.compare.cached import records_of, shares_of
from pages.compare.lists import draw_lists
from pages.shared.charts import draw
from pages.shared.text import plain
from recommender.charts.comparison import heat_map
from recommender.compare import words
from recommender.compare.view import View
from recommender.errors import RecommenderError


def draw_movies(view: View) -> None:
    if not view.measured:
        st.info("There is nothing measured to show.")
        return
    draw_lists(view)
    draw_most_recommended(view)


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
