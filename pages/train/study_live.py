"""The live view of a study and its trials, redrawn while the study runs."""

from collections import Counter
from collections.abc import Iterable
from itertools import count

import pandas as pd
import streamlit as st

from pages.shared.callback import whole
from pages.shared.charts import draw
from pages.shared.text import plain
from pages.train.fields import label_of
from pages.train.live import TICK, draw_metrics, last_lines
from pages.train.runs import errors_shown, outcome
from recommender.charts.tuning import history, importance, parallel
from recommender.errors import RecommenderError
from recommender.runs.status import Phase
from recommender.runs.studies import live_trials, workers
from recommender.settings import settings
from recommender.tuning import job
from recommender.tuning.view import LEAST_TRIALS, StudyView, TrialState, read_study
from recommender.wording import capitalised, duration

STATES: dict[TrialState, str] = {
    "complete": "finished",
    "pruned": "stopped early",
    "failed": "failed",
    "running": "running",
    "waiting": "to be repeated",
}


def names_of(space: Iterable[str]) -> dict[str, str]:
    """Labels of the searched settings; the path where there is no label, or two are the same."""
    named = {path: label_of(path) for path in space}
    taken = Counter(named.values())
    return {path: name if taken[name] == 1 else path for path, name in named.items()}


def draw_study(view: StudyView) -> None:
    alive = job.is_alive(view.name, settings())
    if not settings().read_only:
        draw_actions(view, alive)
    draw_end(view, alive)
    drawings = count()

    @st.fragment(run_every=TICK if alive else None)
    def live() -> None:
        if next(drawings):
            draw_again(view, alive)
        else:  # as part of the whole page
            draw_trials(view, alive)

    live()


def draw_again(view: StudyView, alive: bool) -> None:
    """Redraw the study. A read that fails now may succeed at the next tick."""
    try:
        now = read_study(view.name, settings())
    except RecommenderError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    if now.best != view.best or job.is_alive(view.name, settings()) != alive:
        st.rerun()  # the rest of the page changes as well
    draw_trials(now, alive)


def draw_actions(view: StudyView, alive: bool) -> None:
    if alive:
        own = job.live_workers(view.name, settings())
        st.button(
            "Stop",
            icon=":material/stop:",
            disabled=not own,
            on_click=act,
            args=("stop", view.name),
            help="The current trial is repeated when the study continues.",
        )
    elif view.done < view.trials:
        st.button("Continue", icon=":material/play_arrow:", on_click=act, args=("go_on", view.name))
    else:
        more = view.trials + max(5, view.trials // 2)
        st.button(
            f"Try {more - view.trials} more",
            icon=":material/add:",
            on_click=act,
            args=("go_on", view.name, more),
        )


@whole
def act(what: str, name: str, trials: int | None = None) -> None:
    after = outcome()
    with errors_shown(after):
        if what == "stop":
            job.stop(name, settings())
        else:
            job.go_on(name, trials, settings())


def draw_end(view: StudyView, alive: bool) -> None:
    """Why the study ended before all trials were done."""
    ended = workers(view.name, settings())
    if alive or not ended or view.done >= view.trials:
        return
    worker, status = ended[-1]
    if status.state == "failed":
        st.error(plain(f"The study failed. {status.reason}"), icon=":material/error:")
    elif status.state == "interrupted":
        st.warning(plain(f"Interrupted: {status.reason}."), icon=":material/report:")
        if lines := last_lines(worker):
            st.code("\n".join(lines[-5:]), language=None, wrap_lines=True)


def draw_trials(view: StudyView, alive: bool) -> None:
    elsewhere = [row for row in view.rows if row.state == "running" and row.host]
    if alive:
        st.progress(min(1.0, view.done / view.trials), plain(_doing(view)))
    elif view.done < view.trials:
        others = ", ".join(sorted({row.host for row in elsewhere}))
        st.progress(
            view.done / view.trials,
            plain(f"{view.done} of {view.trials} trials done. {f'Running on: {others}.' if others else ''}"),
        )
    draw_facts(view)
    if any(row.value is not None for row in view.rows):
        draw_charts(view)
    if view.rows:
        draw_table(view)


def _doing(view: StudyView) -> str:
    said = f"{view.done} of {view.trials} trials done"
    for run, status in live_trials(view.name, settings()):
        number = int(run.run_id.rpartition("-")[2])
        if status.state == "queued":
            return f"{said}; trial {number} waits for a run to end."
        if status.steps and status.phase in tuple(Phase):
            return f"{said}; trial {number} at step {status.step:,} of {status.steps:,}."
        return f"{said}; trial {number}: {status.phase or 'preparing'}…"
    return f"{said}; preparing…"


def draw_facts(view: StudyView) -> None:
    best, seconds = view.best, [row.seconds for row in view.rows if row.state == "complete" and row.seconds]
    draw_metrics(
        {
            "Best nDCG@10": f"{best.value:.4f}" if best else "–",
            "Trials done": f"{view.done} of {view.trials}",
            "Stopped early": str(sum(row.state == "pruned" for row in view.rows)),
            "Time per full trial": duration(sum(seconds) / len(seconds)) if seconds else "–",
        }
    )


def draw_charts(view: StudyView) -> None:
    best, names = view.best, names_of(view.search.space)
    said = f"The best, trial {best.number}, has {best.value:.4f}." if best else "No trial is finished yet."
    st.subheader("History", anchor=False)
    draw(
        lambda look: history(view.rows, look),
        key=f"{view.name}-history",
        alt=f"Validation nDCG@10 of {view.done} trials in their order. {said}",
    )
    st.subheader("Which settings mattered", anchor=False)
    if view.importance:
        draw(
            lambda look: importance(view.importance, names, look),
            key=f"{view.name}-importance",
            alt="Bars: " + ", ".join(f"{names[path]} {share:.0%}" for path, share in view.importance.items()) + ".",
        )
        st.caption(
            "How much each setting distinguishes the best quarter of the finished trials (PED-ANOVA). With few trials "
            "this is only a hint."
        )
    else:
        st.caption(f"Needs {LEAST_TRIALS} finished trials.")
    st.subheader("Which values go together", anchor=False)
    draw(
        lambda look: parallel(view.rows, view.search.space, names, look),
        key=f"{view.name}-parallel",
        alt=f"A line for each trial through the values of {len(view.search.space)} settings to its result. {said}",
    )
    st.caption("Each line is a trial, from its settings down to its result. The thick line is the best.")


def draw_table(view: StudyView) -> None:
    names = names_of(view.search.space)
    with st.expander(f"All {len(view.rows)} trials"):
        rows = [
            {
                "Trial": row.number,
                "State": STATES[row.state],
                "nDCG@10": row.value,
                **{names[path]: row.params.get(path) for path in view.search.space},
                "Epochs": row.epochs,
                "Note": capitalised(row.reason),
            }
            for row in view.rows
        ]
        numbers = {
            names[path]: st.column_config.NumberColumn(format="%.4g")
            for path, kind in view.search.space.items()
            if kind.kind == "float"
        }
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            column_config={"nDCG@10": st.column_config.NumberColumn(format="%.4f"), **numbers},
        )
