"""The form for a new run: data, preset, the settings that matter, the rest, and a name."""

from dataclasses import dataclass

import streamlit as st

from pages.shared.text import plain
from pages.train.fields import draft_of, draw_setting, key_of, read_config, read_settings
from recommender.config import DIALOGUE_PROTOCOLS, RunConfig
from recommender.config.base import Setting, titles_of_parts
from recommender.config.presets import load_preset, preset_names
from recommender.data.ratings import find_source
from recommender.data.redial import find_split
from recommender.errors import DataError
from recommender.runs.folder import RUN_ID, list_runs
from recommender.settings import settings
from recommender.wording import numbered

PRESET = "train:preset"  # widget key
SOURCE, DRAWN = "train:chosen-source", "train:drawn-preset"  # what the user chose, and for which preset it was drawn
FIRST = "frozen"  # the preset that any machine can train
COUNTED = ("protocol", "seed")  # what matters for a model that counts
LEARNED = ("training.epochs", "training.batch_size", "training.head_lr", "training.encoder_lr")
ABOVE = ("data.source", "description")  # the source has a place of its own, the description comes with the preset
PROTOCOLS = {
    "conversational": "Each turn of the recommender",
    "one_shot": "One wish, before any suggestion",
    "paper": "Whole dialogue, as in the 2024 paper",
    "notebook": "Whole dialogue, 2025 reproduction",
    "next_movie": "What a person watched (ratings)",
}
LEAKY = (
    "Under this rule more than a fifth of the answers already stand in the wish, "
    "so its numbers look better than the model is."
)
SOURCES = {
    "auto": "Automatic: real data, else sample",
    "folder": "Your data folder",
    "cache": "ReDial, downloaded before",
    "hub": "ReDial, downloaded now",
    "sample": "Synthetic sample",
}


@dataclass(frozen=True)
class Wanted:
    """What the form says now: a configuration, or the problems that keep it from being one."""

    preset: str
    name: str
    config: RunConfig | None
    problems: list[str]


def draw_form() -> None:
    source, choice = st.columns(2)
    with choice:
        preset = _draw_preset()
    start = load_preset(preset)
    with source:
        _draw_source(preset, start)
    st.caption(plain(f"{start.description}."))
    draft = draft_of(preset, start)
    _draw_source_here(draft.data.source, draft.protocol in DIALOGUE_PROTOCOLS)
    read = read_settings(draft)
    main = (*LEARNED, draft.model.dropout_path, *COUNTED) if draft.model.learns else COUNTED
    _draw_in_rows([read[path] for path in main if path in read], preset, start)
    if draft.protocol in ("paper", "notebook"):
        st.caption(LEAKY)
    rest = [setting for path, setting in read.items() if path not in (*main, *ABOVE)]
    _draw_advanced(rest, draft, preset, start)
    _draw_name(preset)


def read_form() -> Wanted:
    """Reads the widgets, also in a callback, where they are newer than the page."""
    preset = st.session_state.get(PRESET, FIRST)
    config, problems = read_config(preset, load_preset(preset))
    name = st.session_state.get(name_key(preset), "")
    return Wanted(preset, name, config, [*problems, *_name_problems(name)])


def name_key(preset: str) -> str:
    return key_of(preset, "name")


def fresh_name(preset: str) -> str:
    """The preset's own name, which presets that build on it look for, or that with a number."""
    return numbered(preset, {run.run_id for run in list_runs(settings())})


def source_here(source: str, of_dialogues: bool = True) -> str:
    """The source that `auto` will take, without reading or fetching it: folder, cache, hub or sample.

    Raises `DataError` for a folder with several files for a split, or without ratings where those are asked for.
    """
    here = settings()
    if not of_dialogues:
        return "sample" if find_source(source, here) is None else "folder"
    if source != "auto":
        return source
    if here.data_dir is not None:
        return "folder"
    cache = here.cache_dir / "redial"
    return "cache" if find_split(cache, "train") and find_split(cache, "test") else "hub"


def _draw_preset() -> str:
    names = [FIRST, *(name for name in preset_names() if name != FIRST)]
    preset: str = st.selectbox(
        "Preset",
        names,
        format_func=lambda name: f"{name} (quick, needs no graphics card)" if name == FIRST else name,
        key=PRESET,
        help="A whole set of settings, which you can change below.",
        persist_state="session",
    )
    return preset


def _draw_source(preset: str, start: RunConfig) -> None:
    """A source that was chosen stays chosen when the preset changes: nobody means to leave the sample by that."""
    key = key_of(preset, "data.source")
    if st.session_state.get(DRAWN) != preset and SOURCE in st.session_state:
        st.session_state[key] = st.session_state[SOURCE]
    draw_setting(read_settings(start)["data.source"], preset, start, SOURCES)
    st.session_state[DRAWN] = preset
    if SOURCE in st.session_state or st.session_state[key] != start.data.source:
        st.session_state[SOURCE] = st.session_state[key]


def _draw_source_here(source: str, of_dialogues: bool) -> None:
    """Says what the chosen source is on this machine; the sample is called one loudly."""
    name, what = ("ReDial", "dialogues") if of_dialogues else ("MovieLens", "ratings")
    try:
        found = source_here(source, of_dialogues)
    except DataError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    if found == "sample":
        st.warning(
            f"**Synthetic sample, NOT {name}.** Made-up {what} to try the app with. What a model scores on them says "
            "nothing about real people.",
            icon=":material/science:",
        )
    elif found == "folder" and settings().data_dir:  # without one the page says what is missing
        st.caption(f"Found here: {name} in the folder that RECOMMENDER\\_DATA\\_DIR names.")
    elif found == "cache":
        st.caption("Found here: ReDial, downloaded before.")
    elif source == "hub":
        st.caption("ReDial is downloaded from the Hugging Face hub once, about 10 MB.")
    else:
        st.warning(
            "ReDial is not on this machine. It is downloaded from the Hugging Face hub; if that fails, the run uses a "
            "**synthetic sample, NOT ReDial**.",
            icon=":material/cloud_download:",
        )


def _draw_in_rows(settings: list[Setting], preset: str, start: RunConfig) -> None:
    """Three in a row; below each other, in the same order, where the screen is narrow."""
    for place, setting in enumerate(settings):
        if place % 3 == 0:
            columns = st.columns(3)
        with columns[place % 3]:
            draw_setting(setting, preset, start, PROTOCOLS if setting.path == "protocol" else None)


def _draw_advanced(rest: list[Setting], draft: RunConfig, preset: str, start: RunConfig) -> None:
    box = st.expander("Advanced", key=f"advanced-{preset}", on_change="rerun")
    if not box.open:  # thirty more widgets travel only when they are asked for
        return
    with box:
        for part, title in (("", "Run"), *titles_of_parts(draft)):
            if inside := [setting for setting in rest if setting.part == part]:
                st.markdown(f"**{plain(title)}**")
                _draw_in_rows(inside, preset, start)


def _draw_name(preset: str) -> None:
    key = name_key(preset)
    if key not in st.session_state:
        st.session_state[key] = fresh_name(preset)
    st.text_input(
        "Name of the run", key=key, max_chars=64, help="Letters, digits, dots, dashes.", persist_state="session"
    )


def _name_problems(name: str) -> list[str]:
    if not RUN_ID.fullmatch(name):
        return ["Name of the run: letters, digits, dots, dashes and underscores only, and a letter or digit first."]
    if any(run.run_id == name for run in list_runs(settings())):
        return [f"Name of the run: there is a run {name} already. Choose another name."]
    return []
