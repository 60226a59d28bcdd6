"""Two people who use the app at once never see anything of each other, and both are answered right."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from recommender.query.engine import Engine
from recommender.query.wish import Wish
from tests.app.browser import at_rest, ranking, send

pytestmark = pytest.mark.browser

ANNAS, BENS = "I loved Get Out and It (2017), something scary", "something like Finding Nemo for the whole family"


def expected(engine: Engine, text: str) -> list[str]:
    utterance, _ = engine.read(text)
    return [item.movie.name for item in engine.recommend(Wish((utterance,)), 10).recommendations]


def begins(lines: list[str], names: list[str]) -> bool:
    """Whether the ranking's lines are these movies; a line goes on with the genres."""
    return len(lines) == len(names) and all(line.startswith(name) for line, name in zip(lines, names, strict=True))


def said(page: Page) -> list[str]:
    return page.get_by_test_id("stChatMessage").all_inner_texts()


def chips(page: Page) -> list[str]:
    return page.locator("[class*=st-key-chip-]").all_inner_texts()


def remarks(page: Page) -> str:
    """What `Your data` says of how much is kept."""
    page.get_by_role("button", name="Your data").click()
    line = page.get_by_text("Stored so far:")
    expect(line).to_be_visible()
    at_rest(page)
    text = line.inner_text()
    page.keyboard.press("Escape")
    expect(line).to_have_count(0)
    at_rest(page)
    return text


def test_two_people_never_see_each_other(address: str, engine: Engine, open_page: Callable[..., Page]) -> None:
    anna, ben = open_page(), open_page()
    for page in (anna, ben):
        page.goto(address)
        at_rest(page)
    send(anna, ANNAS)  # both before either is answered
    send(ben, BENS)
    annas, bens = ranking(anna), ranking(ben)
    assert begins(annas, expected(engine, ANNAS))
    assert begins(bens, expected(engine, BENS))
    assert [ANNAS in text for text in said(anna)] == [True]
    assert [BENS in text for text in said(ben)] == [True]
    bens_address, bens_chips = ben.url, chips(ben)

    anna.get_by_role("button", name="Seen it").first.click()
    expect(anna.locator(".st-key-undo button")).to_be_visible()
    assert not begins(ranking(anna), expected(engine, ANNAS))
    assert "one mark" in remarks(anna)
    assert "0 marks" in remarks(ben)
    assert begins(ranking(ben), expected(engine, BENS))
    assert (ben.url, chips(ben)) == (bens_address, bens_chips)
    assert "Nemo" not in anna.url
    assert "Nemo" in ben.url
    assert "Nemo" not in "".join(chips(anna))

    send(ben, "less violent")  # what Anna marked leaves nothing out for Ben
    ranking(ben)
    assert len(said(ben)) == 2
    assert len(said(anna)) == 1
    ben.reload()
    assert "0 marks" in remarks(ben)
    anna.reload()
    assert "one mark" in remarks(anna)
