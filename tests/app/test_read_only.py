"""`RECOMMENDER_READ_ONLY=1`: no page offers an action that writes, and whatever is pressed, nothing is written."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.person import feedback
from pages.shared.setup import Key
from pages.train.studies import TUNE
from recommender.config import RunConfig
from recommender.data.catalog import Catalog
from recommender.errors import RecommenderError
from recommender.query.additions import FILE, add_movie, remove_movie
from recommender.query.feedback import Feedback
from recommender.runs.folder import Run
from recommender.settings import ROOT, settings
from recommender.training import job
from tests.app.page import SLOW, WISH, unescaped
from tests.made_study import made_study

PERSON = "a" * 32
# Everything else that a page offers must be one of these. Whoever adds a button says here that it writes nothing.
HARMLESS = {
    "recommend": (
        "New wish|something like .*|a feel-good .*|I loved .*|somthing like .*|More like this .*|Seen it .*|"
        "Not for me .*|Why[?].*|Undo .*|Use mine|Ask .* instead|Which words mattered most[?]|.* [(]\\d{4}[)]|no .*"
    ),
    "train": "Compare|Use this model",
    "compare": "Report [(]HTML[)]|Table [(]CSV[)]|Curves [(]CSV[)]",
    "about": "",
}
KEYS = {
    "recommend": "wish|comparing|model|beside-.*|also-.*|search-.*|which-.*",
    "train": f"{Key.TRAIN_RUN}|{Key.TRAIN_STUDY}|log-.*|all-runs",
}
TABS = [*((page, None) for page in HARMLESS), ("train", TUNE)]  # a page, or one of its tabs
WRITES = re.compile(r"start|stop|resume|delete|queue|again|add|remove|forget|export|try|estimate|keep", re.IGNORECASE)


@pytest.fixture(autouse=True)
def _demo(runs: Callable[[str], Path], put: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    runs("default")
    runs("other")
    put("alive", "running")
    put("waiting", "queued")
    put("big", "failed", problem="out_of_memory", reason="Out of memory.")
    put("broken-off", "interrupted")
    made_study("s", [0.05, None, 0.09, 0.07, 0.02, None, 0.06, 0.08, 0.03, 0.04], settings())
    (settings().checkpoints_dir / FILE).write_text("[]\n")
    Feedback(settings().database_url).add(PERSON, 20, "seen", "default")
    monkeypatch.setenv("RECOMMENDER_READ_ONLY", "1")
    settings.cache_clear()
    feedback.clear()
    yield
    feedback.clear()


def written() -> dict[str, tuple[bytes, int]]:
    """Every file of the installation, its bytes and when it was last changed."""
    home = settings().checkpoints_dir.parent
    return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in sorted(home.rglob("*")) if p.is_file()}


def opened(page: str, tab: str | None = None) -> AppTest:
    app = AppTest.from_file(ROOT / "pages" / f"{page}.py", default_timeout=SLOW)
    app.session_state["person"] = PERSON
    if tab is not None:
        app.session_state[Key.TRAIN_TAB] = tab
    app.run()
    assert not app.exception
    return app


def offered(app: AppTest) -> list[str]:
    """What every button, also those that download or send a form, says."""
    found = [*app.button, *app.get("download_button")]
    return [unescaped(getattr(item, "label", "") or item.proto.label).replace("*", "") for item in found]


def inputs(app: AppTest) -> list[Any]:
    kinds = ("text_input", "number_input", "text_area", "selectbox", "multiselect", "checkbox", "toggle", "radio")
    return [item for kind in (*kinds, "slider", "file_uploader", "chat_input", "form") for item in app.get(kind)]


@pytest.mark.parametrize(("page", "tab"), TABS)
def test_no_page_offers_an_action_that_writes(page: str, tab: str | None) -> None:
    app = opened(page, tab)
    if page == "recommend":
        app.chat_input[0].set_value(WISH).run()
    seen = offered(app)
    for run_id in app.selectbox(key=Key.TRAIN_RUN).options if page == "train" and tab is None else ():
        app.selectbox(key=Key.TRAIN_RUN).set_value(run_id).run()
        seen += offered(app)
    assert [label for label in seen if not re.fullmatch(HARMLESS[page], label)] == []
    if page != "recommend":  # there a movie's title may hold such a word
        assert [label for label in seen if WRITES.search(label)] == []
    assert [item for item in inputs(app) if item.type in ("form", "file_uploader", "text_area", "number_input")] == []
    assert [item.key for item in inputs(app) if page in KEYS and not re.fullmatch(KEYS[page], item.key or "")] == []
    assert not [p.label for p in app.get("popover") if "Delete" in str(p)]


def test_looking_at_studies_makes_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a database that is there but has none, as a server's has none at first."""
    file = settings().checkpoints_dir.parent / "empty.sqlite"
    file.write_bytes(b"")
    monkeypatch.setenv("RECOMMENDER_STUDIES_URL", f"sqlite:///{file}")
    settings.cache_clear()
    before = written()
    app = opened("train", TUNE)
    assert "No study yet." in app.info[-1].value
    assert written() == before


