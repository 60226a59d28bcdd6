"""What the app's benchmarks share: the app on the air with a database of its own, and clocks inside the page."""

import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import typer
from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks.screenshot import PATIENCE, ROOT, chromium, find_chromium, serving

APP, BROWSER, TAB = "streamlit", "chrom", "--type=renderer"  # what stands in the command lines of their processes
PAGES = ("/", "/train", "/compare", "/about")

# Notes when the page's heading is first on the screen, in milliseconds since the navigation began.
WATCH = """
(() => {
  const look = () => {
    const heading = document.querySelector("h1");
    if (heading?.getBoundingClientRect().height) window.drawnAt = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""
PAINT = "performance.getEntriesByName('first-contentful-paint')"
PAINTED = f"() => [{PAINT}[0].startTime, window.drawnAt]"
# Presses Enter in the chat's input after `wait` milliseconds; gives those from there to a ranking of ten movies.
ASK = """
(wait) => { window.answered = new Promise((resolve) => setTimeout(() => {
  const start = performance.now();
  const complete = () => [...document.querySelectorAll("[data-testid=stMarkdown] strong")]
    .filter((title) => /^[0-9]+\\. /.test(title.textContent)).length >= 10;
  const seen = new MutationObserver(() => {
    if (!complete()) return;
    seen.disconnect();
    resolve(performance.now() - start);
  });
  seen.observe(document.body, { childList: true, subtree: true, characterData: true });
  document.querySelector("[data-testid=stChatInputTextArea]")
    .dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
}, wait)); }
"""
TITLES = """
() => [...document.querySelectorAll("[data-testid=stMarkdown] p:has(> strong)")]
  .map((line) => line.textContent.trim()).filter((line) => /^[0-9]+\\. /.test(line))
"""


@contextmanager
def app(variables: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of the app; what people mark while it runs is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        database = {"RECOMMENDER_DATABASE_URL": f"sqlite:///{Path(folder) / 'feedback.sqlite'}"}
        with serving(ROOT / "streamlit_app.py", {**database, **(variables or {})}) as address:
            yield address


@contextmanager
def any_chromium() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        raise typer.BadParameter("There is no chromium or google-chrome on the PATH.")
    with chromium(path) as browser:
        yield browser


@contextmanager
def visitor(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page of somebody who was never here: an empty cache, a session of its own."""
    context = new_visitor(browser, **options)
    try:
        yield context.pages[0]
    finally:
        context.close()


def new_visitor(browser: Browser, **options: Any) -> BrowserContext:
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE * 1000)
    context.add_init_script(WATCH)
    context.new_page()
    return context


def painted(page: Page) -> tuple[float, float]:
    """Milliseconds from the start of the navigation to anything on the screen, and to the page's heading."""
    page.wait_for_function(f"() => {PAINT}.length && window.drawnAt")
    first, heading = page.evaluate(PAINTED)
    return first, heading


def settle(page: Page) -> None:
    """Wait until the page is drawn, its script has ended and nothing is being fetched; on `/` the model is loaded."""
    page.wait_for_function("() => window.drawnAt")
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_load_state("networkidle")


def write(page: Page, wish: str) -> None:
    """Fill in the wish, without sending it."""
    page.get_by_test_id("stChatInputTextArea").fill(wish)


def send(page: Page, wait: int = 0) -> None:
    """Send the wish that is written, in `wait` milliseconds."""
    page.evaluate(ASK, wait)


def answered(page: Page) -> float:
    """Milliseconds from sending to ten movies on the screen."""
    milliseconds: float = page.evaluate("() => window.answered")
    return milliseconds


def titles(page: Page) -> list[str]:
    """The lines of the ranking: `1. Title (year) genres`."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    lines: list[str] = page.evaluate(TITLES)
    return lines


def processes(name: str) -> list[psutil.Process]:
    """The processes below this one whose command line has `name` in it."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if name in " ".join(process.cmdline()[:4]):
                found.append(process)
    return found


def spread(milliseconds: Sequence[float]) -> str:
    """`median 0.42 s, slowest 0.61 s of 5`"""
    times = sorted(milliseconds)
    return f"median {statistics.median(times) / 1000:.2f} s, slowest {times[-1] / 1000:.2f} s of {len(times)}"
