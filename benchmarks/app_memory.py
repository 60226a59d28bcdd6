"""Memory of the app and of the browser while somebody watches a training for a long time."""

import csv
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer
from playwright.sync_api import CDPSession, Page

from benchmarks.app_page import APP, BROWSER, TAB, any_chromium, app, processes, settle, visitor
from recommender.config.presets import load_preset
from recommender.runs.folder import Run
from recommender.runs.status import LIVE
from recommender.settings import Settings
from recommender.training import job

COLUMNS = ("seconds", "app_mb", "tab_mb", "browser_mb", "page_heap_mb", "page_nodes", "metric_rows")
SECONDS_TO_FREE = 5
SETTLING = 0.2  # of the time: loading code is no growth


def memory(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long the chart is watched.")] = 60,
    every: Annotated[float, typer.Option(min=1, help="Seconds between two measurements.")] = 30,
    preset: Annotated[str, typer.Option(help="What is trained.")] = "frozen",
    source: Annotated[str, typer.Option(help="On what; the synthetic sample logs many times as fast.")] = "sample",
) -> None:
    """CSV on standard output, one row a measurement; the growth in MB an hour on standard error."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the training has to be stopped then too
    with tempfile.TemporaryDirectory() as folder:
        here = Settings(checkpoints_dir=Path(folder) / "runs", cache_dir=Path(folder) / "cache", read_only=False)
        variables = {
            "RECOMMENDER_CHECKPOINTS_DIR": str(here.checkpoints_dir),
            "RECOMMENDER_CACHE_DIR": str(here.cache_dir),
        }
        with training(preset, source, here) as run, any_chromium() as browser, app(variables) as address:
            with visitor(browser) as page:
                page.goto(f"{address}/train")
                settle(page)
                page.get_by_test_id("stPlotlyChart").first.wait_for()
                rows = watch(page, run, 60 * minutes, every)
            if run.status().state not in LIVE:
                raise RuntimeError(f"The training ended before the {minutes:g} minutes did: {run.status()}")
    report(rows)


@contextmanager
def training(preset: str, source: str, here: Settings) -> Iterator[Run]:
    """A run that trains, in a process of its own, for as long as the block does."""
    config = load_preset(preset, [f"data.source={source}", "training.epochs=1000000"])
    run = job.start(config, "watched", here)
    try:
        while not run.metrics():
            time.sleep(1)
            if run.status().state not in LIVE:
                raise RuntimeError(f"The training did not begin: {run.status()}")
        yield run
    finally:
        if run.status().state in LIVE:
            process = psutil.Process(run.status().pid)
            job.stop(run, here)
            psutil.wait_procs([process], timeout=60)


def watch(page: Page, run: Run, seconds: float, every: float) -> list[list[float]]:
    """Measure, and print each row at once. [rows, COLUMNS]"""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    writer = csv.writer(sys.stdout)
    writer.writerow(COLUMNS)
    rows: list[list[float]] = []
    before = live_part(session)
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        page.wait_for_timeout(1000 * every)
        rows.append([round(time.monotonic() - start), own(APP), own(TAB), own(BROWSER), *heap(session)])
        rows[-1].append(len(run.metrics()))
        writer.writerow([round(value, 1) for value in rows[-1]])
        sys.stdout.flush()
    print(f"the page without garbage: {before} at first, {live_part(session)} at last", file=sys.stderr)
    return rows


def heap(session: CDPSession) -> tuple[float, float]:
    """MB of the page's JavaScript heap, and the number of its nodes; both with the garbage of the last minutes."""
    facts = {fact["name"]: fact["value"] for fact in session.send("Performance.getMetrics")["metrics"]}
    return facts["JSHeapUsedSize"] / 1e6, facts["Nodes"]


def live_part(session: CDPSession) -> str:
    session.send("HeapProfiler.collectGarbage")
    session.send("Memory.simulatePressureNotification", {"level": "critical"})  # the browser frees what it can
    time.sleep(SECONDS_TO_FREE)
    size, nodes = heap(session)
    return f"{own(TAB):.0f} MB, {size:.0f} MB of heap, {nodes:.0f} nodes"


def own(name: str) -> float:
    """MB that the processes hold and share with no other."""
    return sum(process.memory_full_info().uss for process in processes(name)) / 1e6


def report(rows: list[list[float]]) -> None:
    """Growth by a straight line through what was measured after the first minutes."""
    table = np.array(rows)
    table = table[table[:, 0] >= SETTLING * table[-1, 0]]
    if len(table) < 3:
        print("Too few measurements for a slope.", file=sys.stderr)
        return
    for number, name in enumerate(COLUMNS[1:5], start=1):
        slope = np.polyfit(table[:, 0] / 3600, table[:, number], 1)[0]
        first, last = table[0, number], table[-1, number]
        print(f"{name}: {first:.0f} -> {last:.0f} MB, growth {slope:+.1f} MB an hour", file=sys.stderr)
