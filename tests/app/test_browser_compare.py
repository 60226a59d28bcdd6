"""The compare page in a real browser."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.screenshot import serving
from recommender.settings import ROOT
from tests.app.browser import PHONE, at_rest, width_of
from tests.app.test_browser_axe import violations
from tests.compared import make_run

pytestmark = pytest.mark.browser

TABS = {  # what shows that a tab is drawn
    "Results": "Models and costs",
    "Training": "Recall@10",
    "Kinds of wishes": "Length of the wish",
    "Movies": "Most recommended movies",
    "Single wishes": "Wishes with the largest difference in nDCG@10",
    "Export": "Everything on these tabs",
}


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings with four runs, one with a long name, and one that is damaged."""
    home = tmp_path_factory.mktemp("compared")
    make_run(home / "runs", "original")
    make_run(home / "runs", "weighted", "weighted-baseline", skill=0.1)
    make_run(home / "runs", "original-tags-with-a-name-as-long-as-names-may-be-0123456789", "original-tags")
    make_run(home / "runs", "default", "default", protocol="conversational")
    (make_run(home / "runs", "broken").folder / "config.json").write_text("{")
    return {"RECOMMENDER_CHECKPOINTS_DIR": str(home / "runs"), "RECOMMENDER_CACHE_DIR": str(home / "cache")}


@pytest.fixture(scope="module")
def address(browser: Browser, variables: dict[str, str]) -> Iterator[str]:
    with serving(ROOT / "streamlit_app.py", variables) as served:
        yield served


def open_tab(page: Page, name: str) -> None:
    """Open a tab and wait until it and its charts are drawn."""
    tab = page.get_by_role("tab", name=name, exact=True)
    tab.click()
    expect(tab).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel").get_by_text(TABS[name]).first).to_be_visible()
    at_rest(page)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def chosen(page: Page) -> list[str]:
    return page.get_by_test_id("stMultiSelect").locator("[data-baseweb=tag]").all_inner_texts()


def test_a_cold_deep_link_opens_the_comparison(variables: dict[str, str], page: Page) -> None:
    with serving(ROOT / "streamlit_app.py", variables) as cold:
        page.goto(f"{cold}/compare?runs=weighted,original")
        expect(page.get_by_role("heading", name="Compare")).to_be_visible()
        expect(page.get_by_text("original is worse than weighted by 0.1000")).to_be_visible()
        expect(page.get_by_text("broken cannot be read")).to_be_visible()
        assert page.title() == "Compare · Reelwish"
        assert page.url == f"{cold}/compare?runs=weighted,original"


def test_the_address_opens_what_is_shown(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(f"{address}/compare")
    open_tab(page, "Results")
    page.get_by_role("combobox", name="Runs").click()
    page.get_by_role("option", name="default").click()
    expect(page.get_by_text("Not measured here: default")).to_be_visible()
    at_rest(page)
    assert unquote(page.url) == f"{address}/compare?runs=original,weighted,default"
    other = open_page()
    other.goto(page.url)
    expect(other.get_by_text("Not measured here: default")).to_be_visible()
    assert other.get_by_test_id("stMultiSelect").inner_text() == page.get_by_test_id("stMultiSelect").inner_text()
    page.go_back()
    expect(page.get_by_text("Not measured here: default")).to_have_count(0)
    at_rest(page)
    assert page.url == f"{address}/compare"


def test_the_report_opens_offline_and_whole(address: str, open_page: Callable[..., Page], tmp_path: Path) -> None:
    page = open_page()
    page.goto(f"{address}/compare?runs=original,weighted")
    open_tab(page, "Export")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Report (HTML)").click()
    file = tmp_path / "comparison.html"
    waiting.value.save_as(file)
    report = open_page(offline=True, viewport=PHONE)
    wrong: list[str] = []
    report.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    report.on("request", lambda request: wrong.append(request.url) if not request.url.startswith("file:") else None)
    report.goto(file.as_uri())
    expect(report.get_by_text("weighted is better than original by 0.1000 nDCG@10")).to_be_visible()
    expect(report.locator("figure .main-svg").first).to_be_visible()
    assert report.locator("figure").count() == report.locator("figure .plot-container").count() == 17
    assert wrong == []
    assert width_of(report) <= PHONE["width"]


@pytest.mark.parametrize(
    ("button", "file", "column", "value"),
    [("Table (CSV)", "comparison.csv", "name", "weighted"), ("Curves (CSV)", "curves.csv", "run", "weighted")],
)
def test_the_tables_open(address: str, page: Page, button: str, file: str, column: str, value: str) -> None:
    page.goto(f"{address}/compare?runs=original,weighted")
    open_tab(page, "Export")
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).click()
    assert waiting.value.suggested_filename == file
    rows = list(csv.DictReader(io.StringIO(waiting.value.path().read_text(encoding="utf-8"))))
    assert value in {row[column] for row in rows}


def test_a_chart_is_saved_as_svg(address: str, page: Page) -> None:
    page.goto(f"{address}/compare?runs=original,weighted")
    open_tab(page, "Results")
    page.locator(".js-plotly-plot").first.hover()
    with page.expect_download() as waiting:
        page.locator("[data-title^='Download plot']").first.click()
    assert waiting.value.suggested_filename.endswith(".svg")
    assert "<svg" in waiting.value.path().read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_every_tab_whole_and_axe_finds_nothing_grave(
    address: str, open_page: Callable[..., Page], scheme: str
) -> None:
    page = open_page(viewport=PHONE, color_scheme=scheme)
    page.goto(f"{address}/compare?runs=original,original-tags-with-a-name-as-long-as-names-may-be-0123456789,default")
    for name in TABS:
        open_tab(page, name)
        assert width_of(page) <= PHONE["width"], name
        main = page.get_by_test_id("stMain")
        assert main.evaluate("element => element.scrollWidth <= element.clientWidth"), name
        assert violations(page) == [], name


def test_nothing_is_wrong_in_the_console_and_nothing_leaves_the_machine(address: str, page: Page) -> None:
    wrong: list[str] = []
    # Streamlit asks for its own state below the page's address first, and takes "not found" for an answer.
    page.on(
        "console", lambda m: wrong.append(m.text) if m.type == "error" and "/_stcore/" not in str(m.location) else None
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda request: None if request.url.startswith((address, "data:", "blob:")) else wrong.append(request.url),
    )
    page.goto(f"{address}/compare")
    for name in TABS:
        open_tab(page, name)
    assert wrong == []
