"""The comparison as tables: numbers for CSV, formatted text for the page and the HTML report."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from recommender.compare.differences import Difference
from recommender.compare.entries import MEASURES, Entry, Group
from recommender.compare.lists import SHOWN, Lists
from recommender.compare.published import Published, published_for
from recommender.compare.view import View
from recommender.evaluation.measures import at, measure_of
from recommender.wording import BASELINE_NAMES, defused, duration, memory

NONE = "–"
SHORT = {"ndcg@10": "nDCG@10", "recall@1": "R@1", "recall@10": "R@10", "recall@50": "R@50"}  # heads of columns


def results(view: View, differences: Mapping[str, Difference], lists: Lists) -> pd.DataFrame:
    """One line a measured run, baseline and published value, all numbers in full: for the CSV file. What is beyond
    accuracy stands there as reported, and at the view's cut-off."""
    reference = view.reference
    if reference is None or view.group is None:
        return pd.DataFrame()
    where = {**view.group._asdict(), "examples": reference.examples}
    rows = [
        {"kind": "run", "name": entry.run_id, **where, **_measured(view, entry), **lists.get(entry.run_id, {})}
        | _apart(view, entry, differences)
        for entry in view.measured
    ]
    rows += [
        {"kind": "baseline", "name": name, **where, **_values(values)} for name, values in reference.baselines.items()
    ]
    rows += [
        {"kind": "published", "name": item.name, **view.group._asdict(), **_values(item.values), "note": item.note}
        | {"source": "", "split": ""}
        for item in published_rows(view)
    ]
    return pd.DataFrame(rows)


def as_csv(table: pd.DataFrame) -> str:
    """A table as CSV, with text that looks like a formula made harmless."""
    texts = table.map(lambda value: defused(value) if isinstance(value, str) else value)
    return str(texts.rename(columns=defused).to_csv(index=False))


def _measured(view: View, entry: Entry) -> dict[str, Any]:
    report, status = view.report(entry), entry.status
    intervals = {
        f"{measure} {end}": value
        for measure in MEASURES
        if measure in report.intervals
        for end, value in zip(("low", "high"), report.intervals[measure], strict=True)
    }
    return {
        "trainer": entry.trainer,
        "architecture": entry.architecture,
        "trained for": entry.config.protocol,
        "examples": report.examples,
        **_values(report.metrics),
        **intervals,
        "best epoch": report.epoch if report.epoch is not None else entry.best_epoch,
        "seconds": report.seconds if report.seconds is not None else status.seconds,
        "memory MB": report.peak_memory_mb if report.peak_memory_mb is not None else status.peak_memory_mb,
        "device": report.device or status.device,
        "parameters trained": report.parameters.get("trained"),
        "parameters": report.parameters.get("all"),
        **report.beyond,
    }


def _values(metrics: Mapping[str, float]) -> dict[str, float]:
    return {measure: metrics[measure] for measure in MEASURES if measure in metrics}


def _apart(view: View, entry: Entry, differences: Mapping[str, Difference]) -> dict[str, Any]:
    found = differences.get(entry.run_id)
    if found is None:
        return {}
    facts: dict[str, Any] = {"base": view.base, "measure": view.measure}
    if found.paired is None:
        return {**facts, "note": f"not tested: {found.reason}"}
    pair = found.paired
    return {
        **facts,
        "difference": pair.difference,
        "difference low": pair.low,
        "difference high": pair.high,
        "p": pair.p,
        "p corrected": pair.p if found.corrected is None else found.corrected,
        "comparisons": found.family,
    }


def scores(view: View, differences: Mapping[str, Difference]) -> pd.DataFrame:
    """How good: one line a run, then the baselines, as texts."""
    rows = []
    for entry in view.measured:
        report = view.report(entry)
        brief = differences[entry.run_id].brief if entry.run_id in differences else "base"
        texts = _texts(view, report.metrics, report.intervals.get(view.measure))
        rows.append({"Run": entry.run_id, **texts, "vs. base": brief})
    reference = view.reference
    for name, values in (reference.baselines if reference else {}).items():
        rows.append({"Run": BASELINE_NAMES.get(name, name), **_texts(view, values, None), "vs. base": "baseline"})
    return pd.DataFrame(rows)


