"""The app in a real browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, Request, expect

from benchmarks.screenshot import chromium, find_chromium, serving
from recommender.settings import ROOT

pytestmark = pytest.mark.browser

WISH = "I loved Get Out and It (2017), something scary"
PATIENCE = 60_000  # milliseconds: a page may have to import torch
PHONE = {"width": 390, "height": 844}
MARKUP = [
    "<b>bold</b> <img src=x onerror=alert(1)> &amp; &lt;",
    "# no heading",
    "1. no list",
    "- no list",
    "> no quote",
    "**no** _emphasis_ ~~here~~ `code` B*A*P*S 61* a_b_c",
    "$x^2$ and $$y$$ cost $5 to $6",
    ":red[no colour] :blue-background[x] :small[x] :material/home: :smile: :+1: :streamlit:",
    "[no](https://example.org) https://example.org www.example.org me@example.org ![no](x.png)",
    "a -> b <- c <-> d -- e >= f <= g ~= h ... (c)",
    "| a | b | \\ \\\\ \\$ ^1 ||spoiler|| [^1] [x]",
    "Alien: Covenant, Mission: Impossible, Frost/Nixon, Face/Off, WALL·E, Amélie, 8½, (500) Days",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip("needs chromium or google-chrome on the PATH")
    with chromium(path) as opened:
        yield opened


@pytest.fixture(scope="session")
def variables(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings with two runs: one that answers, and one whose weights are cut."""
    home = tmp_path_factory.mktemp("served")
    shutil.copytree(trained, home / "runs" / "default")
    weights = shutil.copytree(trained, home / "runs" / "broken") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    return {"RECOMMENDER_CHECKPOINTS_DIR": str(home / "runs"), "RECOMMENDER_CACHE_DIR": str(home / "cache")}


@pytest.fixture(scope="session")
def address(browser: Browser, variables: dict[str, str]) -> Iterator[str]:
    with serving(ROOT / "streamlit_app.py", variables) as served:
        yield served


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.set_default_timeout(PATIENCE)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _patient() -> None:
    expect.set_options(timeout=PATIENCE)


def send(page: Page, text: str) -> None:
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(text)
    box.press("Enter")


def rows(page: Page) -> Locator:
    """The title line of every ranked movie."""
    return page.get_by_test_id("stMarkdown").filter(has=page.locator("strong")).filter(has_text=". ")


def ranking(page: Page) -> list[str]:
    """Titles with years. Waits until ten are there and the page has come to rest."""
    expect(rows(page)).to_have_count(10)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    return [" ".join(line.split(". ", 1)[1].split()) for line in rows(page).all_inner_texts()]


def test_a_cold_deep_link_opens_the_page(browser: Browser, variables: dict[str, str], page: Page) -> None:
    with serving(ROOT / "streamlit_app.py", variables) as cold:
        page.goto(f"{cold}/recommend")
        expect(page.get_by_role("heading", name="Reelwish")).to_be_visible()
        expect(page.get_by_text("Answered by default")).to_be_visible()
        expect(page.get_by_text("Page not found")).to_have_count(0)
        expect(page.get_by_text("streamlit app")).to_have_count(0)  # the navigation of file names
        assert page.title() == "Recommend · Reelwish"
        send(page, WISH)
        assert len(ranking(page)) == 10
        assert page.url == f"{cold}/recommend"


def test_a_wish_is_read_answered_and_corrected(address: str, page: Page) -> None:
    page.goto(address)
    send(page, WISH)
    first = ranking(page)
    page.get_by_role("button", name="It (2017)").click()
    expect(page.get_by_role("button", name="It (2017)")).to_have_count(0)
    expect(page.get_by_role("button", name="Get Out (2017)")).to_have_count(1)
    assert ranking(page) != first


def test_a_wrong_movie_is_replaced_from_its_alternatives(address: str, page: Page) -> None:
    page.goto(address)
    send(page, WISH)
    first = ranking(page)
    page.get_by_text("Wrong movie?").click()
    page.get_by_test_id("stPopoverBody").get_by_text("It (2017)").click()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="It (1990)").click()
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    expect(page.get_by_test_id("stChatMessage").get_by_role("button", name="It (1990)")).to_be_visible()
    assert ranking(page) != first


