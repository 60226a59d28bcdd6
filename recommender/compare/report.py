"""A view -> the sections of its HTML report: the page's tables, figures and sentences, in the light look."""

from collections.abc import Mapping

import pandas as pd

from recommender.charts.comparison import heat_map
from recommender.charts.style import LIGHT
from recommender.compare import words
from recommender.compare.curves import EVALUATIONS, LOGGED
from recommender.compare.differences import Difference
from recommender.compare.entries import MEASURES
from recommender.compare.figures import (
    BEYOND,
    best_figure,
    beyond_bars,
    beyond_figure,
    curve_figure,
    curves_of,
    slice_figure,
)
from recommender.compare.html_page import Drawing, Section, html_report
from recommender.compare.table import costs, published, published_notes, scores
from recommender.compare.view import View
from recommender.wording import capitalised


def comparison_report(
    view: View,
    differences: Mapping[str, Difference],
    slices: Mapping[str, pd.DataFrame],
    shares: pd.DataFrame,
    made: str,
) -> str:
    """One HTML file. `slices`, `shares`: what the page shows, empty where there is nothing; `made`: when."""
    sections = [*_results(view, differences, made), _training(view), *_parts(view, slices), *_movies(view, shares)]
    names = ", ".join(entry.run_id for entry in view.entries)
    return html_report(f"Comparison of {names}", sections)


def _results(view: View, differences: Mapping[str, Difference], made: str) -> list[Section]:
    if not view.measured:
        return [Section("Results", (f"Made {made}.", "None of the runs was measured."))]
    measure = MEASURES[view.measure]
    tested = [found.sentence(run_id, view.base, measure) for run_id, found in differences.items()]
    texts = [f"Made {made}.", *words.warnings(view), *tested, *words.beaten_by_baselines(view), words.how_tested(view)]
    found = [
        Section("Results", texts, [scores(view, differences)], [Drawing(best_figure(view, LIGHT), words.best(view))]),
        Section("What they are and what they cost", tables=[costs(view)]),
    ]
    if not published(view).empty:
        found.insert(1, Section("Published by others", published_notes(view), [published(view)]))
    return found


def _training(view: View) -> Section:
    drawings = [
        Drawing(curve_figure(view, key, name, LIGHT), words.curves(view, key, name))
        for key, name in (EVALUATIONS | LOGGED).items()
        if curves_of(view, key)
    ]
    return Section("Training", [words.validated(view)], drawings=drawings)


def _parts(view: View, slices: Mapping[str, pd.DataFrame]) -> list[Section]:
    kinds = dict.fromkeys(kind for frame in slices.values() for kind in frame["slice_kind"])
    drawings = [
        Drawing(slice_figure(view, slices, kind, LIGHT), words.slices(slices, kind, MEASURES[view.measure]))
        for kind in kinds
    ]
    return [Section("Kinds of wishes", drawings=drawings)] if drawings else []


def _movies(view: View, shares: pd.DataFrame) -> list[Section]:
    drawings = [
        Drawing(beyond_figure(view, name, LIGHT), f"{words.beyond(view, name)} {capitalised(meaning)}.")
        for name, (_, _, meaning) in BEYOND.items()
        if beyond_bars(view, name)
    ]
    if not shares.empty:
        drawings.append(Drawing(heat_map(LIGHT, shares), words.most_recommended(shares)))
    return [Section("Movies", drawings=drawings)] if drawings else []
