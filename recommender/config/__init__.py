"""What one training run is, as settings: see `RunConfig`."""

from recommender.config.data import (
    DIALOGUE_PROTOCOLS,
    PROTOCOLS,
    SELECTION_TARGETS,
    DataConfig,
    Protocol,
    TargetKind,
)
from recommender.config.run import RunConfig
from recommender.config.training import ModuleConfig, Tracker, TrainingConfig

__all__ = [
    "DIALOGUE_PROTOCOLS",
    "PROTOCOLS",
    "SELECTION_TARGETS",
    "DataConfig",
    "ModuleConfig",
    "Protocol",
    "RunConfig",
    "TargetKind",
    "Tracker",
    "TrainingConfig",
]
