"""Who is using a browser: the session's id, which the browser keeps."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect
from streamlit.testing.v1 import AppTest

from benchmarks.screenshot import serving
from pages.shared import person as module
from recommender.query.feedback import PERSON
from recommender.settings import settings
from tests.app.browser import at_rest

SCRIPT = """
import streamlit as st
from pages.shared.person import feedback, keep_person, person
st.session_state.runs = st.session_state.get("runs", 0) + 1
st.button("Seen", on_click=lambda: feedback().add(person(), 20, "seen"))
st.text(f"{person()} {st.session_state.runs} {feedback().of(person())}")
keep_person()
st.text("The end")
"""
KEPT = "localStorage.getItem('reelwish-person')"


@pytest.fixture(autouse=True)
def _no_database_of_another_test() -> Iterator[None]:
    module.feedback.clear()
    yield
    module.feedback.clear()


def shown(app: AppTest) -> list[str]:
    assert not app.exception
    return app.text[0].value.split(" ", 2)


def test_a_session_without_a_browser_has_an_id_of_its_own() -> None:
    first, second = AppTest.from_string(SCRIPT).run(), AppTest.from_string(SCRIPT).run()
    assert PERSON.fullmatch(shown(first)[0])
    assert shown(first)[0] != shown(second)[0]
    assert shown(first)[0] == shown(first.run())[0]
    assert first.text[-1].value == "The end"


def test_a_remark_is_kept_for_the_session_that_made_it() -> None:
    first, second = AppTest.from_string(SCRIPT).run(), AppTest.from_string(SCRIPT).run()
    first.button[0].click().run()
    assert shown(first)[2] == "{20: {'seen'}}"
    assert shown(second.run())[2] == "{}"


def test_a_read_only_demo_asks_the_browser_nothing_and_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = AppTest.from_string(SCRIPT)
    assert app.run().get("bidi_component")
    monkeypatch.setenv("RECOMMENDER_READ_ONLY", "1")
    settings.cache_clear()
    module.feedback.clear()
    app.run()
    app.button[0].click().run()
    assert shown(app)[2] == "{}"
    assert not app.get("bidi_component")


@pytest.mark.parametrize("named", [None, 7, ["a" * 32], "", "a" * 31, "A" * 32, "a" * 32 + "\n", "<b>" + "a" * 29])
def test_only_an_id_is_adopted(monkeypatch: pytest.MonkeyPatch, named: Any) -> None:
    state = {module.PERSON: "b" * 32, module.BROWSER: {"person": named}}
    monkeypatch.setattr(module, "st", SimpleNamespace(session_state=state))
    module._adopt()
    assert module.person() == "b" * 32
    state[module.BROWSER] = {"person": "c" * 32}
    module._adopt()
    assert module.person() == "c" * 32


def test_what_was_said_before_the_browser_named_its_id_is_kept_under_that(monkeypatch: pytest.MonkeyPatch) -> None:
    state = {module.PERSON: "b" * 32, module.BROWSER: {"person": "c" * 32}}
    monkeypatch.setattr(module, "st", SimpleNamespace(session_state=state))
    module.feedback().add("b" * 32, 21, "seen")
    module._adopt()
    assert module.feedback().of("c" * 32) == {21: {"seen"}}
    assert module.feedback().of("b" * 32) == {}


# In a browser


@pytest.fixture(scope="module")
def small(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a page that shows its person and how often it ran."""
    home = tmp_path_factory.mktemp("person")
    script = home / "script.py"
    script.write_text(SCRIPT)
    with serving(script, {"RECOMMENDER_DATABASE_URL": f"sqlite:///{home / 'feedback.sqlite'}"}) as served:
        yield served


def told(page: Page) -> tuple[str, int, str]:
    """Who the page says it is for, how often it ran and the remarks, once the browser keeps an id that is shown."""
    page.wait_for_function(f"document.body.innerText.includes({KEPT} ?? 'no id yet')")
    at_rest(page)
    name, runs, remarks = page.get_by_test_id("stText").first.inner_text().split(" ", 2)
    return name, int(runs), remarks


@pytest.mark.browser
def test_a_reload_keeps_the_person_and_another_browser_has_another(small: str, open_page: Callable[..., Page]) -> None:
    page, other = open_page(), open_page()
    page.goto(small)
    name, runs, _ = told(page)
    assert runs == 1  # a new person costs no second run
    page.get_by_role("button", name="Seen").click()
    expect(page.get_by_text("{20: {'seen'}}")).to_be_visible()
    page.reload()
    assert told(page) == (name, 2, "{20: {'seen'}}")
    page.get_by_role("button", name="Seen").click()
    expect(page.get_by_text(f"{name} 3")).to_be_visible()  # and no run more
    tab = page.context.new_page()
    tab.goto(small)
    assert told(tab)[0] == name
    other.goto(small)
    stranger, runs, remarks = told(other)
    assert stranger != name
    assert (runs, remarks) == (1, "{}")


@pytest.mark.browser
def test_a_kept_text_that_is_no_id_is_replaced(small: str, page: Page) -> None:
    page.goto(small)
    told(page)
    page.evaluate("localStorage.setItem('reelwish-person', '<script>alert(1)</script>')")
    page.reload()
    page.wait_for_function(f"!{KEPT}.includes('<')")
    name, runs, _ = told(page)
    assert PERSON.fullmatch(name)
    assert runs == 1
    box = page.get_by_test_id("stBidiComponentIsolated").bounding_box()
    assert box is None or box["height"] == 0  # nothing is seen of all this


@pytest.mark.browser
def test_a_browser_that_stores_nothing_is_served_in_silence(small: str, page: Page) -> None:
    wrong: list[ConsoleMessage | Error] = []
    page.on("console", lambda message: wrong.append(message) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(error))
    page.add_init_script("Storage.prototype.getItem = Storage.prototype.setItem = () => { throw new Error('off') }")
    page.goto(small)
    page.get_by_test_id("stBidiComponentIsolated").wait_for(state="attached")
    page.get_by_role("button", name="Seen").click()
    expect(page.get_by_text("2 {20: {'seen'}}")).to_be_visible()
    at_rest(page)
    assert [str(each) for each in wrong] == []
