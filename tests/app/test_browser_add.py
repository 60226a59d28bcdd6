"""A movie that the catalogue lacks, added in a real browser: with the shipped model, which knows movies by text."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.screenshot import serving
from recommender.query.additions import FILE
from recommender.settings import ROOT
from tests.app.browser import at_rest, chip, send

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shipped")
    shutil.copytree(ROOT / "checkpoints" / "default", folder / "default")
    return folder


@pytest.fixture(scope="module")
def shipped(browser: Browser, checkpoints: Path) -> Iterator[str]:
    variables = {"RECOMMENDER_CHECKPOINTS_DIR": str(checkpoints), "RECOMMENDER_DATABASE_URL": "sqlite://"}
    with serving(ROOT / "streamlit_app.py", variables) as served:
        yield served


def test_a_new_movie_is_added_and_understood_in_the_next_wish(
    shipped: str, checkpoints: Path, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    page.goto(shipped)
    at_rest(page)
    page.get_by_role("button", name="Add a movie").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Title").fill("Inception")
    dialog.get_by_label("Year").fill("2010")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_text("has Inception (2010) already")).to_be_visible()
    dialog.get_by_label("Title").fill("Moonfall Cabaret")
    dialog.get_by_label("What it is about").fill("A comedian opens a cabaret on the moon.")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog).to_be_hidden()
    assert "Moonfall Cabaret" in (checkpoints / FILE).read_text()
    at_rest(page)
    send(page, "something like Moonfall Cabaret")
    expect(chip(page, "Moonfall Cabaret (2010)")).to_be_visible()
    page.get_by_role("button", name="Add a movie").click()
    dialog.get_by_text("Added so far: 1").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(dialog).to_be_hidden()
    assert "Moonfall Cabaret" not in (checkpoints / FILE).read_text()
    at_rest(page)
    expect(chip(page, "Moonfall Cabaret (2010)")).to_be_hidden()
