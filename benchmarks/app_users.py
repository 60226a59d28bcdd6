"""Many people who ask at once, each in a browser of their own."""

import time
from typing import Annotated

import numpy as np
import typer

from benchmarks.app_page import (
    APP,
    BROWSER,
    answered,
    any_chromium,
    app,
    new_visitor,
    processes,
    send,
    settle,
    titles,
    write,
)
from recommender.query.engine import Engine
from recommender.query.wish import Wish
from recommender.runs.folder import DEFAULT_RUN, find_run
from recommender.settings import settings

HEAD_START = 3000  # milliseconds for telling every browser when to send
MOODS = ("funny", "scary", "slow and sad", "for the whole family", "with a good twist")


def users(
    number: Annotated[int, typer.Option(min=1, help="How many ask at once.")] = 20,
    run: Annotated[str, typer.Option(help="The run that answers: the one the app chooses.")] = DEFAULT_RUN,
) -> None:
    """People who ask at the same moment, each something else; every answer is held against the engine's own."""
    engine = Engine(find_run(run, settings()), settings())
    wishes = make_wishes(engine, number)
    expected, alone = [], []
    for wish in wishes:
        start = time.perf_counter()
        expected.append(expected_titles(engine, wish))
        alone.append(1000 * (time.perf_counter() - start))
    with any_chromium() as browser, app() as address:
        contexts = [new_visitor(browser, viewport={"width": 800, "height": 600}) for _ in wishes]
        pages = [context.pages[0] for context in contexts]
        for page, wish in zip(pages, wishes, strict=True):
            page.goto(address)
            settle(page)
            write(page, wish)
        before = cpu(APP), cpu(BROWSER)
        moment = time.monotonic() + HEAD_START / 1000
        for page in pages:
            send(page, max(0, round(1000 * (moment - time.monotonic()))))
        late = time.monotonic() > moment
        times = [answered(page) for page in pages]
        got = [titles(page) for page in pages]
        used = cpu(APP) - before[0], cpu(BROWSER) - before[1]
    wrong = [wish for wish, lines, want in zip(wishes, got, expected, strict=True) if not same(lines, want)]
    print(f"{number} users at once: {number - len(wrong)} right answers, {len(wrong)} wrong")
    print(f"time to the answer: {percentiles(times)}; the engine alone, one after another: {percentiles(alone)}")
    print(f"processor time: the app {used[0] / number:.2f} s an answer, the browsers {used[1] / number:.2f} s")
    if late:
        print(f"The last browsers were told later than {HEAD_START} ms: not all of them asked at the same moment.")
    for wish in wrong:
        print(f"wrong: {wish}")
    raise typer.Exit(len(wrong) > 0)


def make_wishes(engine: Engine, number: int) -> list[str]:
    """Wishes that differ, over the movies that are named most."""
    known = sorted(engine.catalog, key=lambda movie: -movie.mentions)
    return [f"I loved {known[i].name}, something {MOODS[i % len(MOODS)]}" for i in range(number)]


def expected_titles(engine: Engine, wish: str) -> list[str]:
    """How the lines of the right ranking begin."""
    utterance, _ = engine.read(wish)
    return [f"{item.rank}. {item.movie.name}" for item in engine.recommend(Wish((utterance,)), 10).recommendations]


def same(lines: list[str], expected: list[str]) -> bool:
    if len(lines) != len(expected):
        return False
    return all(line.startswith(want) for line, want in zip(lines, expected, strict=True))


def cpu(name: str) -> float:
    """Seconds of processor time that the processes have used."""
    return sum(sum(process.cpu_times()[:2]) for process in processes(name))


def percentiles(milliseconds: list[float]) -> str:
    half, most = np.percentile(milliseconds, [50, 95]) / 1000
    return f"p50 {half:.2f} s, p95 {most:.2f} s, slowest {max(milliseconds) / 1000:.2f} s"
