"""A run as the comparison reads it: settings, reports, log."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from recommender.config import SELECTION_TARGETS, RunConfig
from recommender.errors import CheckpointError, RecommenderError, first_problem
from recommender.evaluation.records import Record
from recommender.runs.folder import Run, best_row
from recommender.runs.reports import Reports
from recommender.runs.status import Status

MEASURES = {"ndcg@10": "nDCG@10", "recall@1": "Recall@1", "recall@10": "Recall@10", "recall@50": "Recall@50"}


def _with_all_measures(metrics: dict[str, float]) -> dict[str, float]:
    if missing := MEASURES.keys() - metrics.keys():
        raise ValueError(f"{', '.join(sorted(missing))} is missing")
    return metrics


T = TypeVar("T")
Metrics = Annotated[dict[str, FiniteFloat], AfterValidator(_with_all_measures)]
BASELINE_FILE = TypeAdapter(dict[str, dict[str, FiniteFloat]])


class Group(NamedTuple):
    """Only reports of one group may be compared. Those of ReDial's test split are of the same examples; those of
    validation, and all of ratings, only if the runs held out the same dialogues or events, which is warned of."""

    source: str
    protocol: str
    split: str
    targets: str
    data: str = ""  # fingerprint of what is no published data


def _published_data(protocol: str) -> str:
    return "movielens" if protocol == "next_movie" else "redial"


class Report(BaseModel):
    """A report as far as the comparison reads it. Older ones lack what stands here with a default."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    source: str
    protocol: str
    split: str
    targets: str
    data: str = ""
    examples: int
    target_count: int
    seed: int
    metrics: Metrics
    intervals: dict[str, tuple[float, float]] = Field(default_factory=dict)
    baselines: dict[str, Metrics] = Field(default_factory=dict)
    beyond: dict[str, float] = Field(default_factory=dict)
    epoch: float | None = None
    parameters: dict[str, int] = Field(default_factory=dict)
    seconds: float | None = None
    device: str = ""
    peak_memory_mb: int | None = None

    @property
    def group(self) -> Group:
        # A folder, the cache and the hub hold the same dialogues.
        source = self.source if self.source == "sample" else _published_data(self.protocol)
        return Group(source, self.protocol, self.split, self.targets, self.data)


@dataclass(frozen=True)
class Entry:
    """One run. `problems` say which of its files cannot be read; the rest is there."""

    run: Run
    config: RunConfig
    status: Status
    reports: dict[Group, Report]
    baselines: dict[str, dict[str, float]]  # on the run's own validation examples
    problems: tuple[str, ...] = ()
    measured_here: frozenset[Group] = frozenset()  # of a run that ships: the reports that do not

    @property
    def run_id(self) -> str:
        return self.run.run_id

    @property
    def trainer(self) -> str:
        """What the loss makes of it: `"original"` (BCE), `"weighted"`, ... A baseline has none."""
        return self.config.loss.trainer if self.config.model.learns else "none"

    @property
    def architecture(self) -> str:
        """`"MiniLM frozen, text + RNN + tags"`: two runs with the same one differ in how they were trained only."""
        return self.config.model.summary

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """What the run logged while it trained; nothing where `problems` say that it cannot be read."""
        try:
            return self.run.metrics()
        except CheckpointError:
            return []

    @property
    def best_epoch(self) -> float | None:
        """The epoch whose weights were kept; None for a run that was never validated."""
        return (best_row(self.rows) or {}).get("epoch")

    @property
    def validated_on(self) -> Group:
        """The examples on which its epoch was picked, and which its curves are of."""
        protocol = self.config.protocol
        # A run that waits has read no data yet.
        sample = "sample" in (self.status.source_kind, self.config.data.source)
        source = "sample" if sample else _published_data(protocol)
        data = self.status.other_data
        return Group(source, protocol, self.config.training.chosen_on, SELECTION_TARGETS[protocol], data)

    @property
    def validation(self) -> Report | None:
        """What was measured on these examples when the training had ended."""
        return self.reports.get(self.validated_on)

    @property
    def validation_baselines(self) -> dict[str, dict[str, float]]:
        """On the run's own validation examples; empty where that was never measured, or cannot be read."""
        return self.baselines or (dict(self.validation.baselines) if self.validation else {})

    def record(self, report: Report) -> Record | None:
        """The single examples behind one of its reports. Raises `CheckpointError` for a damaged file."""
        folder = self.run.measurements if report.group in self.measured_here else self.run
        return folder.record(report.model_dump())


def read_entry(run: Run) -> Entry:
    """Raises `RecommenderError` if the run's config or status cannot be read: then nothing can be said of it."""
    config, status = run.config(), run.status()
    problems: list[str] = []
    reports = _read_reports(run, problems)
    own = _read_reports(run.measurements, problems) if run.ships else {}
    measured = _checked(
        lambda: BASELINE_FILE.validate_python(run.baselines()), f"{run.run_id}/baselines.json", problems
    )
    _checked(run.check_metrics, f"{run.run_id}/metrics.jsonl", problems)
    return Entry(run, config, status, reports | own, measured or {}, tuple(problems), frozenset(own))


def _read_reports(folder: Reports, problems: list[str]) -> dict[Group, Report]:
    names = folder.report_names()
    found = [_checked(_reader(folder, name), f"{folder.run_id}/{name}", problems) for name in names]
    return {report.group: report for report in found if report}


def _reader(run: Reports, name: str) -> Callable[[], Report]:
    return lambda: Report.model_validate(run.report(name))


def _checked(read: Callable[[], T], file: str, problems: list[str]) -> T | None:
    """What `read` gives, or None and one problem more."""
    try:
        return read()
    except RecommenderError as error:
        problems.append(str(error))
    except ValidationError as error:
        problems.append(f"{file} is damaged: {first_problem(error)}.")
    return None


def read_entries(runs: list[Run]) -> tuple[list[Entry], dict[str, str]]:
    """The runs that can be read, and run id -> what is wrong with each of the others."""
    entries, damaged = [], {}
    for run in runs:
        try:
            entries.append(read_entry(run))
        except RecommenderError as error:
            damaged[run.run_id] = str(error)
    return entries, damaged
