"""What the experiments gave: one line a seed and kind of target, taken from the reports of their runs."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

from recommender.errors import DataError
from recommender.files import write_atomically
from recommender.results.experiments import EXPERIMENTS, Experiment

FILE = Path(__file__).parent / "records.jsonl"
SHIPPED_SEED = 42  # also that of a run whose name says none
KEPT = ("ndcg@10", "recall@1", "recall@10", "recall@50", "mrr@10")


@dataclass(frozen=True)
class Result:
    """One measurement on the experiment's split. `metrics`: name -> (value, low, high), the 95 % interval of a
    bootstrap over dialogues. `baselines`: baseline -> metric -> value, on the same examples."""

    experiment: str
    seed: int
    targets: str
    metrics: dict[str, tuple[float, float, float]]
    baselines: dict[str, dict[str, float]]
    examples: int
    target_count: int
    epoch: float | None
    seconds: float
    device: str
    commit: str


def result_of(experiment: Experiment, seed: int, report: dict[str, Any]) -> Result:
    """Raises `DataError` for a report of something else."""
    facts = (report["protocol"], report["split"], report["seed"])
    if facts != (experiment.protocol, experiment.split, seed) or report["targets"] not in experiment.targets:
        raise DataError(f"This is no report of {experiment.name} with seed {seed}: {facts}, {report['targets']}.")
    if report["source"] == "sample":
        raise DataError(f"The report of {experiment.name} was measured on the synthetic sample.")
    if report.get("data"):
        raise DataError(f"The report of {experiment.name} was measured on other data than ReDial: {report['data']}.")
    rounded = {name: round(report["metrics"][name], 6) for name in KEPT}
    return Result(
        experiment=experiment.name,
        seed=seed,
        targets=report["targets"],
        metrics={name: (value, *(round(x, 6) for x in report["intervals"][name])) for name, value in rounded.items()},
        baselines={kind: {n: round(values[n], 6) for n in KEPT} for kind, values in report["baselines"].items()},
        examples=report["examples"],
        target_count=report["target_count"],
        epoch=report.get("epoch"),
        seconds=report.get("seconds", 0.0),
        device=report.get("device", ""),
        commit=report["commit"],
    )


@cache
def load_results(path: Path = FILE) -> tuple[Result, ...]:
    """Every recorded measurement. Raises `DataError` for a damaged file."""
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return tuple(Result(**{**row, "metrics": {n: tuple(v) for n, v in row["metrics"].items()}}) for row in rows)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path} is damaged: {error}.") from error


def write_results(results: Iterable[Result], path: Path = FILE) -> None:
    """In the order of the experiments, so that a change shows as a small diff."""
    order = {name: place for place, name in enumerate(EXPERIMENTS)}
    ordered = sorted(results, key=lambda r: (order[r.experiment], r.targets, r.seed))
    write_atomically(path, "".join(json.dumps(asdict(result)) + "\n" for result in ordered))
    load_results.cache_clear()


def collect_results(folder: Path, path: Path = FILE) -> list[str]:
    """Record the reports of the runs below a folder: a run is the one of an experiment if it has its name and seed
    (`paper-softmax-rnn-s1`, `again-default-s42`), or its name alone. Returns a line for each; what was recorded of the
    same seed before is replaced."""
    found = {}
    for run in sorted(folder.iterdir()):
        name, seed = experiment_of(run.name)
        experiment = EXPERIMENTS.get(name)
        if experiment is None:
            continue
        for file in sorted(run.glob(f"report-*-{experiment.split}-*.json")):
            report = json.loads(file.read_text(encoding="utf-8"))
            if report.get("data"):  # of somebody's own data: no record of the experiment
                continue
            if report["targets"] in experiment.targets and report["protocol"] == experiment.protocol:
                found[name, seed, report["targets"]] = result_of(experiment, seed, report)
    kept = [r for r in _recorded(path) if (r.experiment, r.seed, r.targets) not in found]
    write_results([*kept, *found.values()], path)
    return [f"{name}, seed {seed}, {targets}: {r.metrics['ndcg@10'][0]}" for (name, seed, targets), r in found.items()]


def _recorded(path: Path) -> tuple[Result, ...]:
    return load_results(path) if path.exists() else ()


def experiment_of(run_id: str) -> tuple[str, int]:
    """The name and the seed that a run's name stands for."""
    name, separator, seed = run_id.removeprefix("again-").rpartition("-s")
    return (name, int(seed)) if separator and seed.isdecimal() else (run_id.removeprefix("again-"), SHIPPED_SEED)


def results_of(name: str, targets: str = "all") -> list[Result]:
    """Of one experiment, a seed each."""
    return [result for result in load_results() if (result.experiment, result.targets) == (name, targets)]


def band(results: list[Result], metric: str) -> tuple[float, float]:
    """Where the figure of another run of the same experiment is expected: from the lowest to the highest end of the
    seeds' 95 % intervals."""
    return min(r.metrics[metric][1] for r in results), max(r.metrics[metric][2] for r in results)


def shipped_result(name: str, targets: str = "all") -> Result:
    """The measurement with the seed that ships. Raises `DataError` if it was not recorded."""
    found = [result for result in results_of(name, targets) if result.seed == SHIPPED_SEED]
    if not found:
        raise DataError(f"The experiment {name} ({targets}) is not recorded with seed {SHIPPED_SEED}.")
    return found[0]


def baseline_of(results: list[Result], kind: str, metric: str) -> float:
    """Where the training split is drawn by the seed, the baselines fitted on it differ a little too."""
    return mean(result.baselines[kind][metric] for result in results)
