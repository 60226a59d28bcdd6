"""The live view of a run, redrawn while anything trains."""

from collections.abc import Callable
from itertools import count
from typing import Any

import streamlit as st

from pages.shared.text import plain
from pages.train.curves import draw_curves, metrics_of
from recommender.compare.entries import Entry, read_entry
from recommender.errors import RecommenderError
from recommender.runs.folder import Run
from recommender.runs.status import LIVE, Phase, State, Status
from recommender.settings import settings
from recommender.training import job
from recommender.wording import capitalised, duration, memory

TICK = 2.0  # seconds between two drawings of a live run
PACE_ROWS = 25  # training rows that tell the recent pace: about an epoch, so that its validation is in it
LEARNING = (*Phase, "")  # phases within the steps; runs of older versions say none
LOG_LINES = 40
METRIC_WIDTH = 150  # pixels

States = dict[str, State | None]  # None: the folder is damaged


def states_of(runs: list[Run]) -> States:
    return {run.run_id: state_of(run) for run in runs}


def state_of(run: Run) -> State | None:
    try:
        return run.status().state
    except RecommenderError:
        return None


def draw_live(run: Run, drawn: States, look: Callable[[], States]) -> None:
    """The run's progress and curves. When the state of any run has changed, the whole page is redrawn."""
    alive = any(state in LIVE for state in drawn.values())
    drawings = count()

    @st.fragment(run_every=TICK if alive else None)
    def live() -> None:
        if next(drawings) and look() != drawn:  # the first drawing is part of the whole page's
            st.rerun()
        draw_run(run)

    live()


def draw_run(run: Run) -> None:
    try:
        entry, rows = read_entry(run), metrics_of(run)
    except RecommenderError as error:
        st.error(plain(f"This run cannot be read. {error}"), icon=":material/error:")
        return
    for problem in entry.problems:
        st.warning(plain(problem), icon=":material/warning:")
    status = entry.status
    if status.state in LIVE:
        draw_progress(entry, rows)
    draw_facts(entry, rows)
    learned = any("loss" in row for row in rows)
    if learned or (status.state in LIVE and entry.config.model.learns):
        draw_curves(entry, rows)
    draw_log(run)


def draw_progress(entry: Entry, rows: list[dict[str, Any]]) -> None:
    run, status = entry.run, entry.status
    step = max(status.step, rows[-1].get("step", 0) if rows else 0)
    share = min(1.0, step / status.steps) if status.steps else 0.0
    if status.state == "queued":
        waiting = [other.run_id for other in job.waiting(settings())]
        place = waiting.index(run.run_id) if run.run_id in waiting else 0
        st.progress(0.0, f"Waiting: {place_in_line(place)}. Runs train one at a time.")
    elif status.phase in LEARNING and step < status.steps:
        epoch = max(status.epoch, rows[-1].get("epoch", 0) if rows else 0)
        epochs = entry.config.training.epochs
        left = seconds_left(rows, status)
        rest = f", about {duration(left)} left" if left else ""
        st.progress(share, f"Epoch {min(int(epoch) + 1, epochs)} of {epochs}, step {step:,} of {status.steps:,}{rest}.")
    else:
        phase = status.phase or "preparing"
        st.progress(share, plain(f"{capitalised(phase)}…"))


def seconds_left(rows: list[dict[str, Any]], status: Status) -> float | None:
    """Estimated from the last rows, validation included. None until two rows with different steps exist."""
    timed = [(row["seconds"], row["step"]) for row in rows if "seconds" in row and "step" in row][-PACE_ROWS:]
    if len(timed) < 2 or timed[-1][1] <= timed[0][1]:
        return None
    (then, before), (now, step) = timed[0], timed[-1]
    return max(0.0, (now - then) / (step - before) * (status.steps - max(step, status.step)))


def draw_facts(entry: Entry, rows: list[dict[str, Any]]) -> None:
    status = entry.status
    last: dict[str, Any] = next((row for row in reversed(rows) if "loss" in row), {})
    rate = last.get("examples_per_second")
    seconds = max(status.seconds, rows[-1].get("seconds", 0.0) if rows else 0.0)
    used = last.get("memory_mb") or status.peak_memory_mb
    facts = {
        "Training time": duration(seconds) if seconds else "",
        "Examples per second": f"{rate:,.0f}" if rate else "",
        "Learning rate": f"{last['learning_rate']:.2g}" if "learning_rate" in last else "",
        "Memory": memory(used) if used else "",
    }
    live = status.state in LIVE  # placeholders from the start, so that nothing moves
    draw_metrics({label: value or "–" for label, value in facts.items() if value or live})
    said = [f"{capitalised(each)}." for each in (status.device, status.source) if each]
    if said:
        st.caption(plain(" ".join(said)))
    if status.accumulation > entry.config.training.accumulation:  # memory ran out
        st.caption(less_at_once(entry.config.training.batch_size, status.accumulation))


def draw_metrics(facts: dict[str, str]) -> None:
    """Four in a row, or two where the screen is narrow."""
    with st.container(horizontal=True):
        for label, value in facts.items():
            st.metric(label, value, width=METRIC_WIDTH)


def draw_log(run: Run) -> None:
    box = st.expander("Log", key=f"log-{run.run_id}", on_change="rerun")
    if box.open:
        lines = last_lines(run)
        with box:
            st.code("\n".join(lines) if lines else "The log is still empty.", language=None, wrap_lines=True)


def last_lines(run: Run) -> list[str]:
    """The end of the log, or why it cannot be read."""
    try:
        return run.log_end(LOG_LINES)
    except RecommenderError as error:
        return [str(error)]


def place_in_line(number: int) -> str:
    """ "next in line" for 0, "number 2 in line" for 1."""
    return f"number {number + 1} in line" if number else "next in line"


def less_at_once(batch: int, parts: int) -> str:
    """For a run that ran out of memory and continued with each batch split into `parts`."""
    return f"Memory ran out, so batches of {batch} are now processed {batch // parts} at a time. Steps are unchanged."
