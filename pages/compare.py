"""The Compare page: runs side by side, beside baselines and published figures."""

import streamlit as st

from pages.compare.choice import draw_choice, draw_notices
from pages.compare.export import draw_export
from pages.compare.movies import draw_movies
from pages.compare.results import draw_results, draw_training
from pages.compare.wishes import draw_slices, draw_wishes
from pages.shared.setup import finish_imports, set_up
from recommender.compare.entries import read_entries
from recommender.runs.folder import list_runs
from recommender.settings import settings

TABS = {
    "Results": draw_results,
    "Training": draw_training,
    "Kinds of wishes": draw_slices,
    "Movies": draw_movies,
    "Single wishes": draw_wishes,
    "Export": draw_export,
}


def main() -> None:
    set_up("Compare")
    st.title("Compare", anchor=False)
    st.write("Compare models: how good they are, how certain that is, and what they recommend.")
    finish_imports()
    entries, damaged = read_entries(list_runs(settings()))
    view = draw_choice(entries, damaged)
    draw_notices(view, entries, damaged)
    if view is None:
        return
    # Only the open tab is computed and sent.
    for tab, draw_tab in zip(st.tabs(list(TABS), key="compare-tab", on_change="rerun"), TABS.values(), strict=True):
        if tab.open:
            with tab:
                draw_tab(view)


main()
