"""The first page in a real browser: remarks, links, two models, why, and the data behind it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocket, expect

from benchmarks.screenshot import serving
from recommender.config.presets import load_preset
from recommender.runs.folder import new_run
from recommender.settings import ROOT, Settings
from recommender.training.run import train_run
from tests.app.browser import PHONE, WISH, at_rest, chip, ranking, rows, send, width_of

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def two_models(browser: Browser, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with a run that goes by the movies named and one that goes by popularity alone."""
    home = tmp_path_factory.mktemp("two")
    here = Settings(checkpoints_dir=home / "runs", cache_dir=home / "cache")
    shutil.copytree(trained, here.checkpoints_dir / "default")
    train_run(new_run("popular", load_preset("popularity", ["data.source=sample"]), here), here)
    variables = {
        "RECOMMENDER_CHECKPOINTS_DIR": str(here.checkpoints_dir),
        "RECOMMENDER_CACHE_DIR": str(here.cache_dir),
        "RECOMMENDER_DATABASE_URL": f"sqlite:///{home / 'feedback.sqlite'}",
    }
    with serving(ROOT / "streamlit_app.py", variables) as served:
        yield served


def act(page: Page, action: str, title: str) -> None:
    """Press a card's button. Its name holds the movie's title, although only the action is shown."""
    page.get_by_role("button", name=f"{action} {title}", exact=True).click()


def names(titles: list[str]) -> list[str]:
    """Down to the year: `"Heat (1995) crime, drama"` -> `"Heat (1995)"`."""
    return [title.split(")")[0] + ")" for title in titles]


def asked(page: Page, address: str, wish: str = WISH) -> list[str]:
    page.goto(address)
    at_rest(page)
    send(page, wish)
    return names(ranking(page))


def test_a_remark_is_heard_undone_and_shared(address: str, open_page: Callable[..., Page]) -> None:
    page, other = open_page(), open_page()
    first = asked(page, address)
    act(page, "Seen it", first[0])
    expect(chip(page, f"seen {first[0]}")).to_be_visible()
    second = names(ranking(page))
    assert first[0] not in second
    page.get_by_role("button", name="Undo").click()
    expect(chip(page, f"seen {first[0]}")).to_have_count(0)
    assert names(ranking(page)) == first
    act(page, "Not for me", first[1])
    expect(chip(page, f"not for me: {first[1]}")).to_be_visible()
    act_on = names(ranking(page))
    act(page, "More like this", act_on[4])
    expect(chip(page, f"more like {act_on[4]}")).to_be_visible()
    shown = ranking(page)
    page.get_by_role("button", name="Share").click()
    link = page.get_by_test_id("stPopoverBody").get_by_test_id("stCode").inner_text().strip()
    assert link == page.url

    other.goto(link)
    expect(other.get_by_text("Opened from a link")).to_be_visible()
    assert ranking(other) == shown
    expect(chip(other, f"not for me: {first[1]}")).to_be_visible()
    other.get_by_role("button", name="Use mine").click()
    expect(chip(other, f"not for me: {first[1]}")).to_have_count(0)
    assert ranking(other) != shown


def test_a_reload_and_a_later_visit_keep_what_was_said(address: str, page: Page) -> None:
    first = asked(page, address)
    act(page, "Seen it", first[0])
    expect(chip(page, f"seen {first[0]}")).to_be_visible()
    shown = ranking(page)
    page.reload()
    assert ranking(page) == shown
    expect(page.get_by_text("Opened from a link")).to_have_count(0)
    asked(page, address, "a western")
    expect(chip(page, f"seen {first[0]}")).to_be_visible()


def test_back_and_forward_go_through_the_wishes(address: str, page: Page) -> None:
    first = asked(page, f"{address}/recommend")
    send(page, "something funny with a dog")
    expect(page.get_by_test_id("stChatMessage")).to_have_count(2)
    second = names(ranking(page))
    page.go_back()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(1)
    assert names(ranking(page)) == first
    page.go_forward()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(2)
    assert names(ranking(page)) == second


