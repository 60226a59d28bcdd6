"""The cost of the chosen settings on this machine, and what prevents a start."""

from dataclasses import dataclass
from itertools import count
from pathlib import Path

import streamlit as st

from pages.shared.callback import whole
from pages.shared.imports import import_slow
from pages.shared.setup import Key
from pages.shared.text import plain
from pages.train.form import PRESET, fresh_name, name_key, read_form
from pages.train.live import draw_metrics
from pages.train.runs import Seen, errors_shown, outcome
from pages.train.trials import Trial, trials
from recommender.config import DIALOGUE_PROTOCOLS, RunConfig
from recommender.data.finding import find_file
from recommender.device import choose_device, describe_device, supports_bfloat16
from recommender.errors import RecommenderError
from recommender.settings import settings
from recommender.training import job
from recommender.training.estimate import forget
from recommender.wording import capitalised, chosen_on_test, duration, memory

PROGRESS = "Progress"  # label of the tab that a start leads to
TICK = 2.0  # seconds between two looks at a trial
SOON = 0.2  # seconds: an estimate that was made before is there by then, and the page need not say that it tries


def draw_plan(runs: list[Seen]) -> None:
    """Draw in fixed containers, so that an error does not move the button."""
    problems, estimate, button = st.container(), st.container(), st.container()
    wanted = read_form()
    config = wanted.config
    hindrances = obstacles(config, runs) if config else []
    busy = any(seen.alive for seen in runs)
    with problems:
        draw_problems([*wanted.problems, *hindrances], config, runs)
    if config and not hindrances:
        with estimate:
            draw_estimate(config, _doubt(config, busy))
    with button:
        st.button(
            "Add to the queue" if busy else "Start training",
            icon=":material/play_arrow:",
            type="primary",
            disabled=bool(wanted.problems or hindrances),
            on_click=start,
        )
        if busy:
            st.caption("Runs train one at a time. Yours starts when the others are done, even if you close this page.")
        else:
            st.caption("The run continues if you close this page.")


def draw_problems(problems: list[str], config: RunConfig | None, runs: list[Seen]) -> None:
    for problem in problems:
        st.error(plain(problem), icon=":material/error:")
    if config and _missing_start(config, runs):
        st.button(plain(f"Choose the preset {config.start_from}"), on_click=choose, args=(config.start_from,))
    if config and config.training.chosen_on == "test":
        st.warning(plain(chosen_on_test("This run")), icon=":material/warning:")
    if config and config.model.encoder and needs_download(config):
        st.warning(
            plain(
                f"The text encoder {config.model.encoder.name} is not on this machine. It is downloaded from the "
                "Hugging Face hub when the run starts; without a connection the run fails. The weighted and original "
                "presets need no download."
            ),
            icon=":material/cloud_download:",
        )


def _doubt(config: RunConfig, busy: bool) -> str:
    """A side effect of trying a few batches that the user should decide on; empty if there is none."""
    if busy:
        return "it slows down the current run"
    return "it downloads the text encoder" if needs_download(config) else ""


def choose(preset: str) -> None:
    st.session_state[PRESET] = preset


@whole
def start() -> None:
    """Read the form again: a value typed just before the click is newer than the page."""
    wanted, after = read_form(), outcome()
    if wanted.config is None or wanted.problems:
        return  # the page says what is wrong
    with errors_shown(after):
        job.start(wanted.config, wanted.name, settings())
        after |= {Key.TRAIN_RUN: wanted.name, Key.TRAIN_TAB: PROGRESS}
        after[name_key(wanted.preset)] = fresh_name(wanted.preset)


def obstacles(config: RunConfig, runs: list[Seen]) -> list[str]:
    """Why these settings cannot be trained here, as far as a quick check can tell."""
    found = []
    if missing := _missing_start(config, runs):
        found.append(missing)
    folder = settings().data_dir
    if config.data.source == "folder" and folder is None:
        found.append(
            "No data folder is set. Set RECOMMENDER_DATA_DIR to the folder with the data, or choose another source."
        )
    tagged = folder is not None and (find_file(folder, "tags.csv") or find_file(folder, "tags.parquet"))
    if "tag" in config.model.tasks and not tagged:
        found.append(
            "The tag task needs MovieLens tags, and there are none here. Unpack ml-latest-small (grouplens.org) below "
            "the folder that RECOMMENDER_DATA_DIR names, or choose a preset without tags."
        )
    return found


