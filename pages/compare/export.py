"""Downloads of the comparison: HTML report, tables, curves."""

from datetime import datetime
from urllib.parse import quote

import pandas as pd
import streamlit as st

from pages.compare.cached import differences_of, lists_of, records_of, shares_of, slices_of, targets_popularity_of
from pages.compare.movies import at_chosen_cutoff
from recommender.compare.curves import curve_table
from recommender.compare.table import as_csv, results
from recommender.compare.view import View
from recommender.errors import RecommenderError


def draw_export(view: View) -> None:
    st.write("Everything on these tabs except single wishes, as files that work without this app and offline.")
    with st.container(horizontal=True):
        st.download_button(
            "Report (HTML)",
            lambda: make_report(view),
            "comparison.html",
            "text/html",
            icon=":material/description:",
            on_click="ignore",
            help="One file of about 5 MB with all tables and figures. Opens offline in any browser.",
        )
        if view.measured:
            st.download_button(
                "Table (CSV)",
                lambda: make_table(view),
                "comparison.csv",
                "text/csv",
                icon=":material/table:",
                on_click="ignore",
            )
        st.download_button(
            "Curves (CSV)",
            lambda: as_csv(curve_table(view.entries)),
            "curves.csv",
            "text/csv",
            icon=":material/show_chart:",
            on_click="ignore",
        )
    st.caption("To save a single figure, point at it and press the camera icon in its corner. The file is an SVG.")
    names = ",".join(entry.run_id for entry in view.entries)
    st.caption("A link that opens this comparison:")
    st.code(f"{(st.context.url or '/compare').partition('?')[0]}?runs={quote(names, safe=',')}", None, wrap_lines=True)


def make_report(view: View) -> str:
    from recommender.compare.report import comparison_report

    made = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    if not view.measured:
        return comparison_report(view, {}, {}, {}, None, pd.DataFrame(), made)
    view = at_chosen_cutoff(view)
    differences, slices, lists = differences_of(view), slices_of(view), lists_of(view)
    return comparison_report(view, differences, slices, lists, targets_popularity_of(view), _shares(view), made)


def make_table(view: View) -> str:
    view = at_chosen_cutoff(view)
    return as_csv(results(view, differences_of(view), lists_of(view)))


def _shares(view: View) -> pd.DataFrame:
    """Empty if the runs have no rankings in common; the Movies tab says why."""
    try:
        return shares_of(view) if records_of(view)[0] else pd.DataFrame()
    except RecommenderError:
        return pd.DataFrame()
