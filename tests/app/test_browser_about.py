"""The About page and the navigation in a real browser."""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from benchmarks.screenshot import serving
from recommender.charts.style import DARK, LIGHT
from recommender.settings import ROOT
from tests.app.browser import PHONE, at_rest, width_of

pytestmark = pytest.mark.browser

CHARTS = 10
# Streamlit folds the navigation after a choice where the browser calls itself mobile.
ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36"
)


def drawn(page: Page) -> None:
    """Wait until the page rests and the last chart is there."""
    at_rest(page)
    expect(page.locator(".js-plotly-plot .plot-container")).to_have_count(CHARTS)


def test_a_cold_deep_link_opens_the_page(variables: dict[str, str], page: Page) -> None:
    with serving(ROOT / "streamlit_app.py", variables) as cold:
        page.goto(f"{cold}/about")
        drawn(page)
        expect(page.get_by_role("heading", name="About Reelwish")).to_be_visible()
        expect(page.get_by_text("Page not found")).to_have_count(0)
        expect(page.get_by_text("streamlit app")).to_have_count(0)  # the navigation of file names
        expect(page.get_by_test_id("stTopNavLink")).to_have_text(
            [f"{icon}{name}" for icon, name in (("movie", "Recommend"), ("show_chart", "Train"), ("balance", "Compare"),
                                                 ("info", "About"))]
        )  # fmt: skip
        assert page.title() == "About · Reelwish"
        assert page.url == f"{cold}/about"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_without_scrolling_sideways(
    address: str, scheme: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(viewport=PHONE, color_scheme=scheme)
    page.goto(f"{address}/about")
    drawn(page)
    assert width_of(page) <= PHONE["width"]
    for part in page.locator(".js-plotly-plot, [data-testid=stChatMessage], [data-testid=stCode], label, button").all():
        box = part.bounding_box()
        hidden = box is None or box["x"] + box["width"] <= 0  # the folded navigation waits left of the page
        assert hidden or (box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"] + 1)


def test_a_phone_reaches_the_other_pages(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(viewport=PHONE, is_mobile=True, has_touch=True, user_agent=ANDROID)
    page.goto(f"{address}/about")
    drawn(page)
    page.get_by_role("button", name="Expand sidebar").tap()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Compare").tap()
    at_rest(page)
    assert page.url == f"{address}/compare"
    expect(page.get_by_role("button", name="Expand sidebar")).to_be_visible()  # folded again
    menu = page.get_by_role("button", name="Main menu").bounding_box()
    assert menu
    assert menu["x"] + menu["width"] <= PHONE["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(address: str, scheme: str, open_page: Callable[..., Page]) -> None:
    page = open_page(color_scheme=scheme)
    page.goto(f"{address}/about")
    drawn(page)
    found = Axe().run(page).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in serious] == []


def test_figures_follow_a_change_of_theme(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(color_scheme="light")
    page.goto(f"{address}/about")
    drawn(page)
    tick = page.locator(".xtick text").first
    expect(tick).to_have_css("fill", as_rgb(LIGHT.text))
    page.get_by_role("button", name="Main menu").click()
    page.get_by_role("menuitemradio", name="Dark").click()
    expect(tick).to_have_css("fill", as_rgb(DARK.text))
    at_rest(page)
    page.get_by_role("menuitemradio", name="Light").click()
    expect(tick).to_have_css("fill", as_rgb(LIGHT.text))


def as_rgb(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgb({red}, {green}, {blue})"


def test_what_a_colour_says_stands_in_words_too(address: str, page: Page) -> None:
    page.goto(f"{address}/about")
    drawn(page)
    messages = page.get_by_test_id("stChatMessage")
    expect(messages).to_have_count(6)
    lines = [" ".join(text.split()) for text in messages.all_inner_texts()]
    roles = ["Recommender", "Seeker"] * 3
    parts = ["input"] * 4 + ["targets", "not said yet"]
    for line, role, part in zip(lines, roles, parts, strict=True):
        assert role in line
        assert part in line
    page.get_by_text("One shot").click()
    at_rest(page)
    assert [part in messages.nth(3).inner_text() for part in ("ignored", "input")] == [True, False]


def test_a_reader_by_keyboard_chooses_a_protocol(address: str, page: Page) -> None:
    page.goto(f"{address}/about")
    drawn(page)
    page.get_by_role("radio", name="Conversational").focus()
    page.keyboard.press("ArrowUp")
    at_rest(page)
    expect(page.get_by_role("radio", name="One shot")).to_be_checked()
    expect(page.get_by_text("An honest first wish")).to_be_visible()


def test_the_pages_carry_the_mark_and_ask_nothing_of_other_machines(address: str, page: Page) -> None:
    abroad: list[str] = []
    errors: list[str] = []
    page.on("request", lambda r: None if r.url.startswith((address, "data:", "blob:")) else abroad.append(r.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    # Below a page's address Streamlit looks for its own server first, and the browser notes that it is not there.
    page.on(
        "console", lambda m: errors.append(m.text) if m.type == "error" and "_stcore" not in str(m.location) else None
    )
    page.goto(f"{address}/about")
    drawn(page)
    for icon in (
        page.locator("link[rel~=icon]").get_attribute("href"),
        page.get_by_test_id("stHeaderLogo").get_attribute("src"),
    ):
        assert icon
        assert icon.startswith("data:image/svg+xml")
    logo = page.get_by_test_id("stHeaderLogo")
    assert logo.evaluate("image => image.naturalWidth > 0")
    link = page.get_by_test_id("stTopNavLink").filter(has_text="Compare")
    link.focus()
    page.keyboard.press("Enter")
    at_rest(page)
    assert page.url == f"{address}/compare"
    assert abroad == []
    assert errors == []


def test_resting_means_that_the_run_a_click_asked_for_is_over(tmp_path: Path, page: Page) -> None:
    """Of `at_rest` itself: without waiting on the page, what the slow run writes is there."""
    script = tmp_path / "script.py"
    script.write_text(
        "import time\nimport streamlit as st\nst.session_state.setdefault('n', 0)\n"
        "if st.button('Go'):\n    time.sleep(1)\n    st.session_state.n += 1\nst.write('times', st.session_state.n)\n"
    )
    with serving(script) as served:
        page.goto(served)
        at_rest(page)
        for times in (1, 2):
            page.get_by_role("button", name="Go").click()
            at_rest(page)
            assert page.get_by_text(f"times {times}").count() == 1
