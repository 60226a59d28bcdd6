"""The app in a real browser."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, expect

from benchmarks.screenshot import serving
from recommender.settings import ROOT
from tests.app.browser import PHONE, WISH, at_rest, chip, ranking, rows, send, width_of

pytestmark = pytest.mark.browser

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


def test_a_cold_deep_link_opens_the_page(browser: Browser, variables: dict[str, str], page: Page) -> None:
    with serving(ROOT / "streamlit_app.py", variables) as cold:
        page.goto(f"{cold}/recommend")
        expect(page.get_by_role("heading", name="Find your next movie")).to_be_visible()
        expect(page.get_by_text("Ranked by default")).to_be_visible()
        expect(page.get_by_text("Page not found")).to_have_count(0)
        expect(page.get_by_text("streamlit app")).to_have_count(0)  # the navigation of file names
        assert page.title() == "Recommend · Reelwish"
        send(page, WISH)
        assert len(ranking(page)) == 10
        assert page.url.startswith(f"{cold}/recommend?wish=I+loved+Get+Out")


def test_a_wish_is_read_answered_and_corrected(address: str, page: Page) -> None:
    page.goto(address)
    send(page, WISH)
    first = ranking(page)
    chip(page, "It (2017)").click()
    expect(chip(page, "It (2017)")).to_have_count(0)
    expect(chip(page, "Get Out (2017)")).to_have_count(1)
    assert ranking(page) != first


def test_a_wrong_movie_is_replaced_from_its_alternatives(address: str, page: Page) -> None:
    page.goto(address)
    send(page, WISH)
    first = ranking(page)
    page.get_by_text("Wrong movie?").click()
    at_rest(page)
    page.get_by_test_id("stPopoverBody").get_by_text("It (2017)").click()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="It (1990)").click()
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    expect(chip(page, "It (1990)")).to_be_visible()
    assert ranking(page) != first


def test_a_wrong_movie_is_replaced_from_the_catalogue(address: str, page: Page) -> None:
    page.goto(address)
    send(page, WISH)
    at_rest(page)
    page.get_by_text("Wrong movie?").click()
    at_rest(page)
    page.get_by_role("combobox").press_sequentially("blade runner 2049")
    page.get_by_role("option", name="Blade Runner 2049 (2017)").click()
    expect(chip(page, "Blade Runner 2049 (2017)")).to_be_visible()
    expect(chip(page, "Get Out (2017)")).to_have_count(0)
    assert "Blade Runner 2049 (2017)" not in ranking(page)


def test_a_follow_up_points_at_the_list_and_a_new_wish_forgets_it(address: str, page: Page) -> None:
    page.goto(address)
    send(page, WISH)
    second = ranking(page)[1].split(")")[0] + ")"
    send(page, "less violent, I have seen the second one")
    expect(chip(page, f"seen {second}")).to_be_visible()
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
    message = page.get_by_test_id("stChatMessage")
    assert message.get_by_test_id("stText").first.inner_text() == f"{text[:300]}…"
    message.get_by_text(f"Show all {len(text)} characters").click()
    expect(message.get_by_test_id("stText").last).to_be_visible()
    assert message.get_by_test_id("stText").last.inner_text() == text
    assert message.locator("b, img[src=x], code, a").count() == 0


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
            written = [page.locator(f".st-key-{place[3:]}-{i}") for i in range(len(MARKUP))]
            for line in written:  # some kinds are drawn a moment after their place
                expect(line).not_to_have_text("")
            shown = [line.inner_text() for line in written]
            assert [text.replace("\u2060", "").strip() for text in shown] == MARKUP, place


def test_a_very_long_text_is_cut_and_does_not_widen_the_page(address: str, page: Page) -> None:
    page.set_viewport_size(PHONE)
    page.goto(address)
    send(page, "x" * 100_000)
    expect(page.get_by_text("Only the first 2,000 characters of 100,000 were read.")).to_be_visible()
    assert width_of(page) <= PHONE["width"]
    message = page.get_by_test_id("stChatMessage")
    assert message.evaluate("element => element.scrollWidth <= element.clientWidth")


def test_a_broken_run_is_named_and_the_other_answers(address: str, page: Page) -> None:
    page.goto(address)
    at_rest(page)
    page.get_by_role("button", name="Models").click()
    page.get_by_text("broken (Baseline").click()
    expect(page.get_by_test_id("stAlert").get_by_text("broken/model.safetensors is cut or damaged")).to_be_visible()
    at_rest(page)
    send(page, WISH)
    # Without a pause: that the wish is heard although another click comes at once was once not so.
    page.get_by_role("button", name="Use default instead").click()
    assert len(ranking(page)) == 10
    expect(page.get_by_test_id("stAlert")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_without_scrolling_sideways(
    address: str, scheme: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(viewport=PHONE, color_scheme=scheme)
    page.goto(address)
    send(page, WISH)
    assert len(ranking(page)) == 10
    assert width_of(page) <= PHONE["width"]
    for row in [*rows(page).all(), *page.get_by_role("progressbar").all(), *page.get_by_role("button").all()]:
        box = row.bounding_box()
        assert box is None or (box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"])


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
