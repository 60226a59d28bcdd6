"""The HTML report of a view: the page's tables, figures and sentences, in light colours."""

from collections.abc import Mapping

import pandas as pd

from recommender.charts.comparison import heat_map
from recommender.charts.style import LIGHT
from recommender.compare import words
from recommender.compare.curves import EVALUATIONS, LOGGED
from recommender.compare.differences import Difference
from recommender.compare.entries import MEASURES
from recommender.compare.figures import (
    best_figure,
    curve_figure,
    curves_of,
    list_bars,
    list_figure,
    popularity_figure,
    slice_figure,
)
from recommender.compare.html_page import Drawing, Section, html_report
from recommender.compare.lists import SHOWN, Lists
from recommender.compare.table import costs, list_table, published, published_notes, scores
from recommender.compare.view import View
from recommender.evaluation.measures import measure_of


def comparison_report(
    view: View,
    differences: Mapping[str, Difference],
    slices: Mapping[str, pd.DataFrame],
    lists: Lists,
    targets: float | None,
    shares: pd.DataFrame,
    made: str,
) -> str:
    """One HTML file. `slices`, `lists`, `targets`, `shares`: what the page shows, empty where there is nothing; `made`:
    when."""
    sections = [*_results(view, differences, made), _training(view), *_parts(view, slices)]
    sections += [*_lists(view, lists, targets), *_movies(shares)]
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
        Section("Models and costs", tables=[costs(view)]),
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


def _lists(view: View, lists: Lists, targets: float | None) -> list[Section]:
    known = [name for name in SHOWN if list_bars(view, lists, name)]
    if not known:
        return []
    texts = [f"The first {view.cutoff} of every list.", words.calibrated(view, lists)]
    drawings = [
        Drawing(
            list_figure(view, lists, name, LIGHT),
            f"{words.lists(view, lists, name)} {measure_of(name).explained}",
        )
        for name in known
    ]
    if "popularity" in known:
        picture = popularity_figure(view, lists, targets, LIGHT)
        drawings.insert(0, Drawing(picture, words.popularity(view, lists, targets)))
    return [Section("Beyond accuracy", [text for text in texts if text], [list_table(view, lists)], drawings)]


def _movies(shares: pd.DataFrame) -> list[Section]:
    if shares.empty:
        return []
    return [Section("Movies", drawings=[Drawing(heat_map(LIGHT, shares), words.most_recommended(shares))])]