def test_a_movie_is_picked_from_the_catalogue(address: str, page: Page) -> None:
    page.goto(address)
    at_rest(page)
    page.get_by_text("Pick a movie I like").click()
    page.get_by_role("combobox").press_sequentially("blade runner 2049")
    page.get_by_role("option", name="Blade Runner 2049 (2017)").click()
    expect(chip(page, "more like Blade Runner 2049 (2017)")).to_be_visible()
    assert "Blade Runner 2049 (2017)" not in names(ranking(page))


def test_the_catalogue_travels_only_when_it_is_asked_for(address: str, page: Page) -> None:
    came: list[bytes] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: came.append(frame if isinstance(frame, bytes) else frame.encode()))

    def has_come(title: bytes) -> bool:
        return any(title in frame for frame in came)

    page.on("websocket", listen)
    asked(page, address)
    assert has_come(b"Get Out")
    assert not has_come(b"Menace to South Central")
    page.get_by_text("I also like…").click()
    expect(page.get_by_role("combobox")).to_be_visible()
    assert has_come(b"Menace to South Central")


def compared(page: Page, address: str) -> None:
    """A wish is asked, and answered by two models side by side."""
    asked(page, address)
    page.get_by_role("button", name="Models").click()
    page.get_by_text("Compare two models").click()
    expect(rows(page)).to_have_count(20)
    at_rest(page)
    page.keyboard.press("Escape")


def test_two_models_side_by_side(two_models: str, page: Page) -> None:
    compared(page, two_models)
    expect(page.get_by_test_id("stPlotlyChart").locator("svg").first).to_be_visible()
    left, right = (column.bounding_box() for column in columns(page).all())
    assert left["x"] + left["width"] <= right["x"]
    page.set_viewport_size(PHONE)
    left, right = (column.bounding_box() for column in columns(page).all())
    assert left["y"] + left["height"] <= right["y"], "a phone shows one below the other"
    assert width_of(page) <= PHONE["width"]


def test_back_ends_the_comparison_and_forward_begins_it_again(two_models: str, page: Page) -> None:
    compared(page, two_models)
    page.go_back()
    expect(rows(page)).to_have_count(10)
    at_rest(page)
    assert "beside=" not in page.url
    page.go_forward()
    expect(rows(page)).to_have_count(20)
    at_rest(page)
    assert "beside=" in page.url


def columns(page: Page) -> Locator:
    return page.get_by_test_id("stColumn")


def test_why_is_answered_and_closed_with_the_keyboard_alone(address: str, page: Page) -> None:
    page.set_viewport_size(PHONE)
    first = asked(page, address)
    page.get_by_role("button", name=f"Why? {first[2]}", exact=True).focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name=f"Why {first[2]}?")).to_be_visible()
    expect(dialog.get_by_test_id("stPlotlyChart").locator("svg").first).to_be_visible()
    expect(dialog.get_by_text("Movies you named: +")).to_be_visible()
    at_rest(page)
    dialog.get_by_role("button", name="Which words mattered most?").focus()
    page.keyboard.press("Enter")
    expect(
        dialog.get_by_text("No single word changes").or_(dialog.get_by_text("when the word is taken out"))
    ).to_be_visible()
    assert width_of(page) <= PHONE["width"]
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_what_is_kept_is_exported_and_forgotten(address: str, page: Page) -> None:
    first = asked(page, address)
    act(page, "Seen it", first[0])
    expect(chip(page, f"seen {first[0]}")).to_be_visible()
    at_rest(page)
    page.get_by_text("Your data").click()
    expect(page.get_by_text("Stored so far: one mark.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as CSV").click()
    table = Path(download.value.path()).read_text(encoding="utf-8")
    assert first[0].rsplit(" (", 1)[0] in table
    page.get_by_role("button", name="Delete everything…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete everything", exact=True).click()
    expect(chip(page, f"seen {first[0]}")).to_have_count(0)
    assert names(ranking(page)) == first


def test_a_card_shows_the_action_and_says_the_title_too(address: str, page: Page) -> None:
    first = asked(page, address)
    button = page.get_by_role("button", name=f"Seen it {first[0]}", exact=True)
    assert button.locator("em").bounding_box()["width"] <= 1
    assert button.bounding_box()["width"] < 120
