"""How the app feels, measured in a real browser. Needs chromium.

python -m benchmarks.app paint     time to the first paint and to the first answer
python -m benchmarks.app weight    bytes and requests of each page
python -m benchmarks.app users     20 people who ask at once, and whether each got the right answer
python -m benchmarks.app memory    of app and browser, beside a training that is watched
"""

import time
from collections import Counter
from typing import Annotated, Any

import typer
from playwright.sync_api import Page

from benchmarks.app_memory import memory
from benchmarks.app_page import PAGES, answered, any_chromium, app, painted, send, settle, spread, visitor, write
from benchmarks.app_users import users
from benchmarks.screenshot import WISH

Rounds = Annotated[int, typer.Option(min=1, help="How often each is measured.")]

cli = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
cli.command()(users)
cli.command()(memory)


@cli.command()
def paint(rounds: Rounds = 5, cold_rounds: Rounds = 3) -> None:
    """Time to the first paint, with the server warm and cold, and to the first answer. The browser's cache is empty."""
    with any_chromium() as browser:
        with app() as address:
            with visitor(browser) as page:  # loads the model
                page.goto(address)
                settle(page)
            for path in PAGES:
                times = []
                for _ in range(rounds):
                    with visitor(browser) as page:
                        page.goto(address + path)
                        times.append(painted(page))
                _print_paint(f"warm server, {path}", times)
            answers = []
            for _ in range(rounds):
                with visitor(browser) as page:
                    page.goto(address)
                    answers.append(_first_answer(page))
            print(f"warm server: first answer after sending: {spread(answers)}")
        cold, loaded, first = [], [], []
        for _ in range(cold_rounds):
            with app() as address, visitor(browser) as page:
                start = time.perf_counter()
                page.goto(address)
                cold.append(painted(page))
                settle(page)
                loaded.append(1000 * (time.perf_counter() - start))
                first.append(_first_answer(page))
        _print_paint("cold server, /", cold)
        print(f"cold server: model loaded after opening the page: {spread(loaded)}")
        print(f"cold server: first answer after the model is loaded: {spread(first)}")


@cli.command()
def weight() -> None:
    """Bytes and requests of each page for somebody new, and again with the files in the browser's cache."""
    with any_chromium() as browser, app() as address:
        for path in PAGES:
            with visitor(browser) as page:
                traffic = Traffic(page)
                page.goto(address + path)
                settle(page)
                print(f"{path}: {traffic}")
                traffic.clear()
                page.reload()
                settle(page)
                print(f"{path} again: {traffic}")
                if path == "/":
                    traffic.clear()
                    _first_answer(page)
                    settle(page)
                    print(f"an answer: {traffic}")


class Traffic:
    """What a page sends and fetches, as the browser counts it: compressed bytes over HTTP, and the web socket's."""

    def __init__(self, page: Page) -> None:
        self.clear()
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", self._request)
        session.on("Network.loadingFinished", self._loaded)
        session.on("Network.webSocketFrameReceived", self._frame)
        session.send("Network.enable")

    def clear(self) -> None:
        self.addresses: dict[str, str] = {}  # by request
        self.fetched: Counter[str] = Counter()  # bytes, by file name
        self.socket = 0  # bytes

    def _request(self, event: dict[str, Any]) -> None:
        if event["request"]["url"].startswith("http"):
            self.addresses[event["requestId"]] = event["request"]["url"]

    def _loaded(self, event: dict[str, Any]) -> None:
        address = self.addresses.get(event["requestId"], "")
        self.fetched[address.rpartition("/")[2]] += event["encodedDataLength"]

    def _frame(self, event: dict[str, Any]) -> None:
        self.socket += len(event["response"]["payloadData"]) * 3 // 4  # base64

    def __str__(self) -> str:
        largest = ", ".join(f"{name} {size / 1e6:.2f} MB" for name, size in self.fetched.most_common(3) if size > 1e5)
        return (
            f"{len(self.addresses)} requests, {self.fetched.total() / 1e6:.2f} MB over HTTP, "
            f"{self.socket / 1e3:.0f} kB by web socket{largest and f'; largest: {largest}'}"
        )


def _first_answer(page: Page) -> float:
    settle(page)
    write(page, WISH)
    send(page)
    return answered(page)


def _print_paint(what: str, times: list[tuple[float, float]]) -> None:
    first, heading = zip(*times, strict=True)
    print(f"{what}: something is painted: {spread(first)}; the heading: {spread(heading)}")


if __name__ == "__main__":
    cli()
