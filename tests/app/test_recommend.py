"""The first page, without a browser: what a wish shows, and every state that has no ranking."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from pages.shared.conversation import SHOWN
from pages.shared.person import feedback
from pages.shared.text import plain
from recommender.data.catalog import Catalog, Movie
from recommender.data.source import Source
from recommender.query.engine import Answer, Engine
from recommender.runs.folder import Run
from recommender.settings import settings
from tests.app.page import WISH, captions, chips, messages, press, ranking, say, unescaped


@pytest.fixture(autouse=True)
def _no_database_of_another_test() -> None:
    feedback.clear()


# What is shown is what was written.


@given(st.text())
def test_escaping_keeps_every_letter(text: str) -> None:
    assert unescaped(plain(text)) == " ".join(text.split()).replace("\u2060", "")


@given(st.text(alphabet="*_[]()<>`$#~|:\\!-+.1a \n"))
def test_escaping_leaves_no_bare_punctuation(text: str) -> None:
    assert not re.search(r"[!-/:-@\[-`{-~]", re.sub(r"\\[!-/:-@\[-`{-~]", "", plain(text)))


@pytest.mark.parametrize(
    "text", [":smile:", ":material/home:", ":streamlit:", "www.example.org", "https://x.org", "a@b.org"]
)
def test_what_is_found_after_escaping_is_parted(text: str) -> None:
    assert "\u2060" in plain(text)


# A wish and its answer.


def test_the_empty_page_tells_what_to_do_and_which_model_answers(app: AppTest) -> None:
    app.run()
    assert not app.exception
    assert app.title[0].value == "Find your next movie"
    assert len(app.button) >= 3
    (source,) = [caption for caption in captions(app) if caption.startswith("Ranked by")]
    assert "default" in source
    assert "the synthetic sample, NOT ReDial" in source
    assert "CPU" in source or "GPU" in source or "GB" in source


def test_the_first_example_is_answered(app: AppTest) -> None:
    app.run()
    example = unescaped(app.button[0].label)
    app.button[0].click().run()
    assert messages(app) == [example]
    assert chips(app) == ["Inception (2010)", "The Matrix (1999)"]
    assert len(ranking(app)) == SHOWN
    assert not {"Inception (2010)", "The Matrix (1999)"} & set(ranking(app))


def test_every_row_has_a_bar_in_words_and_a_reason(app: AppTest) -> None:
    say(app.run(), WISH)
    bars = app.get("progress")
    assert len(bars) == SHOWN
    assert bars[0].proto.value == 100
    (legend,) = [caption for caption in captions(app) if caption.startswith("Best first.")]
    assert all(bar.proto.text and bar.proto.text.lower() in legend for bar in bars)
    reasons = [markdown.value for markdown in app.markdown if markdown.value.startswith(":small[")]
    assert len(reasons) == SHOWN
    assert all(len(reason) > len(":small[]") for reason in reasons)


def test_removing_a_chip_changes_the_ranking(app: AppTest) -> None:
    say(app.run(), WISH)
    before = ranking(app)
    press(app, "It (2017)")
    assert chips(app) == ["Get Out (2017)"]
    assert len(ranking(app)) == SHOWN
    assert ranking(app) != before


def test_a_refusal_is_shown_and_can_be_undone(app: AppTest) -> None:
    say(app.run(), "something like Get Out, not like Saw, no horror")
    assert chips(app) == ["Get Out (2017)", "not like Saw (2004)", "no horror"]
    horror = [caption for caption in captions(app) if "no horror" in caption]
    assert len(horror) == 1
    assert any("Saw (2004)" in caption for caption in captions(app))
    press(app, "no horror")
    assert chips(app) == ["Get Out (2017)", "not like Saw (2004)"]
    assert not any("no horror" in caption for caption in captions(app))


def test_the_second_one_is_not_shown_again(app: AppTest) -> None:
    say(app.run(), WISH)
    second = ranking(app)[1]
    say(app, "less violent, I have seen the second one")
    assert chips(app) == ["Get Out (2017)", "It (2017)", f"seen {second}"]
    assert second not in ranking(app)
    assert len(ranking(app)) == SHOWN
    earlier = [text.value for text in app.expander[0].text]
    assert len(earlier) == 1
    assert f"2. {second}" in earlier[0].splitlines()


def test_new_wish_starts_over(app: AppTest) -> None:
    say(app.run(), WISH)
    press(app, "New wish")
    assert messages(app) == ranking(app) == chips(app) == []
    say(app, "a western")
    assert messages(app) == ["a western"]


@pytest.mark.parametrize("text", ["😀 🎬", "!?", " \t ", "\x00\x07\u200b", "…"])
def test_a_wish_without_words_leaves_the_page_as_it_was_and_says_why(app: AppTest, text: str) -> None:
    say(app.run(), text)
    assert "something like Inception" in unescaped(app.warning[0].value)
    assert messages(app) == []
    assert app.title[0].value == "Find your next movie"
    assert app.chat_input[0].placeholder == "What do you feel like watching?"
    assert len(app.button) >= 3, "the examples are gone"
    say(app, WISH)
    assert not app.warning


def test_a_long_text_is_cut_at_the_limit_with_a_notice_and_folded(app: AppTest) -> None:
    say(app.run(), "space " * 20_000)
    (message,) = messages(app)
    assert message == ("space " * 50) + "…"
    (whole,) = [expander for expander in app.expander if expander.label.startswith("Show all 2,000")]
    assert len(whole.text[0].value) <= settings().max_wish_chars
    assert any("first 2,000 characters" in caption for caption in captions(app))
    assert len(ranking(app)) == SHOWN


@pytest.mark.parametrize(
    "text", ["<b>It</b> <script>alert(1)</script>", "# It\n| a | b |", "$x^2$ :red[It] :smile: @1"]
)
def test_markup_is_text(app: AppTest, text: str) -> None:
    say(app.run(), text)
    assert messages(app) == [" ".join(text.split())]
    assert not any(text in markdown.value for markdown in [*app.markdown, *app.caption])


def test_another_language_is_answered_with_a_notice(app: AppTest) -> None:
    say(app.run(), "что-нибудь весёлое для всей семьи")
    assert any("English" in caption for caption in captions(app))
    assert len(ranking(app)) == SHOWN


def test_an_empty_answer_says_why(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "recommend", lambda *_: Answer([], ["Nothing *is* left."]))
    say(app.run(), WISH)
    assert [unescaped(info.value) for info in app.info] == ["Nothing *is* left."]
    assert ranking(app) == []


# Models.


def write_catalog(run: Path, movies: list[Movie]) -> None:
    Catalog(movies).save(run / "catalog.json")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def hollow(path: Path) -> None:
    """The right file of the wrong size: one row of the table only."""
    weights, facts = Run(path.parent).weights()
    Run(path.parent).write_weights(
        {name: tensor[:1] if tensor.ndim else tensor for name, tensor in weights.items()}, facts
    )


DAMAGE: dict[str, tuple[str, Callable[[Path], None]]] = {
    "missing": ("model.safetensors", Path.unlink),
    "cut": ("model.safetensors", cut),
    "wrong size": ("model.safetensors", hollow),
    "no catalogue": ("catalog.json", Path.unlink),
    "no status": ("status.json", Path.unlink),
    "another catalogue": ("catalog.json", lambda path: write_catalog(path.parent, [Movie(1, "Alone")])),
    "not json": ("config.json", lambda path: path.write_text("{")),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_broken_run_is_named_and_the_others_offered(runs: Callable[[str], Path], app: AppTest, kind: str) -> None:
    name, damage = DAMAGE[kind]
    runs("sound")
    damage(settings().checkpoints_dir / "default" / name)
    say(app.run(), WISH)
    assert name in unescaped(app.error[0].value)
    assert "default" in unescaped(app.error[0].value)
    assert ranking(app) == []
    app.radio[0].set_value("sound").run()
    assert not app.exception
    assert not app.error
    assert messages(app) == [WISH], "the wish was lost with the model"
    assert len(ranking(app)) == SHOWN


def test_a_broken_run_leaves_a_way_on_in_one_press(runs: Callable[[str], Path], app: AppTest) -> None:
    runs("sound")
    cut(settings().checkpoints_dir / "default" / "model.safetensors")
    press(say(app.run(), WISH), "Use sound instead")
    assert not app.error
    assert len(ranking(app)) == SHOWN
    assert app.radio[0].value == "sound"


def test_without_a_run_the_page_says_how_to_get_one(runs: Callable[[str], Path], app: AppTest) -> None:
    shutil.rmtree(settings().checkpoints_dir / "default")
    app.run()
    assert not app.exception
    assert "python -m recommender train" in unescaped(app.info[0].value)


def test_one_run_needs_no_choice_of_models_and_the_page_says_how_to_get_two(app: AppTest) -> None:
    say(app.run(), WISH)
    assert not app.radio
    assert app.toggle[0].disabled
    assert any("second model" in caption for caption in captions(app))


def test_a_run_that_learned_from_the_sample_says_so(runs: Callable[[str], Path], app: AppTest) -> None:
    real = Run(runs("real"))
    real.write_status(real.status().model_copy(update={"source_kind": Source.FOLDER}))
    app.run()
    assert ["sample" in option for option in app.radio[0].options] == [True, False]


def test_a_run_in_training_is_not_offered(runs: Callable[[str], Path], app: AppTest) -> None:
    waiting = Run(runs("waiting"))
    Path.unlink(waiting.folder / "model.safetensors")
    waiting.write_status(waiting.status().model_copy(update={"state": "queued"}))
    app.run()
    assert not app.radio