def add_page() -> None:
    """A model that knows movies by their text, without the seconds that loading one takes."""
    from types import SimpleNamespace

    from pages.recommend.add import draw_add

    draw_add(SimpleNamespace(config=SimpleNamespace(model=SimpleNamespace(reads_movie_text=True))))


def test_a_movie_can_be_added_only_where_things_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not AppTest.from_function(add_page).run().button
    monkeypatch.setenv("RECOMMENDER_READ_ONLY", "0")
    settings.cache_clear()
    assert [button.label for button in AppTest.from_function(add_page).run().button] == ["Add a movie"]


@pytest.mark.parametrize(("page", "tab"), TABS)
def test_whatever_is_pressed_nothing_is_written(page: str, tab: str | None) -> None:
    before = written()
    app = opened(page, tab)
    if page == "recommend":
        app.chat_input[0].set_value(WISH).run()
        app.session_state["data"] = app.session_state["also"] = True  # menus, opened
        app.run()
        assert any("public demo" in markdown.value for markdown in app.markdown)
    pressed: set[str] = set()
    for _ in range(40):
        button = next(
            (b for b in app.button if not b.disabled and re.sub(r"\d+", "", b.key or b.label) not in pressed), None
        )
        if button is None:
            break
        pressed.add(re.sub(r"\d+", "", button.key or button.label))  # one of the ten of a kind
        button.click().run()
        if app.exception:  # pages lead to each other, which only the whole app can do
            assert "page" in app.exception[0].message.lower()
            app = opened(page, tab)
    for box in [*app.checkbox, *app.toggle]:
        box.set_value(not box.value).run()
    for place in range(len(app.selectbox)):
        for option in range(len(app.selectbox[place].options)):
            if option < 5 and place < len(app.selectbox):
                app.selectbox[place].select_index(option).run()
    assert written() == before


def test_what_stands_behind_the_actions_refuses(shipped_catalog: Catalog) -> None:
    before, demo = written(), settings()
    assert demo.read_only
    config, alive = RunConfig(protocol="paper"), Run(demo.checkpoints_dir / "alive")
    acts: list[Callable[[], object]] = [
        lambda: job.start(config, "new", demo),
        lambda: job.stop(alive, demo),
        lambda: job.resume(Run(demo.checkpoints_dir / "big"), demo),
        lambda: job.restart(Run(demo.checkpoints_dir / "big"), [], demo),
        lambda: job.delete(Run(demo.checkpoints_dir / "big"), demo),
        lambda: job.estimate_apart(config, demo),
        lambda: add_movie("New", 2026, [], "", shipped_catalog, demo),
        lambda: remove_movie(5, demo),
    ]
    for act in acts:
        with pytest.raises(RecommenderError, match="read-only demo"):
            act()
    store = Feedback(demo.database_url, demo.read_only)
    store.add(PERSON, 30, "more")
    store.put(PERSON, 20, "more")
    store.remove(PERSON, 20, "seen")
    store.hand_over(PERSON, "b" * 32)
    assert store.wipe(PERSON) == 0
    assert store.of(PERSON) == {20: {"seen"}}
    assert written() == before
    assert os.getpid() == alive.status().pid
