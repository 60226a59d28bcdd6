"""One run in several processes, as `torchrun` or `accelerate launch` start them: all compute, the first one writes."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from recommender.errors import RecommenderError
from recommender.runs.folder import Run
from recommender.runs.status import Status
from recommender.settings import Settings

PATIENCE = timedelta(days=1)  # the others wait while the first one computes text vectors, or for its turn


def count() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def first() -> bool:
    return int(os.environ.get("RANK", "0")) == 0


@dataclass(frozen=True)
class Follower(Run):
    """The run as the processes beside the first one have it: they read its settings and weights, and write nothing."""

    writes: ClassVar[bool] = False

    @property
    def log_file(self) -> Path:
        return Path(os.devnull)

    def status(self) -> Status:
        return Status(state="stopped")  # of its own, so that nobody takes the first process for a stranger

    def write_status(self, status: Status) -> None: ...
    def append_metrics(self, row: dict[str, Any]) -> None: ...
    def keep_metrics_until(self, step: int) -> None: ...
    def write_baselines(self, metrics: dict[str, dict[str, float]]) -> None: ...
    def write_learned(self, digests: Any) -> None: ...
    def write_catalog(self, catalog: Any) -> None: ...
    def write_weights(self, weights: Any, facts: dict[str, str]) -> None: ...


def follow(run_id: str, settings: Settings) -> Follower:
    """Raises `RecommenderError` for a run without a name: each process would make up another."""
    if not run_id:
        raise RecommenderError("A run in several processes needs a name that all of them know: add --run-id.")
    return Follower(settings.checkpoints_dir / run_id)


def join(settings: Settings) -> None:
    """Meet the other processes, if there are any. From here on "cuda" is this process's own GPU."""
    if count() > 1:
        from accelerate import PartialState

        from recommender.device import choose_device

        PartialState(cpu=choose_device(settings).type == "cpu", timeout=PATIENCE).wait_for_everyone()


@contextmanager
def first_one_first() -> Iterator[None]:
    """What is read, downloaded or computed within is in the cache when the others come to it."""
    if count() == 1:
        yield
        return
    from accelerate import PartialState

    with PartialState().main_process_first():
        yield


def summed(values: Mapping[str, float]) -> dict[str, float]:
    """Each value summed over the processes, which all have the same names."""
    if count() == 1:
        return dict(values)
    return dict(zip(values, _reduced(list(values.values())), strict=True))


def summed_pair(one: float, other: float) -> tuple[float, float]:
    found = summed({"one": one, "other": other})
    return found["one"], found["other"]


def from_first(value: float) -> float:
    """The first process's value, in all of them."""
    return value if count() == 1 else _reduced([value if first() else 0.0])[0]


def any_of(flag: bool) -> bool:
    """Whether it is set in any process."""
    return flag if count() == 1 else _reduced([float(flag)])[0] > 0


def _reduced(values: list[float]) -> list[float]:
    import torch
    from accelerate import PartialState

    numbers = torch.tensor(values, dtype=torch.float64, device=PartialState().device)
    torch.distributed.all_reduce(numbers)
    found: list[float] = numbers.tolist()
    return found
