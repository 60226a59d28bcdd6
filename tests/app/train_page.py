"""What the tests of the Train page without a browser share: the page opened, read and pressed."""

import time
from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest

from pages.shared.setup import Key
from recommender.settings import ROOT
from recommender.training.estimate import Estimate
from tests.app.page import SLOW, unescaped

ESTIMATE = Estimate(
    train_examples=31_202,
    validation_examples=3_419,
    epochs=6,
    steps_per_epoch=488,
    seconds_per_step=0.1,
    validation_seconds=15.0,
    preparation_seconds=60.0,
    closing_seconds=20.0,
    memory_mb=1700,
    device="CPU, 2 threads",
    precision="float32",
    source="ReDial (folder)",
    on_sample=False,
)
ROWS = [
    {"step": 10, "epoch": 0.5, "seconds": 10.0, "loss": 1.5, "movie_loss": 1.2, "tag_loss": 0.3, "learning_rate": 1e-3},
    {"step": 20, "epoch": 1.0, "seconds": 20.0, "loss": 1.0, "movie_loss": 0.9, "tag_loss": 0.1, "learning_rate": 5e-4},
    {"step": 20, "epoch": 1.0, "seconds": 22.0, "eval_ndcg@10": 0.05, "eval_recall@10": 0.09},
]


def opened(tab: str | None = None) -> AppTest:
    """The page by itself: the navigation gives widgets other identities at its first run than later, here only."""
    app = AppTest.from_file(ROOT / "pages" / "train.py", default_timeout=SLOW)
    if tab is not None:
        app.session_state[Key.TRAIN_TAB] = tab
    app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """Everything the page says, as the reader sees it."""
    parts = [*app.markdown, *app.caption, *app.error, *app.warning, *app.info, *app.title, *app.header]
    return "\n".join(unescaped(part.value) for part in parts)


def buttons(app: AppTest) -> list[str]:
    return [unescaped(button.label) for button in app.button]


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if unescaped(button.label) == label).click().run()
    assert not app.exception
    return app


def field(app: AppTest, preset: str, path: str) -> Any:
    key = f"train:{preset}:{path}"
    return next(w for w in [*app.text_input, *app.number_input, *app.selectbox, *app.checkbox] if w.key == key)


def shown(app: AppTest) -> str:
    """The run whose curves are drawn."""
    return app.selectbox(key=Key.TRAIN_RUN).value


def until(app: AppTest, there: Callable[[AppTest], bool]) -> AppTest:
    """The background needs a moment."""
    for _ in range(100):
        if there(app):
            return app
        time.sleep(0.05)
        app.run()
    raise AssertionError(words(app))