def list_table(view: View, lists: Lists) -> pd.DataFrame:
    """What the lists are like at the view's cut-off: one line a run, as texts, an arrow where one way is better."""
    return pd.DataFrame(
        {
            "Run": run_id,
            **{
                measure_of(name).heading(view.cutoff): _formed(values.get(at(name, view.cutoff)), name)
                for name in SHOWN
            },
        }
        for run_id, values in lists.items()
    )


def measure_table(view: View, lists: Lists) -> pd.DataFrame:
    """The same with one line a measure, in plain words: two runs beside each other fit a phone. No run has a name with
    spaces."""
    turned = list_table(view, lists).set_index("Run").T.rename_axis("Measure").rename_axis(None, axis="columns")
    turned["Meaning"] = [measure_of(name).what for name in SHOWN]
    return turned.reset_index()


def _formed(value: float | None, name: str) -> str:
    return NONE if value is None else format(value, measure_of(name).form)


def published_rows(view: View) -> tuple[Published, ...]:
    """Published figures under the view's protocol; none for the synthetic sample and for the user's own data."""
    return published_beside(view.group) if view.group else ()


def published_beside(group: Group) -> tuple[Published, ...]:
    return () if group.source == "sample" or group.data else published_for(group.protocol, group.targets)


def published(view: View) -> pd.DataFrame:
    """The published values as texts; empty if there are none."""
    found = published_rows(view)
    measures = [measure for measure in MEASURES if any(measure in item.values for item in found)]
    return pd.DataFrame(
        {"Published": item.name, **{SHORT[measure]: _number(item.values.get(measure)) for measure in measures}}
        for item in found
    )


def published_notes(view: View) -> list[str]:
    """The notes on the published values, each once."""
    return list(dict.fromkeys(item.note for item in published_rows(view)))


def costs(view: View) -> pd.DataFrame:
    """Model, training time, memory and parameters of each run, as text."""
    rows = []
    for entry in view.measured:
        facts = _measured(view, entry)
        rows.append(
            {
                "Run": entry.run_id,
                "Trainer": entry.trainer,
                "Best epoch": _epoch(facts["best epoch"], entry),
                "Time": duration(facts["seconds"]) if facts["seconds"] else NONE,
                "Memory": memory(facts["memory MB"]) if facts["memory MB"] else NONE,
                "Trained parameters": parameters(facts["parameters trained"], facts["parameters"]),
                "Model": entry.architecture,
            }
        )
    return pd.DataFrame(rows)


def _texts(view: View, metrics: Mapping[str, float], interval: tuple[float, float] | None) -> dict[str, str]:
    """The chosen measure with its interval, then the others."""
    texts = {SHORT[view.measure]: _number(metrics.get(view.measure))}
    texts["95 % interval"] = f"{interval[0]:.3f}–{interval[1]:.3f}" if interval else NONE
    return texts | {head: _number(metrics.get(measure)) for measure, head in SHORT.items() if measure != view.measure}


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.4f}"


def _epoch(epoch: float | None, entry: Entry) -> str:
    epochs = entry.config.training.epochs  # 0: its weights were taken over from another run
    return f"{epoch:.0f} of {epochs}" if epochs and epoch is not None else NONE


def parameters(trained: int | None, every: int | None) -> str:
    """
    >>> parameters(1_879_308, 24_500_000), parameters(0, 0), parameters(None, None)
    ('1.9 of 24.5 M', 'nothing', '–')
    """
    if trained is None or every is None:
        return NONE
    return f"{trained / 1e6:.1f} of {every / 1e6:.1f} M" if every else "nothing"
