"""Results shared by the tabs, cached for all sessions."""

from contextlib import suppress

import pandas as pd
import streamlit as st

from recommender.compare.differences import Difference, corrected, difference
from recommender.compare.entries import MEASURES, Entry
from recommender.compare.lists import catalog_of, cutoffs_of, measures_at, targets_popularity
from recommender.compare.view import View
from recommender.data.catalog import Catalog
from recommender.data.examples import Example
from recommender.errors import RecommenderError
from recommender.evaluation import comparison
from recommender.evaluation.records import Record
from recommender.settings import settings

Key = tuple[str, str]


def _key(view: View, entry: Entry) -> Key:
    """A report is written together with the record behind it, so a new report means a new record."""
    return str(entry.run.folder), view.report(entry).model_dump_json()


def records_of(view: View) -> tuple[dict[str, Record], dict[str, str]]:
    """Per-wish results of the measured runs; and run id -> why there are none."""
    records: dict[str, Record] = {}
    missing: dict[str, str] = {}
    for entry in view.measured:
        try:
            record = _record(_key(view, entry), view, entry)
        except RecommenderError as error:
            missing[entry.run_id] = str(error)
            continue
        if record is None:
            missing[entry.run_id] = f"{entry.run_id} was measured by an older version, without per-wish results."
        else:
            records[entry.run_id] = record
    return records, missing


@st.cache_resource(max_entries=32, show_spinner=False)
def _record(key: Key, _view: View, _entry: Entry) -> Record | None:
    return _entry.record(_view.report(_entry))


def differences_of(view: View) -> dict[str, Difference]:
    """The paired test of every other measured run against the base, in the view's measure. P values are corrected for
    all measures, since the reader may choose any of them."""
    records, missing = records_of(view)
    found = {}
    for entry in view.measured:
        if entry.run_id == view.base:
            continue
        reasons = [missing[run_id] for run_id in (view.base, entry.run_id) if run_id in missing]
        for measure in MEASURES:
            if reasons:
                found[entry.run_id, measure] = Difference(None, " ".join(reasons))
            else:
                keys = _key(view, view.entry(view.base)), _key(view, entry)
                found[entry.run_id, measure] = _difference(keys, measure, records[view.base], records[entry.run_id])
    return {run_id: one for (run_id, measure), one in corrected(found).items() if measure == view.measure}


@st.cache_data(max_entries=512, show_spinner=False)
def _difference(keys: tuple[Key, Key], measure: str, _base: Record, _other: Record) -> Difference:
    return difference(_base, _other, measure)


def slices_of(view: View) -> dict[str, pd.DataFrame]:
    """Run id -> its measure on subsets of the wishes."""
    records, _ = records_of(view)
    return {run_id: _slices(_key(view, view.entry(run_id)), view.measure, record) for run_id, record in records.items()}


@st.cache_data(max_entries=128, show_spinner=False)
def _slices(key: Key, measure: str, _record: Record) -> pd.DataFrame:
    return comparison.slices(_record, measure)


def cutoffs_for(view: View) -> list[int]:
    """The cut-offs available for all measured runs."""
    records, _ = records_of(view)
    return cutoffs_of([view.report(entry) for entry in view.measured], list(records.values()))


def lists_of(view: View) -> dict[str, dict[str, float]]:
    """Run id -> properties of its lists at the view's cut-off, as far as known."""
    records, _ = records_of(view)
    return {
        entry.run_id: _lists(_key(view, entry), view.cutoff, view, entry, records.get(entry.run_id))
        for entry in view.measured
    }


@st.cache_data(max_entries=256, show_spinner=False)
def _lists(key: Key, cutoff: int, _view: View, _entry: Entry, _record: Record | None) -> dict[str, float]:
    catalog = None
    if _record is not None:
        with suppress(RecommenderError):  # without the catalogue some measures are unknown; the page says so
            catalog = catalog_for(_entry, _record)
    return measures_at(cutoff, _view.report(_entry), _record, catalog)


def targets_popularity_of(view: View) -> float | None:
    """The mean popularity of the targets, from the base's record or the first available."""
    records, _ = records_of(view)
    record = records.get(view.base) or next(iter(records.values()), None)
    return None if record is None else targets_popularity(record)


def shares_of(view: View) -> pd.DataFrame:
    """Titles x runs: the share of wishes whose top ten holds the movie. Raises `RecommenderError`."""
    records, _ = records_of(view)
    shares = comparison.most_recommended(records)
    run_id, record = next(iter(records.items()))
    catalog = catalog_for(view.entry(run_id), record)
    return shares.rename(index=lambda place: catalog[place].name)


def catalog_for(entry: Entry, record: Record) -> Catalog:
    """The movies of a record's rankings. Raises `RecommenderError`."""
    return _catalog(str(entry.run.folder), record.catalog, entry, record)


@st.cache_resource(max_entries=4, show_spinner=False)
def _catalog(folder: str, fingerprint: str, _entry: Entry, _record: Record) -> Catalog:
    return catalog_of(_entry, _record, settings())


def wishes_of(view: View, record: Record, catalog: Catalog) -> list[Example]:
    """Text and targets of every wish of the base's record, in its order. Raises `DataError`."""
    entry = view.entry(view.base)
    return _wishes(_key(view, entry), view, entry, record, catalog)


@st.cache_data(max_entries=4, show_spinner="Reading the wishes…")
def _wishes(key: Key, _view: View, _entry: Entry, _record: Record, _catalog: Catalog) -> list[Example]:
    from recommender.evaluation.wishes import look_up  # torch

    report = _view.report(_entry).model_dump()
    return look_up(_record.example_ids, report, _entry.config.data, _catalog, settings())
