"""The settings of a run that takes a second."""

from typing import Any

import pytest

from recommender.config import RunConfig
from tests.training.small import MakeConfig


@pytest.fixture
def config_of(tiny_encoder: str) -> MakeConfig:
    def make(protocol: str = "conversational", text: str = "none", tags: bool = False, **training: Any) -> RunConfig:
        settings = {"epochs": 3, "batch_size": 16, "head_lr": 1e-2}
        if text != "none":
            settings["encoder_lr"] = 1e-3
        return RunConfig.model_validate(
            {
                "protocol": protocol,
                "data": {"validation": 0.25},
                "model": {
                    "text": {"name": tiny_encoder, "train": text},
                    "embedding": 8,
                    "history": {"kind": "gru", "hidden": 8},
                    "head": {"hidden": 16},
                    "tags": tags,
                },
                "loss": {"kind": "softmax"},
                "training": settings | training,
            }
        )

    return make
