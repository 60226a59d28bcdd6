"""What the tests of the pages without a browser share; most of it is of the first page."""

import re

from streamlit.testing.v1 import AppTest

SLOW = 60  # seconds: a page may have to import torch
WISH = "I loved Get Out and It (2017), something scary"


def unescaped(markdown: str) -> str:
    return re.sub(r"\\(.)", r"\1", markdown).replace("\u2060", "")


def say(app: AppTest, text: str) -> AppTest:
    app.chat_input[0].set_value(text).run()
    assert not app.exception
    return app


def ranking(app: AppTest) -> list[str]:
    """What stands after the rank in each row, down to the year."""
    rows = (re.match(r"\*\*\d+\\\. (.*?)\*\* (\\\(\d+\\\))?", markdown.value) for markdown in app.markdown)
    return [unescaped(" ".join(filter(None, row.groups()))) for row in rows if row]


def chips(app: AppTest) -> list[str]:
    """In words, without their icons."""
    labels = [button.label for button in app.button if button.key and button.key.startswith("chip-")]
    return [unescaped(re.sub(r"^:material/\w+: ", "", label)) for label in labels]


def press(app: AppTest, label: str) -> AppTest:
    """The first button that is called so, icon and emphasis aside."""
    named = (button for button in app.button if label in unescaped(button.label).replace("*", ""))
    next(named).click().run()
    assert not app.exception
    return app


def messages(app: AppTest) -> list[str]:
    return [message.text[0].value for message in app.chat_message]


def captions(app: AppTest) -> list[str]:
    return [unescaped(caption.value) for caption in app.caption]