def test_a_wrong_movie_is_replaced_from_the_catalogue(address: str, page: Page) -> None:
    page.goto(address)
    send(page, WISH)
    page.get_by_text("Wrong movie?").click()
    page.get_by_role("combobox").press_sequentially("blade runner 2049")
    page.get_by_role("option", name="Blade Runner 2049 (2017)").click()
    expect(page.get_by_test_id("stChatMessage").get_by_role("button", name="Blade Runner 2049 (2017)")).to_be_visible()
    expect(page.get_by_role("button", name="Get Out (2017)")).to_have_count(0)
    assert "Blade Runner 2049 (2017)" not in ranking(page)


def test_a_follow_up_points_at_the_list_and_a_new_wish_forgets_it(address: str, page: Page) -> None:
    page.goto(address)
    send(page, WISH)
    second = ranking(page)[1].split(")")[0] + ")"
    send(page, "less violent, I have seen the second one")
    expect(page.get_by_role("button", name=second)).to_be_visible()
    assert not [row for row in ranking(page) if row.startswith(second)]
    page.get_by_role("button", name="New wish").click()
    expect(rows(page)).to_have_count(0)
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0)
    expect(page.get_by_role("button", name="New wish")).to_have_count(0)


def test_typed_markup_is_shown_letter_by_letter(address: str, page: Page) -> None:
    page.goto(address)
    text = " ".join(MARKUP)
    send(page, text)
    assert len(ranking(page)) == 10
    assert page.get_by_test_id("stChatMessage").get_by_test_id("stText").inner_text() == text
    assert page.get_by_test_id("stChatMessage").locator("b, img[src=x], code, a").count() == 0


def test_escaped_markup_is_shown_letter_by_letter(browser: Browser, tmp_path: Path, page: Page) -> None:
    script = tmp_path / "script.py"
    places = ("st.markdown", "st.caption", "st.error", "st.button", "st.checkbox")
    calls = "\n".join(f"    with st.container(key='{place[3:]}-' + str(i)): {place}(plain(text))" for place in places)
    script.write_text(
        "import streamlit as st\nfrom pages.shared.text import plain\n"
        f"for i, text in enumerate({MARKUP!r}):\n{calls}\nst.write('The end')\n"
    )
    with serving(script) as served:
        page.goto(served)
        page.get_by_text("The end").wait_for()
        for place in places:
            shown = [page.locator(f".st-key-{place[3:]}-{i}").inner_text() for i in range(len(MARKUP))]
            assert [text.replace("\u2060", "").strip() for text in shown] == MARKUP, place


def test_a_very_long_text_is_cut_and_does_not_widen_the_page(address: str, page: Page) -> None:
    page.set_viewport_size(PHONE)
    page.goto(address)
    send(page, "x" * 100_000)
    expect(page.get_by_text("Only the first 2,000 characters of 100,000 were read.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    message = page.get_by_test_id("stChatMessage")
    assert message.evaluate("element => element.scrollWidth <= element.clientWidth")


def test_a_broken_run_is_named_and_the_other_answers(address: str, page: Page) -> None:
    page.goto(address)
    page.get_by_role("button", name="Model").click()
    page.get_by_text("broken (Baseline").click()
    expect(page.get_by_test_id("stAlert").get_by_text("broken/model.safetensors is cut or damaged")).to_be_visible()
    send(page, WISH)
    page.get_by_text("default (Baseline").click()
    assert len(ranking(page)) == 10
    expect(page.get_by_test_id("stAlert")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_without_scrolling_sideways(browser: Browser, address: str, scheme: str) -> None:
    context = browser.new_context(viewport=PHONE, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    send(page, WISH)
    assert len(ranking(page)) == 10
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for row in [*rows(page).all(), *page.get_by_role("progressbar").all(), *page.get_by_role("button").all()]:
        box = row.bounding_box()
        assert box is None or (box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"])
    context.close()


def test_the_first_movie_is_in_view_when_the_answer_comes(address: str, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(address)
    send(page, WISH)
    ranking(page)
    expect(rows(page).first).to_be_in_viewport()


def test_nothing_is_wrong_in_the_console_and_nothing_leaves_the_machine(address: str, page: Page) -> None:
    errors: list[ConsoleMessage | Error] = []
    abroad: list[Request] = []
    page.on("console", lambda message: errors.append(message) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(error))
    page.on(
        "request",
        lambda request: None if request.url.startswith((address, "data:", "blob:")) else abroad.append(request),
    )
    page.goto(address)
    send(page, WISH)
    ranking(page)
    page.get_by_text("Wrong movie?").click()
    expect(page.get_by_role("combobox")).to_be_visible()
    assert [str(error) for error in errors] == []
    assert [request.url for request in abroad] == []