def _missing_start(config: RunConfig, runs: list[Seen]) -> str:
    """Why the run to continue from cannot be used; empty if it can, or will be usable in time."""
    name = config.start_from
    if not name:
        return ""
    source = next((seen for seen in runs if seen.run_id == name), None)
    if source is None or source.status is None:
        return f"These settings continue from the run {name}, which is not here. Train the preset {name} first."
    if source.config and _held_out(source.config) != _held_out(config):
        unit = "dialogues" if config.protocol in DIALOGUE_PROTOCOLS else "ratings"
        return (
            f"These settings continue from the run {name}, which held out other {unit} and may have been trained on "
            "these. Hold out the same share in the same way, or train it again."
        )
    if source.status.state == "finished" or source.alive:
        return ""
    return f"These settings continue from the run {name}, which is {source.status.state}. Resume it, or train it again."


def _held_out(config: RunConfig) -> tuple[float, str, int]:
    """The settings that decide which examples a run holds out."""
    return config.data.validation, config.data.hold_out, config.seed if config.data.hold_out == "random" else 0


def needs_download(config: RunConfig) -> bool:
    """Whether the text encoder has to be downloaded first."""
    if config.model.encoder is None:
        return False
    name = config.model.encoder.name
    if name == "minilm" or Path(name).is_dir():
        return False
    import_slow()
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        return not isinstance(try_to_load_from_cache(name, "config.json"), str)
    except HFValidationError:  # neither a folder nor a name the hub could have; the trial says so
        return False


def draw_estimate(config: RunConfig, doubt: str) -> None:
    """Examples, steps, time and memory, measured on a few batches in the background.

    `doubt`: a side effect of the measurement; if there is one, the user starts it.
    """
    asked = st.session_state.setdefault(Key.TRAIN_ASKED, set())
    config = config.model_copy(update={"description": ""})  # other words are not another trial
    ask = not doubt or config.model_dump_json() in asked
    trial = trials().look(config, ask, SOON)
    drawings = count()

    @st.fragment(run_every=TICK if trial and not trial.done else None)
    def estimate() -> None:
        now = trials().look(config, ask)
        if next(drawings) and now and now.done:
            st.rerun()  # the timer goes
        draw_trial(now)

    with st.container(border=True):
        estimate()
        if trial is None:
            st.caption(f"The time is not known yet. Trying a few batches measures it, but {doubt}.")
            st.button("Try a few batches", on_click=lambda: asked.add(config.model_dump_json()))
        elif trial.done:
            word = "Try again" if trial.problem else "Measure again"
            st.button(word, type="tertiary", icon=":material/refresh:", on_click=measure_again, args=(config,))


def measure_again(config: RunConfig) -> None:
    forget(config, settings())
    trials().forget(config)


def draw_trial(trial: Trial | None) -> None:
    found = trial.estimate if trial else None
    facts = {
        "Examples": f"{found.train_examples:,}" if found else "–",
        "Steps": f"{found.steps:,}" if found else "–",
        "Expected time": duration(found.total_seconds) if found else "–",
        "Memory": memory(found.memory_mb) if found else "–",
    }
    draw_metrics(facts)
    if trial and found:
        precision = f" in {found.precision}" if found.precision else ""
        st.caption(plain(f"Measured on {found.device}{precision}. {capitalised(found.source)}."))
        if found.on_sample and trial.config.data.source != "sample":
            name = "ReDial" if trial.config.protocol in DIALOGUE_PROTOCOLS else "MovieLens"
            st.warning(f"{name} is not available: this would train on the **synthetic sample, NOT {name}**.")
    elif trial and trial.problem:
        st.warning(plain(trial.problem), icon=":material/warning:")
    elif trial:
        st.caption(":material/hourglass_top: Trying a few batches on this device…")


@dataclass(frozen=True)
class Device:
    name: str
    on_cpu: bool
    bfloat16: bool


@st.cache_data(show_spinner=False, max_entries=1)
def _device() -> Device:
    import_slow()
    device = choose_device(settings())
    return Device(describe_device(device), device.type == "cpu", supports_bfloat16(device))


def draw_device() -> None:
    """Draw this last, into a container further up: it waits for torch."""
    with st.spinner("Checking this machine…"):
        try:
            device = _device()
        except RecommenderError as error:
            st.error(plain(str(error)), icon=":material/error:")
            return
    precision = " (bfloat16 where a preset trains the text encoder)" if device.bfloat16 else ""
    if device.on_cpu:
        st.caption(
            f":material/memory: Trains on the processor: {plain(device.name)}{precision}. No GPU was "
            "found. The preset **frozen** is made for that; presets that train the whole text encoder take hours or "
            "days."
        )
    else:
        st.caption(f":material/memory: Trains on {plain(device.name)}{precision}.")
