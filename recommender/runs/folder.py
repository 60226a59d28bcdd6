"""Run folders: the only code that knows their file names. A reader never sees half a file or a half-written line."""

import errno
import json
import math
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ValidationError

from recommender.config import RunConfig
from recommender.config.values import parse_config
from recommender.data.catalog import Catalog
from recommender.errors import CheckpointError, DataError, RecommenderError, UnknownNameError, first_problem
from recommender.files import PLAIN_NAME, open_regular, part_of, remove_leftovers, write_atomically
from recommender.runs.metrics_log import MetricsLog
from recommender.runs.ownership import is_alive
from recommender.runs.reports import Reports
from recommender.runs.status import LIVE, migrated
from recommender.runs.status import State as State
from recommender.runs.status import Status as Status
from recommender.runs.weights import dump_learned, dump_weights, parse_learned, parse_weights
from recommender.settings import ROOT, Settings

if TYPE_CHECKING:  # torch takes a second to import, and the list of runs does not need it
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

DEFAULT_RUN = "default"  # the one that answers when no other is asked for
# What comes with the project: records have no weights, they are there to be compared.
SHIPPED_RECORDS = (
    "dialogue-one-shot",
    "dialogue-paper",
    "dialogue-paper-words",
    "original-frozen",
    "original-full",
    "original-tags-frozen",
    "weighted-full",
    "weighted-tags-frozen",
)
SHIPPED_RUNS = (DEFAULT_RUN, "weighted-frozen", *SHIPPED_RECORDS)
SELECTION_METRIC = "ndcg@10"  # higher is better; measured on validation, it picks the best epoch
SELECTED_BY = f"eval_{SELECTION_METRIC}"  # as metrics.jsonl names it
RUN_ID = PLAIN_NAME


