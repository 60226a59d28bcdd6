"""A folder of runs for the app, the app without a browser, and a browser with the app in it."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.testing.v1 import AppTest

from benchmarks.screenshot import chromium, find_chromium, serving
from pages.train.trials import trials
from recommender.config import RunConfig
from recommender.config.presets import load_preset
from recommender.query.engine import Engine
from recommender.runs.folder import Run, new_run
from recommender.runs.status import State, Status, process_start
from recommender.settings import ROOT, Settings, settings
from recommender.training import job
from recommender.training.estimate import Estimate
from recommender.training.run import train_run
from tests.app.browser import PATIENCE, listen
from tests.app.page import SLOW
from tests.app.train_page import ESTIMATE, ROWS


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


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[RunConfig]]:
    """What the page asked an estimate for; none is made in truth."""
    asked: list[RunConfig] = []

    def estimate(config: RunConfig, _: object) -> Estimate:
        asked.append(config)
        return ESTIMATE

    monkeypatch.setattr(job, "estimate_apart", estimate)
    trials.clear()
    yield asked
    trials.clear()


@pytest.fixture
def put() -> Callable[..., Run]:
    """`put("x", "running", epoch=1)`: a run folder in that state, owned by this process."""

    def make(run_id: str, state: State, rows: list[dict[str, Any]] = ROWS, preset: str = "frozen", **facts: Any) -> Run:
        run = Run(settings().checkpoints_dir / run_id)
        run.write_config(load_preset(preset))
        own = {"pid": os.getpid(), "process_started": process_start(os.getpid())}
        run.write_status(Status(state=state, **({**own, "started": time.time(), "steps": 100, "step": 20} | facts)))
        for row in rows:
            run.append_metrics(row)
        return run

    return make


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip("needs chromium or google-chrome on the PATH")
    expect.set_options(timeout=PATIENCE)
    with chromium(path) as opened:
        yield opened


@pytest.fixture(scope="session")
def variables(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings with two runs: one that answers, and one whose weights are cut."""
    home = tmp_path_factory.mktemp("served")
    shutil.copytree(trained, home / "runs" / "default")
    weights = shutil.copytree(trained, home / "runs" / "broken") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    return {
        "RECOMMENDER_CHECKPOINTS_DIR": str(home / "runs"),
        "RECOMMENDER_CACHE_DIR": str(home / "cache"),
        "RECOMMENDER_DATABASE_URL": f"sqlite:///{home / 'feedback.sqlite'}",
    }


@pytest.fixture(scope="session")
def address(browser: Browser, variables: dict[str, str]) -> Iterator[str]:
    """The app on the air for all tests of the session: they only read."""
    with serving(ROOT / "streamlit_app.py", variables) as served:
        yield served


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`open_page(viewport=PHONE, color_scheme="dark")`: an empty page with a session of its own."""
    contexts = []

    def make(**options: Any) -> Page:
        contexts.append(browser.new_context(**options))
        listen(contexts[-1])
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()
