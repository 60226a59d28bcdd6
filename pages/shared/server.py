"""The HTTP server around the app: which host names it answers to, who may frame it, and what it imports first.

A page of another site can reach an app on this machine in two ways: by a name of its own that it maps to 127.0.0.1
(DNS rebinding), and in a frame. Both end here, before Streamlit opens a session, so that no callback can run.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.errors import StreamlitSecretNotFoundError
from streamlit.starlette import App

from pages.shared.imports import import_pages, import_slow
from recommender.errors import RecommenderError
from recommender.settings import settings

HERE = ("localhost", "127.0.0.1", "::1")
EVERY_ADDRESS = ("", "0.0.0.0", "::")  # nosec B104 # these bind to all interfaces, and name none
NO_FRAMES = {"Content-Security-Policy": "frame-ancestors 'none'", "X-Frame-Options": "DENY"}


def allowed_hosts() -> set[str]:
    """This machine's own names, the address that the server was told to bind to, and RECOMMENDER_HOSTS."""
    bound = st.get_option("server.address") or ""
    return {*HERE, *settings().hosts, *({bound} - {*EVERY_ADDRESS})}


def hostname(address: str) -> str:
    """The host of `name:port` or of a URL, in lower case and without port; "" if there is none.

    >>> hostname("Example.org:8501"), hostname("[::1]:8501"), hostname("https://a.example"), hostname("[::")
    ('example.org', '::1', 'a.example', '')
    """
    try:
        return (urlsplit(address if "//" in address else f"//{address}").hostname or "").rstrip(".")
    except ValueError:
        return ""


class Guard:
    """ASGI middleware: refuses requests to, and WebSockets from, a host not in `hosts`; forbids frames."""

    def __init__(self, app: ASGIApp, hosts: set[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def send_unframed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(NO_FRAMES)
            await send(message)

        headers = Headers(scope=scope)
        names = {hostname(headers.get("host", ""))}
        if scope["type"] == "websocket" and "origin" in headers:  # browsers always send it, programs need not
            names.add(hostname(headers["origin"]))
        app: ASGIApp = self._app
        if "*" not in self._hosts and (other := names - self._hosts):
            app = PlainTextResponse(_refusal(min(other)), status_code=403)
        await app(scope, receive, send_unframed)


def _refusal(name: str) -> str:
    return (
        f"This app does not answer as {name or 'an unnamed host'}. "
        "Whoever runs it can add the name to RECOMMENDER_HOSTS and start it again.\n"
    )


@asynccontextmanager
async def lifespan(_: App) -> AsyncIterator[None]:
    """Import the pages before anybody is served; the slow imports go on in a thread."""
    import_pages()
    Thread(target=import_slow, name="imports", daemon=True).start()
    yield


def check_secrets() -> None:
    """Raises `RecommenderError` where a login is asked for that would not work: Streamlit would serve without it."""
    files = [path for path in st.get_option("secrets.files") if Path(path).exists()]
    if not files:
        return
    try:
        login = "auth" in st.secrets.to_dict()
    except StreamlitSecretNotFoundError as error:
        raise RecommenderError(f"{' or '.join(files)} may hold the login and cannot be read. {error}") from error
    if login and not find_spec("authlib"):
        raise RecommenderError("secrets.toml asks for a login, which needs Authlib: pip install 'Authlib>=1.3.2'")
