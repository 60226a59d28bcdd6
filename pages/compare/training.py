"""How the runs got there: losses and validation measures over the epochs."""

import streamlit as st

from pages.shared.charts import draw
from pages.shared.text import plain
from recommender.compare import words
from recommender.compare.curves import EVALUATIONS, LOGGED
from recommender.compare.figures import curve_figure, curves_of
from recommender.compare.view import View


def draw_training(view: View) -> None:
    shown = {key: name for key, name in (EVALUATIONS | LOGGED).items() if curves_of(view, key)}
    if not shown:
        st.info("No epoch of these runs is on record.")
        return
    st.caption(plain(words.validated(view)))
    references = st.toggle("Compare with baselines and published values", key="compare-references")
    for key, name in shown.items():
        st.header(name, anchor=False)
        if key in LOGGED:
            st.caption("Trainers weigh answers differently: compare the shape of a loss, not its height.")
        draw(
            lambda look, key=key, name=name: curve_figure(view, key, name, look, references),
            key=f"curve-{key}",
            alt=words.curves(view, key, name),
        )
