"""A view -> its figures, for the page and the HTML report alike."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from recommender.charts import comparison as charts
from recommender.charts.style import Look
from recommender.charts.training import series
from recommender.compare.entries import MEASURES
from recommender.compare.table import published_beside, published_rows
from recommender.compare.view import View
from recommender.published import EXPECTED_BAND
from recommender.wording import BASELINE_NAMES

BEYOND = {
    "coverage@10": ("Coverage", ".1%", "share of all movies that are recommended to anybody"),
    "diversity@10": ("Diversity", ".2f", "how much the genres within one top ten differ, 0 to 1"),
    "novelty@10": ("Novelty", ".1f", "in bits: one more means movies half as well known"),
    "gini@10": ("Concentration", ".2f", "0: every movie as often; near 1: nearly always the same few"),
}


def curves_of(view: View, key: str) -> list[charts.Curve]:
    """One logged number of the runs that were trained under the view's protocol."""
    found = ((entry, *series(entry.rows, key)) for entry in view.trained_alike)
    return [charts.Curve(view.marks[entry.run_id], epochs, values) for entry, epochs, values in found if len(epochs)]


def curve_figure(view: View, key: str, name: str, look: Look, references: bool = False) -> go.Figure:
    """`references` adds what the baselines reach, what was published, and what an author expected."""
    measure = key.removeprefix("eval_")
    evaluated = measure != key
    lines = _across(view, measure) if references and evaluated else {}
    band = EXPECTED_BAND if references and measure == "ndcg@10" and view.protocol == "notebook" else ()
    return charts.curves(look, curves_of(view, key), name, lines, band, logarithmic=not evaluated)


def _across(view: View, measure: str) -> dict[str, float]:
    """Baselines on the validation examples of the first run that knows them, and the best published value for such
    targets."""
    entries = view.trained_alike
    held: dict[str, dict[str, float]] = next((e.validation_baselines for e in entries if e.validation_baselines), {})
    lines = {BASELINE_NAMES.get(name, name): values[measure] for name, values in held.items() if measure in values}
    beside = published_beside(entries[0].validated_on) if entries else ()
    if known := [item for item in beside if measure in item.values]:
        best = max(known, key=lambda item: item.values[measure])
        lines[best.name] = best.values[measure]
    return lines


def best_figure(view: View, look: Look) -> go.Figure:
    """The measure of each run, the baselines across, published values below."""
    baselines = view.reference.baselines if view.reference else {}
    lines = {BASELINE_NAMES.get(name, name): values[view.measure] for name, values in baselines.items()}
    others = {item.name: item.values[view.measure] for item in published_rows(view) if view.measure in item.values}
    return charts.best_values(look, bars(view), MEASURES[view.measure], lines, others)


def bars(view: View) -> list[charts.Bar]:
    found = []
    for entry in view.measured:
        report = view.report(entry)
        value, interval = report.metrics[view.measure], report.intervals.get(view.measure)
        found.append(charts.Bar(view.marks[entry.run_id], value, interval))
    return found


def beyond_figure(view: View, name: str, look: Look) -> go.Figure:
    """Coverage, diversity, novelty or concentration of each run that has it."""
    return charts.small_bars(look, beyond_bars(view, name), BEYOND[name][1])


def beyond_bars(view: View, name: str) -> list[charts.Bar]:
    return [
        charts.Bar(view.marks[entry.run_id], view.report(entry).beyond[name])
        for entry in view.measured
        if name in view.report(entry).beyond
    ]


def slice_figure(view: View, frames: Mapping[str, pd.DataFrame], kind: str, look: Look) -> go.Figure:
    """`frames`: run id -> what `evaluation.comparison.slices` gives for it."""
    parts = [(view.marks[run_id], frame[frame["slice_kind"] == kind]) for run_id, frame in frames.items()]
    return charts.slices(look, parts, MEASURES[view.measure])
