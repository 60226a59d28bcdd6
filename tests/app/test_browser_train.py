"""Training in a real browser: processes that really train a small model on a small world."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.screenshot import serving
from recommender.errors import RecommenderError
from recommender.runs.folder import Run, list_runs
from recommender.runs.status import LIVE
from recommender.settings import ROOT, Settings
from recommender.training import job
from tests.app.browser import PATIENCE, PHONE, at_rest, width_of

pytestmark = pytest.mark.browser

EPOCH = re.compile(r"Epoch (\d+) of ")
LONG = 5 * PATIENCE  # for what trains while others may be at work on the machine
ENDLESS = 100_000  # epochs: a run that is there until it is ended


@pytest.fixture(scope="module")
def here(_world_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Folders of this module's app."""
    home = tmp_path_factory.mktemp("training")
    return Settings(
        checkpoints_dir=home / "runs",
        cache_dir=home / "cache",
        data_dir=_world_folder / "data",
        assets_dir=_world_folder / "assets",
        database_url=f"sqlite:///{home / 'feedback.sqlite'}",
    )


@pytest.fixture(autouse=True)
def _ended(here: Settings) -> Iterator[None]:
    """What a test left training is stopped, so that the next one need not wait for it."""
    yield
    for run in list_runs(here):
        with suppress(RecommenderError):
            job.stop(run, here)
    deadline = time.monotonic() + PATIENCE / 1000
    while any(run.status().state in LIVE for run in list_runs(here)) and time.monotonic() < deadline:
        time.sleep(0.1)


@pytest.fixture(scope="module")
def variables(here: Settings) -> dict[str, str]:
    return {f"RECOMMENDER_{name.upper()}": str(value) for name, value in here.model_dump().items()}


@pytest.fixture(scope="module")
def address(browser: Browser, variables: dict[str, str]) -> Iterator[str]:
    with serving(ROOT / "streamlit_app.py", variables) as served:
        yield served


def choice(page: Page) -> Locator:
    """The run whose curves are shown."""
    return page.get_by_role("combobox", name="Run", exact=True)


def progress(page: Page) -> Locator:
    return page.get_by_test_id("stProgress")


def button(page: Page, name: str) -> Locator:
    """A button of the run that is shown: it stands above those of the other runs. The header has a "Stop", too."""
    return page.get_by_role("main").get_by_role("button", name=name, exact=True).first


