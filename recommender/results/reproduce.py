"""Runs an experiment again and compares what comes out with what was recorded."""

import logging
from dataclasses import dataclass

from recommender.config import TargetKind
from recommender.config.presets import load_preset
from recommender.data.redial import load_dialogues
from recommender.data.task import load_catalog
from recommender.errors import DataError, RecommenderError
from recommender.results.experiments import Experiment
from recommender.results.measure import measure_run
from recommender.results.records import KEPT, Result, band, result_of, results_of
from recommender.runs.folder import Run, find_run, list_runs, new_run
from recommender.settings import Settings
from recommender.wording import SAMPLE

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Comparison:
    """One figure beside what was recorded: `expected` is None where nothing was."""

    targets: str
    metric: str
    value: float
    expected: tuple[float, float] | None

    @property
    def as_expected(self) -> bool:
        return self.expected is None or self.expected[0] <= self.value <= self.expected[1]

    @property
    def verdict(self) -> str:
        return "as expected" if self.as_expected else "OUTSIDE"


def reproduce(experiment: Experiment, seed: int, settings: Settings) -> list[Comparison]:
    """Train what is not trained yet, go on with what was interrupted, and measure.

    The runs are called `again-...`. Raises `DataError` without ReDial and `RecommenderError` for a run that was
    stopped.
    """
    config = load_preset(experiment.preset, list(experiment.overrides))
    if load_dialogues(config.data.source, settings, load_catalog(settings)).source == "sample":
        raise DataError(f"The recorded figures are ReDial's; here is only {SAMPLE}. Set RECOMMENDER_DATA_DIR.")
    before = ""
    if experiment.first:
        preset, *overrides = experiment.first
        before = _train(f"again-{experiment.name}-first-s{seed}", preset, seed, tuple(overrides), "", settings).run_id
    name = f"again-{experiment.name}-s{seed}"
    run = _train(name, experiment.preset, seed, experiment.overrides, before, settings)
    results = [_measure(run, experiment, seed, targets, settings) for targets in experiment.targets]
    return [comparison for result in results for comparison in compare(result)]


def compare(result: Result) -> list[Comparison]:
    """Every figure beside its recorded band."""
    recorded = results_of(result.experiment, result.targets)
    return [
        Comparison(result.targets, metric, result.metrics[metric][0], band(recorded, metric) if recorded else None)
        for metric in KEPT
    ]


def _train(run_id: str, preset: str, seed: int, overrides: tuple[str, ...], start_from: str, settings: Settings) -> Run:
    from recommender.training.run import train_run

    if run_id in {run.run_id for run in list_runs(settings)}:
        run = find_run(run_id, settings)
        if run.status().state != "finished":
            train_run(run, settings, resume=True)
        return _finished(run)
    begin = [f"start_from={start_from}"] if start_from else []
    run = new_run(run_id, load_preset(preset, [*overrides, f"seed={seed}", *begin]), settings)
    train_run(run, settings)
    return _finished(run)


def _finished(run: Run) -> Run:
    status = run.status()
    sample = status.source_kind == "sample"
    if status.state != "finished" or sample:
        what = f"learned from {SAMPLE}" if sample else f"is {status.state}"
        raise RecommenderError(f"The run {run.run_id} {what}. Delete its folder, or go on by the same command.")
    return run


def _measure(run: Run, experiment: Experiment, seed: int, targets: TargetKind, settings: Settings) -> Result:
    report, record = measure_run(run, experiment.protocol, experiment.split, targets, settings)
    run.measurements.write_report(report, record)
    return result_of(experiment, seed, report)
