"""The list of runs: which one is shown, and the actions on each."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.shared.callback import whole
from pages.shared.setup import Key
from pages.shared.text import plain
from pages.train.curves import best_of
from recommender.config import RunConfig
from recommender.errors import RecommenderError
from recommender.runs.folder import SELECTED_BY, SHIPPED_RUNS, Run, Status, list_runs
from recommender.runs.status import LIVE, State
from recommender.settings import settings
from recommender.training import job
from recommender.wording import duration

STATES: dict[State, tuple[str, str]] = {
    "running": (":material/play_circle:", "training"),
    "queued": (":material/schedule:", "waiting"),
    "finished": (":material/check_circle:", "finished"),
    "stopped": (":material/pause_circle:", "stopped"),
    "interrupted": (":material/report:", "interrupted"),
    "failed": (":material/error:", "failed"),
}
FEW = 8  # runs shown before "Show all"
ORDER = ("running", "queued")  # then all others, the latest first


@dataclass(frozen=True)
class Seen:
    """A run when the page was drawn. Without status and config it is damaged; `problem` says how."""

    run: Run
    state: State | None  # known where the status can be read, also if the rest is damaged
    status: Status | None = None
    config: RunConfig | None = None
    problem: str = ""

    @property
    def run_id(self) -> str:
        return self.run.run_id

    @property
    def alive(self) -> bool:
        return self.status is not None and self.status.state in LIVE


def see(run: Run) -> Seen:
    status = None
    try:
        status = run.status()
        return Seen(run, status.state, status, run.config())
    except RecommenderError as error:
        return Seen(run, status.state if status else None, problem=str(error))


def seen_runs() -> list[Seen]:
    """The running one, the queue in order, then the others, latest first; damaged ones last."""
    line = {run.run_id: place for place, run in enumerate(job.waiting(settings()))}

    def order(seen: Seen) -> tuple[int, float]:
        if seen.status is None:
            return len(ORDER) + 1, 0.0
        state = seen.status.state
        if state == "queued":
            return ORDER.index(state), line.get(seen.run_id, len(line))
        return ORDER.index(state) if state in ORDER else len(ORDER), -(seen.status.started or 0.0)

    runs = sorted((see(run) for run in list_runs(settings())), key=order)
    # A run that was stopped and resumed, from wherever, can be stopped again.
    if stopping := st.session_state.get(Key.TRAIN_STOPPING):
        stopping &= {seen.run_id for seen in runs if seen.alive}
    return runs


def choose_run(runs: list[Seen]) -> Seen:
    """The run the user picks; at first the running one, else the latest. `runs` is not empty."""
    names = [seen.run_id for seen in runs]
    if st.session_state.get(Key.TRAIN_RUN) not in names:
        st.session_state[Key.TRAIN_RUN] = names[0]
    st.selectbox("Run", names, key=Key.TRAIN_RUN, persist_state="session")
    return runs[names.index(st.session_state[Key.TRAIN_RUN])]


def draw_state(seen: Seen) -> None:
    icon, word = _state(seen)
    about = f" · {plain(seen.config.description)}" if seen.config and seen.config.description else ""
    st.caption(f"{icon} {word}{about}")


def _state(seen: Seen) -> tuple[str, str]:
    return STATES[seen.status.state] if seen.status else (":material/broken_image:", "cannot be read")


def draw_others(runs: list[Seen], shown: Seen) -> None:
    others = [seen for seen in runs if seen.run_id != shown.run_id]
    if not others:
        return
    st.header("Other runs", anchor=False)
    full = len(others) <= FEW or st.session_state.get("all-runs", False)
    for seen in others if full else others[:FEW]:
        with st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="xsmall"
        ):
            with st.container(gap=None, width="content"):
                icon, word = _state(seen)
                st.markdown(f"**{plain(seen.run_id)}** :small[{icon} {word}]")
                st.caption(plain(facts_of(seen)))
            with st.container(horizontal=True, width="content", gap="xsmall"):
                draw_actions(seen)
    if len(others) > FEW:
        st.checkbox(f"Show all {len(others)} runs", key="all-runs", persist_state="session")


def facts_of(seen: Seen) -> str:
    if seen.status is None or seen.config is None:
        return seen.problem
    said = [seen.config.protocol]
    if best := best_of(seen.run):
        said.append(f"validation nDCG@10 {best[SELECTED_BY]:.4f}")
    if seen.status.seconds:
        said.append(duration(seen.status.seconds))
    if seen.run_id in SHIPPED_RUNS:
        said.append("included")
    return ", ".join(said)


def draw_actions(seen: Seen) -> None:
    """Buttons to stop, resume or delete, as the run's state allows; none in read-only mode."""
    if settings().read_only:
        return
    run_id, state = seen.run_id, seen.status.state if seen.status else None
    if state in LIVE:
        draw_stop(run_id, "Stop" if state == "running" else "Remove from the queue")
        return
    if state in job.RESUMABLE:
        st.button(
            "Resume",
            icon=":material/play_arrow:",
            key=f"resume-{run_id}",
            help="Continues from the last finished epoch.",
            on_click=act,
            args=("resume", run_id),
        )
    if run_id not in SHIPPED_RUNS:
        with st.popover("Delete", icon=":material/delete:", key=f"ask-delete-{run_id}"):
            st.write(plain(f"Delete {run_id} with its weights and curves? This cannot be undone."))
            st.button("Yes, delete it", key=f"delete-{run_id}", on_click=act, args=("delete", run_id))


def draw_stop(run_id: str, word: str) -> None:
    """A run stops after its current step; until then the button says that it is stopping."""
    stopping = run_id in st.session_state.get(Key.TRAIN_STOPPING, ())
    st.button(
        "Stopping…" if stopping else word,
        icon=":material/stop:",
        key=f"stop-{run_id}",
        disabled=stopping,
        on_click=act,
        args=("stop", run_id),
    )


@whole
def act(what: str, run_id: str) -> None:
    """Stop, resume or delete."""
    stopping, after = st.session_state.setdefault(Key.TRAIN_STOPPING, set()), outcome()
    run = Run(settings().checkpoints_dir / run_id)
    with errors_shown(after):
        {"stop": job.stop, "resume": job.resume, "delete": job.delete}[what](run, settings())
        if what == "stop":
            stopping.add(run_id)
        else:
            stopping.discard(run_id)
        if what == "resume":
            after[Key.TRAIN_RUN] = run_id


def outcome() -> dict[str, Any]:
    """Session values that a callback leaves for the next drawing of the page; `take_over` sets them.

    A callback fetches this first and writes into it last: another access to the session state could be interrupted,
    and the action would be repeated.
    """
    after: dict[str, Any] = st.session_state.setdefault(Key.TRAIN_NEXT, {})
    return after


def take_over() -> None:
    """Set the values that a callback left. Call this before anything is drawn."""
    after = outcome()
    for key, value in after.items():
        st.session_state[key] = value
    after.clear()


@contextmanager
def errors_shown(after: dict[str, Any]) -> Iterator[None]:
    """Show errors of this block on the page."""
    try:
        yield
    except RecommenderError as error:
        after[Key.TRAIN_PROBLEM] = str(error)
    except OSError as error:
        file = Path(error.filename).name if error.filename else "A file"
        after[Key.TRAIN_PROBLEM] = f"Cannot read or write {file}: {error.strerror or error}."
