"""Figures and tests in sentences: for the page, for alternative texts, for the report."""

from collections.abc import Mapping, Sequence

import pandas as pd

from recommender.compare.choice import SOURCE_NAMES, describe_group
from recommender.compare.entries import MEASURES, Entry
from recommender.compare.figures import curves_of, list_bars
from recommender.compare.lists import Lists, unknown
from recommender.compare.view import View
from recommender.evaluation.comparison import DRAWS
from recommender.evaluation.measures import CALIBRATED, at, measure_of
from recommender.evaluation.records import Record
from recommender.evaluation.resampling import INTERVAL_DRAWS
from recommender.wording import BASELINE_NAMES, chosen_on_test

LEAKS = {
    "notebook": "copying the movies that the wish names, latest first, scores nDCG@10 0.233 on the test split",
    "paper": "copying the movies that the wish names, latest first, scores nDCG@10 0.221 on the test split",
}


def warnings(view: View) -> list[str]:
    """Warnings to show before the numbers."""
    found = []
    if view.protocol in LEAKS:
        found.append(
            f"Under the protocol {view.protocol} more than a fifth of the targets are already in the wish: "
            f"{LEAKS[view.protocol]}. These numbers say little about a real wish."
        )
    if _measured_apart(view):
        found.append(
            "These runs were not measured on the same wishes: their seed, held-out share or data differ. "
            "The numbers may differ for that reason alone."
        )
    others = [entry for entry in view.measured if entry.config.protocol != view.protocol]
    if others:
        names = ", ".join(f"{entry.run_id} ({entry.config.protocol})" for entry in others)
        found.append(f"Trained under another protocol than the one measured here: {names}. Compare with care.")
    here = [entry.run_id for entry in view.measured if view.group in entry.measured_here]
    if here:
        found.append(f"Measured on this machine, not part of the included results: {', '.join(here)}.")
    found += [chosen_on_test(e.run_id) for e in view.entries if e.config.training.chosen_on == "test"]
    return found


def _measured_apart(view: View) -> bool:
    """Whether the reports are of other examples."""
    return len({_held_out(view, entry) for entry in view.measured}) > 1


def _held_out(view: View, entry: Entry) -> tuple[object, ...]:
    """By what the examples of two runs may differ. ReDial has a test split of its own; all else is held out by the
    run's settings, and what is drawn for that depends on its seed."""
    report, data = view.report(entry), entry.config.data
    size = report.examples, report.target_count
    if report.split == "test" and view.protocol != "next_movie":
        return size
    drawn = data.hold_out == "random" or data.held_out_movies > 0
    return *size, data.hold_out, report.seed if drawn else None


def validated(view: View) -> str:
    """What the curves show, and which runs are left out."""
    text = (
        "Measured during training on held-out data, not on the test split. Same colour: same model. Solid: original "
        "trainer; dashed: weighted."
    )
    if view.trained_otherwise:
        names = ", ".join(
            f"{entry.run_id} ({entry.config.protocol}, {SOURCE_NAMES[entry.validated_on.source]})"
            for entry in view.trained_otherwise
        )
        text += (
            " Not shown, because they were trained under another protocol, on other data, or with the epoch chosen on "
            f"the test split: {names}."
        )
    return text


def how_tested(view: View) -> str:
    """What was measured on what, and how differences were tested."""
    reference = view.reference
    if reference is None or view.group is None:
        return ""
    whole = "people" if view.protocol == "next_movie" else "dialogues"
    return (
        f"{describe_group(view.group)}: {reference.examples:,} wishes with {reference.target_count:,} targets, ranked "
        f"over the whole catalogue. Intervals: 95 % of {INTERVAL_DRAWS:,} bootstrap samples of {whole} ({DRAWS:,} for "
        f"differences). Differences: paired randomisation test over {whole}. The first p is that of the single test, "
        "the second is corrected (Holm) for all runs and measures compared with the base. “No significant difference” "
        "means a corrected p of 0.05 or more."
    )


def beaten_by_baselines(view: View) -> list[str]:
    """For each baseline that beats a run: which runs it beats."""
    sentences = []
    for name, values in (view.reference.baselines if view.reference else {}).items():
        mark = values[view.measure]
        behind = [entry.run_id for entry in view.measured if view.report(entry).metrics[view.measure] < mark]
        if behind:
            who = "every run" if len(behind) == len(view.measured) > 1 else ", ".join(behind)
            baseline = f"{BASELINE_NAMES.get(name, name)} ({MEASURES[view.measure]} {mark:.4f})"
            sentences.append(f"The baseline {baseline} beats {who}.")
    return sentences