def best_row(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Of the rows of metrics.jsonl the evaluation that picked the run's weights; None before there is one."""
    measured = [row for row in rows if is_number(row.get(SELECTED_BY))]
    return max(measured, key=lambda row: row[SELECTED_BY], default=None)


def is_number(value: object) -> bool:
    """A finite one: what a damaged or diverged row of the log holds need not be."""
    try:
        return isinstance(value, (int, float)) and math.isfinite(value)
    except OverflowError:  # whole numbers have no bound, floats have
        return False


@dataclass(frozen=True)
class Run(Reports):
    """One folder below the checkpoints folder."""

    writes: ClassVar[bool] = True  # of several processes that train a run only the first one writes

    @property
    def resume_folder(self) -> Path:
        """State to go on from after an interruption; removed when the run ends."""
        return self.folder / "resume"

    @property
    def keeps_epoch(self) -> bool:
        """Whether a finished epoch is there to go on from."""
        return any(self.resume_folder.glob("checkpoint-*"))

    @property
    def lock_file(self) -> Path:
        """Locked while a process writes the run; empty."""
        return self.folder / ".lock"

    @property
    def log_file(self) -> Path:
        return self.folder / "log.txt"

    def write_config(self, config: RunConfig) -> None:
        write_atomically(self.folder / "config.json", config.model_dump_json(indent=2) + "\n")

    def config(self) -> RunConfig:
        values = self.read_json("config.json")
        if not isinstance(values, dict):
            raise CheckpointError(f"{self.run_id}/config.json is damaged: it holds no settings.")
        return parse_config(values, f"{self.run_id}/config.json")

    def write_status(self, status: Status) -> None:
        status = status.model_copy(update={"updated": time.time()})
        write_atomically(self.folder / "status.json", status.model_dump_json(indent=2) + "\n")

    def status(self) -> Status:
        """The status as it is now: a run whose process was killed is `interrupted`."""
        try:
            status = Status.model_validate(migrated(self.read_json("status.json")))
        except ValidationError as error:
            raise CheckpointError(f"{self.run_id}/status.json is damaged: {first_problem(error)}.") from error
        return status.interrupted() if status.state in LIVE and not is_alive(self, status) else status

    def append_metrics(self, row: dict[str, Any]) -> None:
        line = (json.dumps(row) + "\n").encode()
        with self.metrics_file.open("ab") as file:  # buffered: a full disk is an error, not half a line
            file.write(line)

    def log_end(self, lines: int) -> list[str]:
        """The last lines of the log, without reading the whole of a long one. Raises `CheckpointError` for a link."""
        if not self.log_file.exists():
            return []
        try:
            with open_regular(self.log_file) as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - 200 * lines))
                return file.read().decode("utf-8", errors="replace").splitlines()[-lines:]
        except OSError as error:
            raise CheckpointError(f"Cannot read {self.run_id}/{self.log_file.name}: {error.strerror}.") from error

    @property
    def metrics_file(self) -> Path:
        return self.folder / "metrics.jsonl"

    def check_metrics(self) -> None:
        """Raises `CheckpointError` for a log of metrics that is a link or no regular file."""
        if self.metrics_file.exists() or self.metrics_file.is_symlink():
            self.check_regular("metrics.jsonl")

    def metrics(self) -> list[dict[str, Any]]:
        """The rows of the log, as `MetricsLog` reads them."""
        return MetricsLog(self.metrics_file).rows()

    def keep_metrics_until(self, step: int) -> None:
        """Drop what was logged after the step from which a run goes on."""
        logged = ((row, row.get("step", 0)) for row in self.metrics())
        rows = [json.dumps(row) for row, at in logged if is_number(at) and at <= step]
        write_atomically(self.metrics_file, "".join(f"{row}\n" for row in rows))

    def training_facts(self) -> dict[str, Any]:
        """What a report says of the training behind it: the epoch whose weights were kept (None without any), and what
        it took."""
        status = self.status()
        best = best_row(self.metrics()) or {}
        return {
            "epoch": best.get("epoch"),
            "seconds": status.seconds,
            "device": status.device,
            "peak_memory_mb": status.peak_memory_mb,
        }

    def write_baselines(self, metrics: dict[str, dict[str, float]]) -> None:
        write_atomically(self.folder / "baselines.json", json.dumps(metrics, indent=2) + "\n")

    def baselines(self) -> dict[str, dict[str, float]]:
        """Baseline -> metric -> value on the run's own validation examples; empty for a run that has not got there."""
        if not (self.folder / "baselines.json").exists():
            return {}
        found = self.read_json("baselines.json")
        if not isinstance(found, dict):
            raise CheckpointError(f"{self.run_id}/baselines.json is damaged: it holds no baselines.")
        return found

    def write_learned(self, digests: "NDArray[np.uint64]") -> None:
        """Numbers of the dialogues or events that the run learns from (`data.digests`)."""
        write_atomically(self.folder / "learned.safetensors", dump_learned(digests))

    def learned(self) -> "NDArray[np.uint64] | None":
        """None for a run of an older version. Raises `CheckpointError` if the file is damaged."""
        if not (self.folder / "learned.safetensors").exists():
            return None
        return parse_learned(self.read("learned.safetensors"), f"{self.run_id}/learned.safetensors")

    @property
    def ships(self) -> bool:
        """Whether it is one of the project's own runs: read only, its files come with the project."""
        return self.run_id in SHIPPED_RUNS and self.folder.parent.resolve() == ROOT / "checkpoints"

    @property
    def measurements(self) -> Reports:
        """Where reports are written: the run's own folder, and for a run that ships one beside it."""
        return Reports(self.folder.parent / ".measured" / self.run_id) if self.ships else self

    def write_catalog(self, catalog: Catalog) -> None:
        catalog.save(self.folder / "catalog.json")

    def catalog(self) -> Catalog:
        try:
            return Catalog.parse(self.read("catalog.json"), self.folder / "catalog.json")
        except DataError as error:
            raise CheckpointError(str(error)) from error

    def write_weights(self, weights: "dict[str, Tensor]", facts: dict[str, str]) -> None:
        """`facts` name what the weights belong to: the catalogue's and the encoder's fingerprints."""
        write_atomically(self.folder / "model.safetensors", dump_weights(weights, facts))

    def weights(self) -> "tuple[dict[str, Tensor], dict[str, str]]":
        """Weights and facts. Raises `CheckpointError` naming the file when it is missing, cut or damaged."""
        return parse_weights(self.read("model.safetensors"), f"{self.run_id}/model.safetensors")

    def drop_weights(self) -> None:
        """Keep what the run says, not what it learned."""
        (self.folder / "model.safetensors").unlink(missing_ok=True)
        shutil.rmtree(self.resume_folder, ignore_errors=True)

    def check_own(self) -> None:
        """Raises `CheckpointError` for a link in the folder, since what is written through it would land elsewhere, and
        for a pipe or the like, which would be waited for."""
        for path in self.folder.rglob("*"):
            where = f"{self.run_id}/{path.relative_to(self.folder)}"
            if path.is_symlink():
                raise CheckpointError(f"{where} is a link to another place, and a run writes to its own folder only.")
            # A process that trains this run may have removed the file since it was listed.
            if not path.is_file() and not path.is_dir() and path.exists():
                raise CheckpointError(f"{where} is neither a file nor a folder.")

    @property
    def has_weights(self) -> bool:
        return (self.folder / "model.safetensors").is_file()

    @property
    def weights_size(self) -> int:
        """Bytes."""
        return (self.folder / "model.safetensors").stat().st_size if self.has_weights else 0

    @property
    def stamp(self) -> float:
        """Changes when the weights do: for caches."""
        path = self.folder / "model.safetensors"
        return path.stat().st_mtime if path.exists() else 0.0


