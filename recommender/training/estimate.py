"""What a run will cost on this device, measured by a trial of a few batches, and remembered."""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, computed_field

from recommender.config import RunConfig
from recommender.files import write_atomically
from recommender.settings import Settings

log = logging.getLogger(__name__)

# What changes neither a step's time nor the number of steps in an epoch; epochs are multiplied in afterwards.
FREE_OF_COST: dict[str, Any] = {
    "description": True,
    "seed": True,
    "start_from": True,
    "training": {
        *("epochs", "encoder_lr", "head_lr", "weight_decay", "schedule", "warmup", "clip", "modules", "patience"),
        "report_to",
    },
}


class Estimate(BaseModel):
    """Seconds and MiB."""

    model_config = ConfigDict(frozen=True)

    train_examples: int
    validation_examples: int
    epochs: int
    steps_per_epoch: int
    seconds_per_step: float
    validation_seconds: float  # after every epoch
    preparation_seconds: float  # reading, text vectors that are not at hand yet, the baselines
    closing_seconds: float  # the report at the end
    memory_mb: int  # of the process on the CPU, of the GPU on cuda
    device: str
    precision: str
    source: str  # in words, for the screen
    on_sample: bool  # the synthetic sample stands in for real data

    @computed_field  # type: ignore[prop-decorator]
    @property
    def steps(self) -> int:
        """Of the whole run."""
        return self.epochs * self.steps_per_epoch

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total_seconds(self) -> float:
        learning = self.epochs * (self.steps_per_epoch * self.seconds_per_step + self.validation_seconds)
        return self.preparation_seconds + learning + self.closing_seconds


class Kept(BaseModel):
    """What is remembered, with a hash that tells whether it is whole."""

    estimate: Estimate
    hash: str


def remembered(config: RunConfig, settings: Settings) -> Estimate | None:
    """An earlier trial of these settings on this data and device, for as many epochs as these settings ask for."""
    try:
        kept = Kept.model_validate_json(_file(config, settings).read_bytes())
    except (OSError, ValidationError):
        return None
    if kept.hash != _hash(kept.estimate):
        return None  # damaged: it is measured again
    return kept.estimate.model_copy(update={"epochs": config.training.epochs})


def remember(found: Estimate, config: RunConfig, settings: Settings) -> None:
    """A disk that takes no more costs nothing but a trial the next time."""
    try:
        kept = Kept(estimate=found, hash=_hash(found))
        write_atomically(_file(config, settings), kept.model_dump_json(indent=2) + "\n")
    except OSError as error:
        log.warning("the estimate cannot be remembered: %s", error)


def _hash(found: Estimate) -> str:
    return hashlib.sha256(found.model_dump_json().encode()).hexdigest()


def forget(config: RunConfig, settings: Settings) -> None:
    """The next estimate of these settings is measured anew: the machine may have been busy."""
    _file(config, settings).unlink(missing_ok=True)


def _file(config: RunConfig, settings: Settings) -> Path:
    """Named after everything that the cost depends on: also how many text vectors there are, if they are needed."""
    vectors = sum(file.stat().st_size for file in settings.cache_dir.glob("*.sqlite"))
    facts = [
        config.model_dump(exclude=FREE_OF_COST),
        str(settings.data_dir),
        _stamps(settings.data_dir),
        settings.device,
        vectors if not config.model.trains_encoder else 0,
    ]
    name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]
    return settings.cache_dir / "estimates" / f"{name}.json"


def _stamps(folder: Path | None) -> list[float]:
    return [] if folder is None else sorted(file.stat().st_mtime for file in folder.rglob("train*") if file.is_file())
