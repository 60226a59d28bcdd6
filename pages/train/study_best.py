"""The best trial of a study: save its settings as a preset, or train with them."""

import pandas as pd
import streamlit as st

from pages.shared.callback import whole
from pages.shared.setup import Key
from pages.shared.text import plain
from pages.train.form import PRESET, fresh_name
from pages.train.plan import PROGRESS
from pages.train.runs import errors_shown, outcome
from pages.train.study_live import names_of
from recommender.config.presets import preset_names
from recommender.config.values import value_of
from recommender.settings import settings
from recommender.training import job as runs
from recommender.tuning import job
from recommender.tuning.view import StudyView
from recommender.wording import numbered


def draw_best(view: StudyView) -> None:
    best = view.best
    if best is None:
        return
    st.subheader("The best settings so far", anchor=False)
    names = names_of(best.params)
    table = {
        "Best trial": {plain(names[path]): _readable(value) for path, value in best.params.items()},
        "Before": {plain(names[path]): _readable(value_of(view.base, path)) for path in best.params},
    }
    st.table(pd.DataFrame(table).rename_axis("setting"), alt="The searched settings: best trial and before.")
    if settings().read_only:
        return
    if saved := st.session_state.pop(Key.TRAIN_SAVED, None):
        st.success(plain(f"The preset {saved} is saved and selected under New run."), icon=":material/check:")
    with st.container(horizontal=True):
        with st.popover("Save as a preset", icon=":material/bookmark_add:", type="primary", key=f"keep-{view.name}"):
            key = f"preset-name-{view.name}"
            if key not in st.session_state:
                st.session_state[key] = numbered(f"{view.name}-tuned", preset_names())
            st.text_input("Name of the preset", key=key, max_chars=64)
            st.button("Save", key=f"save-{view.name}", on_click=save, args=(view.name,))
        st.button("Train it", icon=":material/play_arrow:", on_click=train, args=(view.name,))


def _readable(value: object) -> str:
    if value is None:
        return "–"
    return plain(f"{value:.4g}" if isinstance(value, float) else str(value))


@whole
def save(study: str) -> None:
    key = f"preset-name-{study}"
    name, after = st.session_state[key].strip(), outcome()
    with errors_shown(after):
        job.keep_best(study, name, settings())
        after |= {Key.TRAIN_SAVED: name, PRESET: name}
        after[key] = numbered(f"{study}-tuned", preset_names())


@whole
def train(study: str) -> None:
    """Start or queue a run with the settings of the best trial."""
    after = outcome()
    with errors_shown(after):
        run = runs.start(job.best_config(study, settings()), fresh_name(f"{study}-tuned"), settings())
        after |= {Key.TRAIN_RUN: run.run_id, Key.TRAIN_TAB: PROGRESS}
