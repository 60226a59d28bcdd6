"""The first page, without a browser: remarks on movies, the data behind them, links, two models, and why."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlencode

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.conversation import SHOWN, Taste
from pages.shared.link import MAX_MARKED
from pages.shared.person import PERSON, feedback
from pages.shared.setup import Key
from recommender.query.engine import Engine
from recommender.query.feedback import Feedback, FeedbackError
from recommender.settings import ROOT, settings
from tests.app.page import SLOW, WISH, captions, chips, messages, press, ranking, say, unescaped

ACTIONS = {"More like this": "more like ", "Seen it": "seen ", "Not for me": "not for me: "}
VISITOR = "a" * 32


@pytest.fixture(autouse=True)
def _default_run(runs: Callable[[str], Path]) -> None:
    runs("default")


@pytest.fixture(autouse=True)
def _no_database_of_another_test() -> Iterator[None]:
    feedback.clear()
    yield
    feedback.clear()


def visit(address: str = "") -> AppTest:
    """The same person opens the app anew."""
    app = AppTest.from_file(ROOT / "streamlit_app.py", default_timeout=SLOW)
    app.session_state[PERSON] = VISITOR
    app.query_params.update(parse_qs(address, keep_blank_values=True))
    app.run()
    assert not app.exception
    return app


def kept() -> dict[int, set[str]]:
    return Feedback(settings().database_url, False).of(VISITOR)


# Remarks.


@pytest.mark.parametrize("action", ACTIONS)
def test_a_remark_changes_the_ranking_and_can_be_undone(action: str) -> None:
    app = say(visit(), WISH)
    before = ranking(app)
    press(app, f"{action} {before[0]}")
    assert chips(app)[-1] == ACTIONS[action] + before[0]
    assert before[0] not in ranking(app)
    assert len(ranking(app)) == SHOWN
    assert len(kept()) == 1
    press(app, "Undo")
    assert ranking(app) == before
    assert kept() == {}
    assert not [button for button in app.button if button.key == "undo"]


def test_a_remark_is_taken_back_by_its_chip() -> None:
    app = say(visit(), WISH)
    before = ranking(app)
    press(app, f"Seen it {before[0]}")
    press(app, f"seen {before[0]}")
    assert ranking(app) == before
    assert kept() == {}


def test_seen_and_refused_movies_hold_at_the_next_visit_and_likes_do_not() -> None:
    app = say(visit(), WISH)
    first, second, third = ranking(app)[:3]
    for action, title in zip(ACTIONS, (first, second, third), strict=True):
        press(app, f"{action} {title}")
    assert sorted(kind for kinds in kept().values() for kind in kinds) == ["more", "not_for_me", "seen"]
    app = say(visit(), WISH)
    assert chips(app) == ["Get Out (2017)", "It (2017)", f"seen {second}", f"not for me: {third}"]
    assert not {second, third} & set(ranking(app))
    press(app, "New wish")
    say(app, "a western")
    assert chips(app) == [f"seen {second}", f"not for me: {third}"]


def test_many_seen_movies_are_folded(engine: Engine) -> None:
    for movie in list(engine.catalog)[:9]:
        feedback().add(VISITOR, movie.movie_id, "seen")
    app = say(visit(), WISH)
    labels = [block.proto.popover.label for block in app.get("popover")]
    assert "9 movies seen or not for me" in labels


def test_a_wish_without_remarks_makes_no_database_and_the_first_paint_does_not_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    monkeypatch.setattr(Feedback, "of", lambda _, person: asked.append(person) or {})
    app = visit()
    assert asked == []
    say(app, WISH)
    say(app, "less violent")
    assert asked == [VISITOR]
    assert not Path(settings().database_url.removeprefix("sqlite:///")).exists()


def test_a_database_that_fails_is_told_and_the_remark_still_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECOMMENDER_DATABASE_URL", "sqlite:////nowhere/at/all.sqlite")
    settings.cache_clear()
    app = say(visit(), WISH)
    first = ranking(app)[0]
    press(app, f"Seen it {first}")
    assert "until you close this page" in unescaped(app.warning[0].value)
    assert first not in ranking(app)


# The data behind them.


def open_data(app: AppTest) -> AppTest:
    app.session_state["data"] = True
    return app.run()


def test_everything_kept_can_be_forgotten() -> None:
    app = say(visit(), WISH)
    press(app, f"Seen it {ranking(app)[0]}")
    press(app, f"Not for me {ranking(app)[0]}")
    open_data(app)
    assert any("Stored so far: 2 marks" in markdown.value for markdown in app.markdown)
    assert not app.get("download_button")[0].disabled
    press(app, "Delete everything…")
    assert len(kept()) == 2, "nothing is forgotten before it is confirmed"
    next(button for button in app.button if button.key == "forget-all").click().run()
    assert kept() == {}
    assert chips(app) == ["Get Out (2017)", "It (2017)"]


def test_a_read_only_demo_keeps_nothing_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOMMENDER_READ_ONLY", "1")
    settings.cache_clear()
    app = say(visit(), WISH)
    first = ranking(app)[0]
    press(app, f"Seen it {first}")
    assert first not in ranking(app)
    assert kept() == {}
    assert any("public demo" in markdown.value for markdown in open_data(app).markdown)


# Links.


def test_an_opened_link_has_the_same_ranking() -> None:
    first = say(visit(), "something like Get Out, not like Saw, no horror")
    press(first, f"Not for me {ranking(first)[0]}")
    press(first, f"More like this {ranking(first)[1]}")
    press(first, "no horror")
    Feedback(settings().database_url, False).wipe(VISITOR)
    second = visit(urlencode(first.query_params, doseq=True))
    assert messages(second) == messages(first)
    assert chips(second) == chips(first)
    assert ranking(second) == ranking(first)
    assert any(caption.startswith("Opened from a link") for caption in captions(second))
    press(second, "Use mine")
    assert not any(caption.startswith("Opened from a link") for caption in captions(second))
    assert not any(chip.startswith("not for me") for chip in chips(second))


def test_the_link_of_a_wish_can_be_copied() -> None:
    app = say(visit(), WISH)
    assert "?wish=I+loved+Get+Out+and+It+%282017%29" in app.code[0].value
    press(app, "New wish")
    assert not app.code
    assert not app.query_params


@pytest.mark.parametrize("link", ["wish=like+Heat&chips=0-99.liked.1", "wish=%20", "seen=x", "wish=a&run=../x"])
def test_a_damaged_link_is_told_and_the_page_works(link: str) -> None:
    app = visit(link)
    assert unescaped(app.warning[0].value).startswith("This link is damaged")
    assert len(ranking(say(app, WISH))) == SHOWN


def test_a_link_to_a_movie_that_is_not_here_is_told_and_the_page_works() -> None:
    app = visit("wish=like+Heat&chips=5-9.liked.999999999")
    assert "does not know" in unescaped(app.warning[0].value)
    assert messages(app) == ["like Heat"]
    assert len(ranking(app)) == 10
    assert len(ranking(say(app, WISH))) == SHOWN


def test_what_a_link_marks_is_not_kept_as_this_person_s() -> None:
    app = visit("wish=a+western&liked=20&seen=21")
    assert ranking(app)
    assert feedback().of(app.session_state[PERSON]) == {}


def test_what_was_marked_while_the_database_failed_is_kept_when_it_works_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as failing:
        failing.setattr(Feedback, "of", broken)
        failing.setattr(Feedback, "put", broken)
        app = say(visit(), WISH)
        first = ranking(app)[0]
        press(app, f"Seen it {first}")
        assert "apply until you close this page" in unescaped(app.warning[0].value)
    app.run()
    assert list(feedback().of(app.session_state[PERSON]).values()) == [{"seen"}]
    assert first not in ranking(app)


def broken(*_: object, **__: object) -> None:
    raise FeedbackError("The database fails.")


def test_too_many_marks_for_a_link_leave_the_wish_in_the_address() -> None:
    app = say(visit(), WISH)
    conversation = app.session_state[Key.CONVERSATION]
    conversation.taste = conversation.own = Taste((), tuple(range(1, MAX_MARKED + 2)), ())
    conversation.answers.clear()
    app.run()
    assert app.query_params["wish"] == WISH
    assert "seen" not in app.query_params
    assert any(f"{MAX_MARKED + 1} marked movies are too many" in markdown.value for markdown in app.markdown)


def test_a_link_to_a_model_that_is_not_here_is_answered_by_another() -> None:
    app = visit("wish=a+western&run=gone")
    assert "gone, which is not here" in unescaped(app.warning[0].value)
    assert messages(app) == ["a western"]
    assert len(ranking(app)) == SHOWN


# Two models.


def compare(app: AppTest) -> AppTest:
    app.toggle[0].set_value(True).run()
    assert not app.exception
    return app


def test_two_models_answer_side_by_side(runs: Callable[[str], Path]) -> None:
    runs("other")
    app = compare(say(visit(), WISH))
    assert len(ranking(app)) == 2 * SHOWN
    assert ranking(app)[:SHOWN] == ranking(app)[SHOWN:], "it is the same model twice"
    assert len(app.get("plotly_chart")) == 1
    assert any("default and other share 10 of 10 movies, 10 at the same rank." in caption for caption in captions(app))
    assert not [button for button in app.button if button.key and button.key.startswith("seen-")]
    assert app.query_params["beside"] == "other"
    app.toggle[0].set_value(False).run()
    assert len(ranking(app)) == SHOWN


def test_a_link_to_a_comparison_shows_it(runs: Callable[[str], Path]) -> None:
    runs("other")
    app = visit("wish=a+western&run=other&beside=default")
    assert app.toggle[0].value
    assert len(ranking(app)) == 2 * SHOWN
    assert app.radio[0].value == "other"


def test_a_broken_second_model_is_told(runs: Callable[[str], Path]) -> None:
    (runs("other") / "model.safetensors").write_bytes(b"nothing")
    app = compare(say(visit(), WISH))
    assert "other" in unescaped(app.error[0].value)
    assert ranking(app) == []


def test_models_with_other_movies_are_not_compared(
    runs: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs("other")
    elsewhere = SimpleNamespace(trained=SimpleNamespace(fingerprint="of other movies"))
    monkeypatch.setattr("pages.recommend.answer.engine_of", lambda run: elsewhere)
    app = compare(say(visit(), WISH))
    assert unescaped(app.error[0].value) == "other has not the catalogue of default: choose another model."


# Why.


def test_why_takes_the_score_apart() -> None:
    app = say(visit(), WISH)
    press(app, f"Why? {ranking(app)[0]}")
    assert len(app.get("plotly_chart")) == 1
    parts = [markdown.value for markdown in app.markdown if markdown.value.startswith("- ")]
    assert len(parts) == 1
    for name in ("Your words", "Movies you named", "General popularity"):
        assert name in parts[0]
    assert [button.label for button in app.button if button.key == "words"] == ["Which words mattered most?"]