def press(page: Page, name: str) -> None:
    """On a live page, which never rests for long: a click is lost only while the whole of it is drawn."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    button(page, name).click()


def fill(page: Page, field: Locator, value: str) -> None:
    at_rest(page)
    field.fill(value)
    field.press("Enter")
    at_rest(page)


def start(page: Page, encoder: str, name: str, epochs: int) -> None:
    """Fill in the form with a text encoder that is quick, and start."""
    page.get_by_role("tab", name="New run").click()
    expect(page.get_by_text("Trains on the processor")).to_be_visible()
    if not page.get_by_role("textbox", name="Encoder", exact=True).count():
        page.get_by_text("Advanced").click()
    fill(page, page.get_by_role("textbox", name="Encoder", exact=True), encoder)
    fill(page, page.get_by_role("spinbutton", name="Epochs"), str(epochs))
    fill(page, page.get_by_role("textbox", name="Name of the run"), name)
    page.get_by_role("button", name=re.compile("Start training|Add to the queue")).click()
    expect(choice(page)).to_have_value(name)


def epoch(page: Page) -> int:
    expect(progress(page)).to_contain_text(EPOCH)
    found = EPOCH.search(progress(page).inner_text())
    assert found
    return int(found[1])


def test_a_run_is_started_watched_stopped_resumed_and_asked(
    address: str, here: Settings, page: Page, tiny_encoder: str
) -> None:
    page.goto(f"{address}/train")
    expect(page.get_by_text("Measured on CPU")).to_be_visible(timeout=LONG)  # a trial in a process of its own
    start(page, tiny_encoder, "first", 100)
    first = epoch(page)
    line = page.locator(".st-key-first-movie_loss path.js-line").first
    path = line.get_attribute("d")
    expect(line).not_to_have_attribute("d", path or "")  # the curve moves by itself
    expect(progress(page)).not_to_contain_text(f"Epoch {first} of 100")
    assert epoch(page) > first
    press(page, "Stop")
    expect(page.get_by_text("Stopped on request.")).to_be_visible()
    expect(progress(page)).to_have_count(0)
    at = Run(here.checkpoints_dir / "first").status().step
    press(page, "Resume")
    expect(button(page, "Stop")).to_be_visible()
    run = Run(here.checkpoints_dir / "first")
    expect(page.get_by_text(f"finished · {run.config().description}")).to_be_visible(timeout=LONG)  # by itself
    ended = run.status()
    assert ended.step == ended.steps > at
    for row in ("This run", "popularity", "copy", "item-kNN"):
        expect(page.get_by_role("table").get_by_text(row)).to_be_visible()
    press(page, "Use this model")
    expect(page).to_have_url(re.compile("/(recommend)?$"))
    expect(page.get_by_text("Ranked by first")).to_be_visible()
    page.get_by_role("link", name="Train").click()
    page.get_by_role("tab", name="Progress").click()
    press(page, "Compare")
    expect(page).to_have_url(re.compile("/compare"))


def test_a_run_outlives_the_page_and_a_killed_one_is_seen_and_resumed(
    address: str, here: Settings, page: Page, open_page: Callable[..., Page], tiny_encoder: str
) -> None:
    page.goto(f"{address}/train")
    start(page, tiny_encoder, "long", ENDLESS)
    first = epoch(page)
    page.reload()
    assert epoch(page) >= first
    page.close()
    other = open_page()
    other.goto(f"{address}/train")
    expect(choice(other)).to_have_value("long")  # what trains is shown at once
    epoch(other)
    start(other, tiny_encoder, "next", ENDLESS)
    expect(other.get_by_text("next in line")).to_be_visible()
    pid = Run(here.checkpoints_dir / "long").status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    epoch(other)  # the queue moves on
    press(other, "Stop")
    expect(other.get_by_text("Stopped on request.")).to_be_visible()
    choice(other).click()
    other.get_by_role("option", name="long").click()
    expect(other.get_by_text("its process ended without a word")).to_be_visible()
    press(other, "Resume")
    epoch(other)
    assert Run(here.checkpoints_dir / "long").status().state in LIVE
    press(other, "Stop")
    expect(other.get_by_text("Stopped on request.")).to_be_visible()
    press(other, "Delete")
    other.get_by_role("button", name="Yes, delete it").click()
    expect(choice(other)).not_to_have_value("long")
    assert not (here.checkpoints_dir / "long").exists()


def test_a_killed_run_is_noticed_without_a_click(address: str, here: Settings, page: Page, tiny_encoder: str) -> None:
    page.goto(f"{address}/train")
    start(page, tiny_encoder, "killed", ENDLESS)
    epoch(page)
    status = json.loads((here.checkpoints_dir / "killed" / "status.json").read_text())
    os.kill(status["pid"], signal.SIGKILL)
    expect(page.get_by_text("its process ended without a word")).to_be_visible()
    expect(button(page, "Resume")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_without_scrolling_sideways(
    address: str, open_page: Callable[..., Page], scheme: str
) -> None:
    page = open_page(viewport=PHONE, color_scheme=scheme)
    page.goto(f"{address}/train")
    for tab, sign in (("New run", "Name of the run"), ("Progress", "Other runs")):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_text(sign).first).to_be_visible()
        at_rest(page)
        assert width_of(page) <= PHONE["width"]


def test_a_bad_value_keeps_the_form(address: str, page: Page) -> None:
    page.goto(f"{address}/train")
    page.get_by_role("tab", name="New run").click()
    fill(page, page.get_by_role("spinbutton", name="Epochs"), "3")
    fill(page, page.get_by_role("textbox", name="Learning rate", exact=True), "fast")
    expect(page.get_by_text("Learning rate: a plain number is needed here")).to_be_visible()
    expect(page.get_by_role("button", name="Start training")).to_be_disabled()
    expect(page.get_by_role("spinbutton", name="Epochs")).to_have_value("3")
    expect(page.get_by_role("textbox", name="Learning rate", exact=True)).to_have_value("fast")
