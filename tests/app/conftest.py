"""A folder of runs for the app: a small one that answers, and copies of it that a test may break."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from recommender.config import load_preset
from recommender.query.engine import Engine
from recommender.runs import Run, new_run
from recommender.settings import Settings, settings
from recommender.training.run import train_run

ROOT = Path(__file__).resolve().parent.parent.parent
SLOW = 60  # seconds: a page may have to import torch


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the co-mention baseline over the synthetic sample. Read only: other tests share it."""
    home = tmp_path_factory.mktemp("trained")
    here = Settings(checkpoints_dir=home, cache_dir=home / "cache")
    run = new_run("default", load_preset("item-knn", ["data.source=sample"]), here)
    train_run(run, here)
    return run.folder


@pytest.fixture(scope="session")
def engine(trained: Path) -> Engine:
    return Engine(Run(trained), Settings())


@pytest.fixture
def runs(trained: Path) -> Callable[[str], Path]:
    """`runs(name)` puts a run that answers into this test's checkpoints folder."""
    return lambda name: shutil.copytree(trained, settings().checkpoints_dir / name)


@pytest.fixture
def app(runs: Callable[[str], Path]) -> AppTest:
    """The app with one run, not yet opened."""
    runs("default")
    return AppTest.from_file(ROOT / "streamlit_app.py", default_timeout=SLOW)
