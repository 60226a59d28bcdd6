"""The selection: runs, the reports they have in common, measure and base."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import streamlit as st

from pages.shared.setup import Key, went_through_history
from pages.shared.text import plain
from recommender.compare import words
from recommender.compare.choice import default_choice, describe_group, evaluate_command, groups_of, in_company
from recommender.compare.entries import MEASURES, Entry
from recommender.compare.view import View
from recommender.runs.folder import RUN_ID

T = TypeVar("T")
NAMED = 5  # runs of a link that are said to be missing
RUNS, GROUP, MEASURE, BASE = "compare-runs", "compare-group", "compare-measure", "compare-base"  # widgets
LINKED = "compare-linked"  # the address that the choice came from, or was written to


def draw_choice(entries: Sequence[Entry], damaged: Mapping[str, str]) -> View | None:
    """The selection; None if no run is chosen."""
    if not entries:
        return None
    known = {entry.run_id: entry for entry in entries}
    _adopt_link(known, damaged)
    chosen = [
        known[run_id]
        for run_id in st.multiselect(
            "Runs",
            list(known),
            key=RUNS,
            placeholder="Choose two or more",
            persist_state="session",
        )
    ]
    _write_link(chosen, default_choice(entries))
    if not chosen:
        return None
    groups = groups_of(chosen)
    with st.container(horizontal=True):
        group = _select("Measured on", groups, GROUP, describe_group, 376)
        measure = _select("Measure", list(MEASURES), MEASURE, MEASURES.__getitem__, 130)
        able = [entry.run_id for entry in chosen if group in entry.reports] or [entry.run_id for entry in chosen]
        base = _select("Base", able, BASE, str, 166, "The run that the others are tested against.")
    return View(tuple(chosen), group, base, measure)


def _select(
    label: str, options: Sequence[T], key: str, form: Callable[[T], str], width: int, help: str | None = None
) -> T | None:
    """A selectbox that drops a choice that is no longer offered; `width` in pixels, three fill a wide page."""
    if st.session_state.get(key) not in options:
        st.session_state.pop(key, None)
    return st.selectbox(label, options, format_func=form, key=key, help=help, width=width, persist_state="session")


def _adopt_link(known: Mapping[str, Entry], damaged: Mapping[str, str]) -> None:
    """Select the runs of `/compare?runs=a,b`, or those another page asked for, once."""
    linked = st.query_params.get("runs")
    asked = st.session_state.pop(Key.COMPARE_RUNS, None)
    if asked is not None and len(asked) == 1 and asked[0] in known:
        asked = in_company(asked[0], list(known.values()))
    if asked is None and linked != st.session_state.get(LINKED):
        if linked is not None:
            asked = linked.split(",")
        elif went_through_history():
            asked = default_choice(list(known.values()))
    st.session_state[LINKED] = linked
    if asked is not None:
        st.session_state[RUNS] = [run_id for run_id in dict.fromkeys(asked) if run_id in known]
        # Text that cannot be a run's name is not repeated on the page.
        missing = [run_id for run_id in asked if RUN_ID.fullmatch(run_id) and run_id not in {*known, *damaged}]
        if missing:
            st.warning(plain(f"Not here: {', '.join(missing[:NAMED])}."), icon=":material/link_off:")
    elif RUNS in st.session_state:
        st.session_state[RUNS] = [run_id for run_id in st.session_state[RUNS] if run_id in known]
    else:
        st.session_state[RUNS] = default_choice(list(known.values()))


def _write_link(chosen: Sequence[Entry], usual: list[str]) -> None:
    """Keep the address in step with the selection; without parameters it opens the default one."""
    names = [entry.run_id for entry in chosen]
    link = ",".join(names)
    if link != st.query_params.get("runs", ",".join(usual)):
        st.query_params["runs"] = st.session_state[LINKED] = link


def draw_notices(view: View | None, entries: Sequence[Entry], damaged: Mapping[str, str]) -> None:
    """Notices before the numbers: what is missing, damaged or misleading."""
    if not entries:
        st.info(
            "There is no run to compare yet. Train one on the Train page, or from a terminal: "
            "`python -m recommender train --preset frozen --run-id frozen`",
            icon=":material/info:",
        )
    elif view is None:
        st.info("Choose runs to compare above.", icon=":material/info:")
    elif len(view.entries) < 2:
        others = " Choose another one above." if len(entries) > 1 else " Train another one on the Train page."
        st.info(f"A single run is compared with the baselines only.{others}", icon=":material/info:")
    for run_id, problem in damaged.items():
        st.warning(plain(f"{run_id} cannot be read and is left out. {problem}"), icon=":material/broken_image:")
    if view is None:
        return
    for entry in view.entries:
        for problem in entry.problems:
            st.warning(plain(f"Part of {entry.run_id} is left out. {problem}"), icon=":material/broken_image:")
        if entry.status.state in ("queued", "running"):
            st.info(plain(f"{entry.run_id} is still training: its numbers will change."))
    for sentence in words.warnings(view):
        st.warning(plain(sentence), icon=":material/warning:")
    _draw_unmeasured(view)


def _draw_unmeasured(view: View) -> None:
    if view.group is None:
        st.info(
            plain(
                "None of these runs has a report yet, so only their training is shown. To measure one, for example: "
                f"python -m recommender evaluate --run {view.base} --protocol {view.protocol} --split test"
            ),
            icon=":material/info:",
        )
        return
    if view.unmeasured:
        names = ", ".join(entry.run_id for entry in view.unmeasured)
        with st.expander(plain(f"Not measured here: {names}"), icon=":material/pending:"):
            st.write("They appear in the training curves only. Measure them from a terminal:")
            commands = [evaluate_command(entry.run_id, view.group) for entry in view.unmeasured]
            st.code("\n".join(commands), language="bash", wrap_lines=True)