def _runs(settings: Settings) -> Iterator[Run]:
    if settings.checkpoints_dir.is_dir():
        for folder in sorted(settings.checkpoints_dir.iterdir()):
            if not RUN_ID.fullmatch(folder.name):  # a run that is being deleted
                continue
            # A run that lost a file is still listed, so that its error can be shown.
            if any((folder / name).is_file() for name in ("config.json", "status.json", "model.safetensors")):
                yield Run(folder)


def list_runs(settings: Settings) -> list[Run]:
    return list(_runs(settings))


def find_run(run_id: str, settings: Settings) -> Run:
    """Raises `UnknownNameError` with the nearest runs. A run id is a name, never a path."""
    names = [run.run_id for run in _runs(settings)]
    if run_id not in names:
        raise UnknownNameError("run", run_id, names)
    return Run(settings.checkpoints_dir / run_id)


def new_run(run_id: str, config: RunConfig, settings: Settings) -> Run:
    """A fresh folder. Raises `RecommenderError` if the id is not a plain name, is taken, or the folder cannot be
    written."""
    if not RUN_ID.fullmatch(run_id):
        raise RecommenderError(
            f"The run id {run_id!r} may hold letters, digits, '.', '_' and '-' only, at most 64, and ends with no dot."
        )
    folder = settings.checkpoints_dir / run_id
    aside = Run(part_of(folder))  # a kill leaves no run without its settings
    taken = f"The run {run_id} exists. Resume it (--resume), or choose another name (--run-id)."
    if folder.exists():
        raise RecommenderError(taken)
    try:
        settings.checkpoints_dir.mkdir(parents=True, exist_ok=True)
        remove_leftovers(settings.checkpoints_dir)
        aside.folder.mkdir()
        aside.write_config(config)
        status = Status(state="queued", seed=config.seed)
        status.queue(settings.device, after=end_of_queue(settings))
        aside.write_status(status)
        aside.folder.rename(folder)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):  # another process was quicker
            raise RecommenderError(taken) from None
        raise RecommenderError(f"Cannot create {folder}: {error.strerror}.") from error
    finally:
        shutil.rmtree(aside.folder, ignore_errors=True)
    return Run(folder)


def end_of_queue(settings: Settings) -> float:
    """The latest time at which a run was queued: a clock that was set back puts nobody before those who wait."""
    found = 0.0
    for run in _runs(settings):
        with suppress(CheckpointError):
            if (status := run.status()).state in LIVE:
                found = max(found, status.queued or 0.0)
    return found
