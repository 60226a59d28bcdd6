"""The Train page: start a run, follow runs, tune settings with studies."""

import streamlit as st

from pages.shared.setup import Key, set_up
from pages.shared.text import plain
from pages.train.form import draw_form
from pages.train.live import draw_live, states_of
from pages.train.outcome import draw_outcome
from pages.train.plan import PROGRESS, draw_device, draw_plan
from pages.train.runs import Seen, choose_run, draw_others, draw_state, seen_runs, take_over
from pages.train.studies import TUNE, draw_studies
from recommender.errors import RecommenderError
from recommender.runs.folder import SHIPPED_RUNS, list_runs
from recommender.settings import settings

NEW = "New run"


def main() -> None:
    set_up("Train")
    take_over()
    st.title("Train", anchor=False)
    st.write("Train a model and follow its progress.")
    with st.container():  # always present, so that an error does not move the tabs
        if problem := st.session_state.pop(Key.TRAIN_PROBLEM, None):
            st.error(plain(problem), icon=":material/error:")
    runs = seen_runs()
    if settings().read_only:
        st.info(
            "This is a public demo: you can look at every run, but not start, stop or delete one.",
            icon=":material/lock:",
        )
    else:
        st.session_state.setdefault(Key.TRAIN_TAB, PROGRESS if any(seen.alive for seen in runs) else NEW)
    drawn = {NEW: draw_new, PROGRESS: draw_progress, TUNE: lambda _: draw_studies()}
    if settings().read_only:
        del drawn[NEW]
    for tab, draw_tab in zip(st.tabs(list(drawn), key=Key.TRAIN_TAB, on_change="rerun"), drawn.values(), strict=True):
        if tab.open:
            with tab:
                draw_tab(runs)


def draw_new(runs: list[Seen]) -> None:
    device, form, plan = st.container(), st.container(), st.container()
    try:
        with form:
            draw_form()
        with plan:
            draw_plan(runs)
    except RecommenderError as error:  # a preset of the user's own that cannot be read
        with plan:
            st.error(plain(str(error)), icon=":material/error:")
    with device:
        draw_device()


def draw_progress(runs: list[Seen]) -> None:
    head, live, others = st.container(), st.container(), st.container()
    with head:
        if all(seen.run_id in SHIPPED_RUNS for seen in runs):
            draw_empty()
        if not runs:
            return
        shown = choose_run(runs)
        draw_state(shown)
        draw_outcome(shown)
    drawn = {seen.run_id: seen.state for seen in runs}
    with live:
        draw_live(shown.run, drawn, lambda: states_of(list_runs(settings())))
    with others:
        draw_others(runs, shown)


def draw_empty() -> None:
    todo = f"Choose a preset under **{NEW}** and press **Start training**. Its curves appear here while it trains."
    st.info(f"You have no runs yet. {'' if settings().read_only else todo}", icon=":material/show_chart:")


main()
