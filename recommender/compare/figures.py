"""The figures of a view, for the page and the HTML report."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from recommender.charts import comparison as charts
from recommender.charts.style import Look
from recommender.charts.training import series
from recommender.compare.entries import MEASURES
from recommender.compare.lists import Lists
from recommender.compare.published import EXPECTED_BAND
from recommender.compare.table import published_beside, published_rows
from recommender.compare.view import View
from recommender.evaluation.measures import at, measure_of
from recommender.wording import BASELINE_NAMES


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


def list_figure(view: View, lists: Lists, name: str, look: Look) -> go.Figure:
    """One measure of each run's lists at the view's cut-off."""
    return charts.small_bars(look, list_bars(view, lists, name), measure_of(name).form)


def list_bars(view: View, lists: Lists, name: str) -> list[charts.Bar]:
    """The runs of which it is known."""
    key = at(name, view.cutoff)
    return [charts.Bar(view.marks[run_id], values[key]) for run_id, values in lists.items() if key in values]


def popularity_figure(view: View, lists: Lists, targets: float | None, look: Look) -> go.Figure:
    """How right each run is against how well known the movies are that it recommends. `targets`: how well known those
    are that people wanted."""
    known, right = at("popularity", view.cutoff), at("ndcg", view.cutoff)
    dots = [
        charts.Dot(view.marks[run_id], values[known], values[right])
        for run_id, values in lists.items()
        if known in values and right in values
    ]
    titles = f"mean popularity of the first {view.cutoff}", f"nDCG@{view.cutoff}"
    return charts.dots(look, dots, titles, {} if targets is None else {"the targets themselves": targets})


def slice_figure(view: View, frames: Mapping[str, pd.DataFrame], kind: str, look: Look) -> go.Figure:
    """`frames`: run id -> what `evaluation.comparison.slices` gives for it."""
    parts = [(view.marks[run_id], frame[frame["slice_kind"] == kind]) for run_id, frame in frames.items()]
    return charts.slices(look, parts, MEASURES[view.measure])