def trained_on(view: View) -> str:
    """The devices, and the meaning of the cost columns."""
    devices = {entry.run_id: view.report(entry).device or entry.status.device for entry in view.measured}
    if len(set(devices.values())) == 1:
        where = f"Trained on {next(iter(devices.values())) or 'an unknown device'}."
    else:
        where = f"Trained on: {'; '.join(f'{run_id}: {device}' for run_id, device in devices.items())}."
    return f"Time: training. Memory: its peak. {where}"


def best(view: View) -> str:
    values = {entry.run_id: view.report(entry).metrics[view.measure] for entry in view.measured}
    listed = ", ".join(f"{run_id} {value:.4f}" for run_id, value in values.items())
    measure = MEASURES[view.measure]
    return f"{measure} of each run with its 95 % interval: {listed}. Lines: baselines. Last row: published values."


def lists(view: View, values: Lists, name: str) -> str:
    measure = measure_of(name)
    listed = ", ".join(f"{bar.mark.name} {format(bar.value, measure.form)}" for bar in list_bars(view, values, name))
    return f"{measure.title}@{view.cutoff} of each run: {listed}."


def explained(view: View, values: Lists, name: str) -> str:
    """The meaning of a measure, and on how many wishes it is computed if not on all."""
    count = calibrated(view, values) if name == "calibration" else ""
    return f"{measure_of(name).explained} {count}".rstrip()


def spans(numbers: Sequence[int]) -> str:
    """
    >>> spans([1, 2, 3, 10, 50, 51])
    '1 to 3, 10, 50 to 51'
    """
    ends = [place for place, number in enumerate(numbers) if number + 1 not in numbers]
    starts = [0, *(end + 1 for end in ends[:-1])]
    pairs = ((numbers[start], numbers[end]) for start, end in zip(starts, ends, strict=True))
    return ", ".join(f"{first} to {last}" if first < last else str(first) for first, last in pairs)


def popularity(view: View, values: Lists, targets: float | None) -> str:
    """Accuracy against popularity in words."""
    known, right = lists(view, values, "popularity"), lists(view, values, "ndcg")
    line = "" if targets is None else f" The targets themselves: {targets:.0f}."
    return f"Accuracy against popularity of the recommended movies. {known}{line} {right}"


def calibrated(view: View, values: Lists) -> str:
    """The number of wishes behind the calibration; empty if unknown."""
    counts = [int(found[key]) for found in values.values() if (key := at(CALIBRATED, view.cutoff)) in found]
    if not counts:
        return ""
    span = f"{min(counts):,}" if min(counts) == max(counts) else f"{min(counts):,} to {max(counts):,}"
    return f"Miscalibration is computed on the {span} wishes that name a movie with known genres."


def unknown_of(view: View, values: Lists, records: Mapping[str, Record]) -> list[str]:
    """The measures that are unknown for some runs: a sentence for each reason."""
    found: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for lacking in unknown(values, records, view.cutoff):
        found.setdefault((lacking.names, lacking.reason), []).append(lacking.run_id)
    return [
        f"Unknown for {', '.join(runs)}: {', '.join(measure_of(name).title.lower() for name in names)}. {reason}"
        for (names, reason), runs in found.items()
    ]


def curves(view: View, key: str, name: str) -> str:
    """The first and last value of each curve."""
    listed = ", ".join(
        f"{curve.mark.name} from {curve.values[0]:.4f} to {curve.values[-1]:.4f}" for curve in curves_of(view, key)
    )
    return f"{name} over the epochs: {listed}."


def slices(frames: Mapping[str, pd.DataFrame], kind: str, measure: str) -> str:
    """The values of each run on each subset of the wishes."""
    parts = []
    for run_id, frame in frames.items():
        chosen = frame[frame["slice_kind"] == kind]
        values = ", ".join(f"{name} {value:.3f}" for name, value in zip(chosen["slice"], chosen["value"], strict=True))
        parts.append(f"{run_id}: {values}")
    return f"{measure} by {kind.lower()}. {'; '.join(parts)}."


def most_recommended(shares: pd.DataFrame) -> str:
    """The most recommended movie of each run."""
    listed = ", ".join(f"{run} {shares[run].idxmax()} ({shares[run].max():.0%})" for run in shares.columns)
    return f"Share of wishes with a movie in the top ten. The most recommended movie of each run: {listed}."
