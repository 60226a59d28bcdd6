"""What a run is doing: the record that its process writes."""

import os
import re
import time
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

import psutil
from pydantic import BaseModel, ConfigDict, Field

from recommender.data.source import Source
from recommender.device import DeviceType, machine_memory_mb

State = Literal["queued", "running", "finished", "stopped", "failed", "interrupted"]
Problem = Literal["", "out_of_memory", "not_finite", "disk_full", "other"]
Count = Annotated[int, Field(ge=0, lt=2**53)]  # what a float holds exactly
ProcessId = Annotated[int, Field(gt=0, lt=2**31)]

LIVE: tuple[State, ...] = ("queued", "running")  # a process stands behind them
FULL = 0.85  # share of the machine's memory from which on the system may have ended a process for it


def process_start(pid: int) -> float | None:
    """When a process began, in seconds since the machine did, which no change of the clock touches; None if it has
    ended, also where nobody has taken note of that."""
    try:
        process = psutil.Process(pid)
        since_boot = process.create_time() - psutil.boot_time()  # either follows the clock, their difference does not
        return None if process.status() == psutil.STATUS_ZOMBIE else since_boot
    except psutil.Error:
        return None


def migrated(values: Any) -> Any:
    """The values of a status file of any version as those of this one. Version 1 had no number, and said only in words
    what its data and its device were."""
    if not isinstance(values, dict) or "version" in values:
        return values
    source, device = str(values.get("source", "")), str(values.get("device", ""))
    named = re.search(r"\((folder|cache|hub)\)", source)
    kind = "sample" if "the synthetic sample" in source else named[1] if named else ""
    types = {"": "", "CPU": "cpu", "Apple": "mps"}
    return values | {
        "version": 2,
        "source_kind": kind,
        "device_type": types.get(device.replace(",", " ").split(" ")[0], "cuda"),  # its GPUs had names of their own
    }


class Phase(StrEnum):
    """The phases of a live run that others act on; the rest of its preparation is told in words of its own."""

    TRAINING = "training"
    MEASURING = "measuring"


class Status(BaseModel):
    """What a run is doing. `interrupted` is never written: a live run whose process is gone reads as it."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    version: Literal[2] = 2
    state: State
    reason: str = ""
    problem: Problem = ""  # what kind of failure the reason tells of
    phase: str = ""  # what a live run is doing: a `Phase`, or words
    trained: bool = False  # the last step is done; what may be missing is the report
    queued: float | None = None
    device_asked: str = "auto"  # the setting; runs whose settings may mean one device wait for each other
    pid: ProcessId | None = None
    process_started: float | None = None  # pids are used again; pid and start time together are not
    started: float | None = None
    updated: float | None = None
    seconds: float = 0.0
    epoch: float = 0.0
    step: Count = 0
    steps: Count = 0
    device: str = ""  # for the screen
    device_type: DeviceType | Literal[""] = ""
    peak_memory_mb: Count = 0
    accumulation: int = Field(
        1, ge=1
    )  # parts of a batch, learned one after the other; more than asked for: memory ran out
    source: str = ""  # for the screen
    source_kind: Source | Literal[""] = ""  # empty: not read yet
    data: str = ""  # fingerprint of what it learns from
    other_data: str = ""  # fingerprint of what it is validated on, where that is not published data
    commit: str = ""
    seed: int = 0
    train_examples: Count = 0
    validation_examples: Count = 0

    def belong_to(self, pid: int) -> None:
        self.pid, self.process_started = pid, process_start(pid)

    @property
    def is_own(self) -> bool:
        return self.pid == os.getpid()

    def queue(self, device: str, after: float = 0.0) -> None:
        """In the queue from now on, in the name of this process; behind those of the time `after`, whatever the clock
        says."""
        self.state, self.reason, self.problem, self.phase = "queued", "", "", ""
        self.queued, self.device_asked = max(time.time(), after + 1e-3), device
        self.belong_to(os.getpid())

    def process_runs(self) -> bool:
        """Whether the process that it names runs: the same number, the same start."""
        if self.pid is None or self.process_started is None:
            return False
        started = process_start(self.pid)
        return started is not None and abs(started - self.process_started) < 1

    def interrupted(self) -> Self:
        """The same, of a run whose process is gone."""
        had, reason = machine_memory_mb(), "its process ended without a word"
        problem: Problem = ""
        if self.device_type == "cpu" and self.peak_memory_mb > FULL * had:
            problem = "out_of_memory"
            reason += (
                f"; it had used {self.peak_memory_mb:,} of {had:,} MiB, so the system may have ended it because memory "
                "ran out"
            )
        return self.model_copy(update={"state": "interrupted", "problem": problem, "reason": reason, "phase": ""})
