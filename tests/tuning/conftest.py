"""A search so small that a trial takes less than a second."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recommender.tuning.search import Search, load_search

SPACE = {
    "training.head_lr": {"kind": "float", "low": 1e-4, "high": 1e-1, "log": True},
    "model.head.hidden": {"kind": "int", "low": 4, "high": 16},
}


@pytest.fixture
def make_search(tmp_path: Path, tiny_encoder: str) -> Callable[..., Search]:
    """`make_search(space={...}, pruner={...}, epochs=2)`: a search over the small installation, read from its file."""

    def make(space: dict[str, Any] = SPACE, epochs: int = 2, **keys: Any) -> Search:
        values = {
            "description": "tiny",
            "preset": "weighted-quick",
            "overrides": [
                "protocol=conversational", "data.validation=0.25", f"model.text.name={tiny_encoder}",
                "model.text.train=none", "model.head.hidden=8", f"training.epochs={epochs}", "training.batch_size=16",
            ],
            "trials": 3,
            "random_trials": 2,
            "pruner": {"kind": "none"},
            **keys,
        }  # fmt: skip
        lines = [f"{key} = {_toml(value)}" for key, value in {**values, "space": space}.items()]
        file = tmp_path / "tiny.toml"
        file.write_text("\n".join(lines), encoding="utf-8")
        return load_search(str(file))

    return make


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {_toml(inner)}' for key, inner in value.items()) + "}"
    return json.dumps(value)
