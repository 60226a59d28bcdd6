"""Studies: many short runs that search for better settings. The list, and the form for a new one."""

import streamlit as st

from pages.shared.callback import whole
from pages.shared.setup import Key, finish_imports
from pages.shared.text import plain
from pages.train.runs import errors_shown, outcome
from pages.train.study_best import draw_best
from pages.train.study_live import draw_study, names_of
from recommender.errors import RecommenderError
from recommender.settings import settings
from recommender.tuning import job
from recommender.tuning.search import Choice, Search, load_search, search_names
from recommender.tuning.view import read_study, study_names
from recommender.wording import numbered

TUNE = "Tune"  # label of the tab
SEARCH, TRIALS, NAME = "tune:search", "tune:trials", "tune:name"  # widget keys, the last two for each search


def draw_studies() -> None:
    finish_imports()
    try:
        names = study_names(settings())
        if not names:
            draw_empty()
        if not settings().read_only:
            draw_new(names)
        if names:
            draw_chosen(names)
    except RecommenderError as error:
        st.error(plain(str(error)), icon=":material/error:")


def draw_empty() -> None:
    todo = " Choose a search below and press **Start study**." if not settings().read_only else ""
    st.info(
        "No study yet. A study trains one preset many times with different settings, stops bad trials early, and can "
        f"save the best settings as a preset.{todo}",
        icon=":material/tune:",
    )


def draw_new(names: list[str]) -> None:
    with st.expander("New study", icon=":material/add:", expanded=not names):
        searches = search_names()
        search = st.selectbox("Search", searches, key=SEARCH, persist_state="session")
        found = load_search(search)
        st.caption(plain(f"{found.description}."))
        st.caption(plain(_in_words(found)))
        left, right = st.columns(2)
        with left:
            key = f"{NAME}:{search}"
            if key not in st.session_state:
                st.session_state[key] = numbered(search, names)
            st.text_input("Name of the study", key=key, max_chars=48, persist_state="session")
        with right:
            st.number_input(
                "Trials", min_value=1, value=found.trials, step=1, key=f"{TRIALS}:{search}", persist_state="session"
            )
        st.button("Start study", icon=":material/play_arrow:", type="primary", on_click=start)
        st.caption("Trials and runs take turns, one at a time. They continue if you close this page.")


def _in_words(search: Search) -> str:
    """The searched settings and their ranges."""
    said, names = [], names_of(search.space)
    for path, kind in search.space.items():
        values = ", ".join(map(str, kind.values)) if isinstance(kind, Choice) else f"{kind.low:g} to {kind.high:g}"
        said.append(f"{names[path]} ({values})")
    return f"Starts from the preset {search.preset} and varies: {', '.join(said)}."


@whole
def start() -> None:
    search, after = st.session_state[SEARCH], outcome()
    name, trials = st.session_state[f"{NAME}:{search}"].strip(), st.session_state[f"{TRIALS}:{search}"]
    with errors_shown(after):
        job.start(name, search, trials, settings())
        after |= {Key.TRAIN_STUDY: name, Key.TRAIN_TAB: TUNE}
        after[f"{NAME}:{search}"] = numbered(search, study_names(settings()))


def draw_chosen(names: list[str]) -> None:
    if st.session_state.get(Key.TRAIN_STUDY) not in names:
        st.session_state[Key.TRAIN_STUDY] = names[0]
    name = st.selectbox("Study", names, key=Key.TRAIN_STUDY, persist_state="session")
    top, below = st.container(), st.container()  # the part that redraws itself is above
    view = read_study(name, settings())
    with below:
        draw_best(view)
    with top:
        draw_study(view)
