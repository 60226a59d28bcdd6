"""Which hosts the server answers to, and what it says of frames."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send
from streamlit.testing.v1 import AppTest

from pages.shared.server import Guard, allowed_hosts
from recommender.settings import ROOT, settings


def ask(hosts: set[str], kind: str = "http", **headers: str) -> tuple[bool, dict[str, str]]:
    """Whether a request with these headers reaches the app, and the headers of the answer."""
    reached, answered = [], {}

    async def app(_: Scope, __: Receive, send: Send) -> None:
        reached.append(True)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Message) -> None:
        if message["type"].endswith("response.start"):
            answered.update({key.decode(): value.decode() for key, value in message["headers"]})

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": kind, "headers": raw, "extensions": {"websocket.http.response": {}}}
    asyncio.run(Guard(app, hosts)(scope, None, send))
    return bool(reached), answered


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1", "LOCALHOST", "[::1]:8501", "localhost."])
def test_the_app_answers_under_the_names_of_this_machine(host: str) -> None:
    assert ask(allowed_hosts(), host=host)[0]


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "host", ["evil.example:8501", "", "localhost.evil.example", "localhost@evil.example", "127.0.0.1.nip.io", "[::"]
)
def test_no_session_begins_under_another_name(kind: str, host: str) -> None:
    """DNS rebinding: the name of the attacker's page, mapped to 127.0.0.1."""
    assert not ask(allowed_hosts(), kind, host=host)[0]


def test_a_page_of_another_site_cannot_open_a_websocket() -> None:
    hosts = allowed_hosts()
    assert not ask(hosts, "websocket", host="localhost:8501", origin="https://evil.example")[0]
    assert not ask(hosts, "websocket", host="localhost:8501", origin="null")[0]
    assert ask(hosts, "websocket", host="localhost:8501", origin="http://localhost:8501")[0]
    assert ask(hosts, "websocket", host="localhost:8501")[0]  # a program, which sends no origin


def test_the_settings_name_more_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOMMENDER_HOSTS", "Movies.example.org, 192.168.1.5")
    settings.cache_clear()
    assert ask(allowed_hosts(), host="movies.example.org")[0]
    assert ask(allowed_hosts(), host="192.168.1.5:8501")[0]
    assert not ask(allowed_hosts(), host="example.org")[0]
    assert ask({"*"}, host="any.example")[0]


def test_nobody_may_frame_the_app_nor_the_refusal() -> None:
    for host in ("localhost", "evil.example"):
        answered = ask(allowed_hosts(), host=host)[1]
        assert answered["content-security-policy"] == "frame-ancestors 'none'"
        assert answered["x-frame-options"] == "DENY"


def test_with_a_login_configured_nothing_is_shown_before_it(app: AppTest) -> None:
    app.user = {"is_logged_in": False}  # as Streamlit says where secrets.toml has an [auth] section
    app.run()
    assert not app.exception
    assert [button.label for button in app.button] == ["Log in"]
    assert not app.chat_input
    app.user = {"is_logged_in": True}
    app.run()
    assert app.chat_input
    assert [button.label for button in app.sidebar.button] == ["Log out"]


@pytest.mark.parametrize(
    ("device", "login", "told"),
    [
        ("toaster", "", "RECOMMENDER_DEVICE='toaster'"),
        ("cpu", "[auth", "secrets.toml may hold the login"),
        ("cpu", "[auth]\nclient_id = 'x'", "Authlib"),
    ],
)
def test_a_server_that_is_set_up_wrongly_does_not_start(device: str, login: str, told: str, tmp_path: Path) -> None:
    """Streamlit alone would pass over a secrets file that it cannot read, and serve without its login."""
    (secrets := tmp_path / "secrets.toml").write_text(login, encoding="utf-8")
    script = (
        f"import os, sys, streamlit.config as config\nos.environ['RECOMMENDER_DEVICE'] = {device!r}\n"
        "sys.modules['authlib'] = None\n"  # not installed
        f"config.set_option('secrets.files', [{str(secrets)!r}])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", f"{script}import streamlit_app"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].startswith("error: ")
    assert told in run.stderr
