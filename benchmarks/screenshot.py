"""The picture in the README, taken from the running app: `python -m benchmarks.screenshot [FILE]`. Needs chromium."""

import os
import shutil
import socket
import subprocess  # nosec B404 # a fixed command
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
WISH = "something like Inception and The Matrix but funnier"
PATIENCE = 120  # seconds until a server must answer, or a page must show its movies


@contextmanager
def serving(script: Path, variables: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of a Streamlit script that runs for as long as the block does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    environment = {**os.environ, **(variables or {})}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)  # nosec B603 # no shell
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"Streamlit ended with code {server.returncode} before it answered.")
        try:
            with urllib.request.urlopen(address, timeout=5):  # nosec B310 # the address of the server just started
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    raise TimeoutError(f"{address} did not answer within {PATIENCE} s.")


def find_chromium() -> str | None:
    """The first Chromium or Chrome of this machine."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def main(file: Annotated[Path, typer.Argument(help="Where the picture goes.")] = ROOT / "docs/screenshot.png") -> None:
    path = find_chromium()
    if path is None:
        raise typer.BadParameter("There is no chromium or google-chrome on the PATH.")
    file.parent.mkdir(parents=True, exist_ok=True)
    with serving(ROOT / "streamlit_app.py") as address, chromium(path) as browser:
        page = browser.new_page(viewport={"width": 1080, "height": 900}, color_scheme="light")
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(address)
        page.get_by_role("button", name=WISH).click()
        page.get_by_text("10. ", exact=False).first.wait_for()
        page.get_by_test_id("stStatusWidget").wait_for(state="detached")
        page.mouse.move(0, 0)
        page.screenshot(path=file, animations="disabled")


if __name__ == "__main__":
    typer.run(main)
