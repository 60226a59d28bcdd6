"""axe-core finds nothing grave on any page, and the keyboard alone is enough."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from benchmarks.screenshot import serving
from recommender.runs.folder import Run
from recommender.runs.ownership import owning
from recommender.settings import ROOT
from tests.app.browser import WISH, at_rest, ranking, send

pytestmark = pytest.mark.browser

PATHS = ("/", "/train", "/compare", "/about")
GRAVE = ("moderate", "serious", "critical")
# What axe holds against Streamlit's own elements and a page cannot mend: the rule, the selector and why.
STREAMLITS_OWN = (
    (
        "color-contrast",
        "label[data-testid=stWidgetLabel][disabled] *",
        "WCAG 1.4.3 asks no contrast of a disabled field; its label is not tied to it in a way that axe can see",
    ),
)
TABS = 60  # presses of the Tab key that may be needed to get anywhere
HAS_FOCUS = "selector => document.activeElement.matches(selector)"


def violations(page: Page) -> list[str]:
    """`rule at selector: element` for everything grave that is not Streamlit's own."""
    return [
        f"{violation['id']} at {node['target']}: {node['html'][:300]}"
        for violation in Axe().run(page).response["violations"]
        for node in violation["nodes"]
        if violation["impact"] in GRAVE and not is_streamlits_own(page, violation["id"], node["target"][0])
    ]


def is_streamlits_own(page: Page, rule: str, target: str) -> bool:
    matches = "([target, selector]) => document.querySelector(target).matches(selector)"
    return any(rule == known and page.evaluate(matches, [target, selector]) for known, selector, _ in STREAMLITS_OWN)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_grave_violation(address: str, open_page: Callable[..., Page], scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    found: dict[str, list[str]] = {}
    for path in PATHS:
        page.goto(f"{address}{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        at_rest(page)
        found[path] = violations(page)
        for tab in page.get_by_role("tab").all()[1:]:
            tab.click()
            at_rest(page)
            found[f"{path}, tab {tab.inner_text()}"] = violations(page)
    assert {state: what for state, what in found.items() if what} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_answer_has_no_grave_violation(address: str, open_page: Callable[..., Page], scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    page.goto(address)
    send(page, WISH)
    ranking(page)
    assert violations(page) == []
    page.get_by_role("button", name="Why?").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    at_rest(page)
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_live_training_has_no_grave_violation(
    browser: Browser, put: Callable[..., Run], open_page: Callable[..., Page], scheme: str
) -> None:
    running = put("training", "running")
    put("waiting", "queued")
    put("failed", "failed", problem="out_of_memory", reason="Out of memory.")
    page = open_page(color_scheme=scheme)
    with owning(running), serving(ROOT / "streamlit_app.py", {}) as busy:
        page.goto(f"{busy}/train")
        expect(page.get_by_text("Epoch 2 of")).to_be_visible()
        expect(page.get_by_test_id("stPlotlyChart")).to_have_count(5)
        assert violations(page) == []
        choice = page.get_by_role("combobox", name="Run", exact=True)
        choice.click()
        page.get_by_role("option", name="failed").click()
        expect(page.get_by_role("button", name="Start again with a batch of 16")).to_be_visible()
        page.get_by_test_id("stPopover").first.get_by_role("button").click()
        expect(page.get_by_text("This cannot be undone")).to_be_visible()
        assert violations(page) == []


def test_axe_sees_what_is_wrong(address: str, page: Page) -> None:
    page.goto(address)
    at_rest(page)
    page.evaluate(
        "document.querySelector('h1').insertAdjacentHTML('afterend', '<img src=\"data:,\"><button></button>')"
    )
    assert {each.split()[0] for each in violations(page)} == {"image-alt", "button-name"}


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until an element that `selector` describes has the focus."""
    for _ in range(TABS):
        page.keyboard.press("Tab")
        if page.evaluate(HAS_FOCUS, selector):
            return
    raise AssertionError(f"{TABS} presses of Tab do not reach {selector}")


def test_the_keyboard_alone_asks_and_marks_a_movie(address: str, page: Page) -> None:
    page.goto(address)
    at_rest(page)
    tab_to(page, "[data-testid=stChatInputTextArea]")
    page.keyboard.type(WISH)
    page.keyboard.press("Enter")
    first = ranking(page)
    tab_to(page, ".st-key-card-1 [class*=st-key-seen-] button")
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-undo button")).to_be_visible()
    assert first[0] not in ranking(page)
