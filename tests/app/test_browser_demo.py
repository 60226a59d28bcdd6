"""A public demo, `RECOMMENDER_READ_ONLY=1`, in a real browser: everything to see, nothing to change."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.screenshot import serving
from recommender.runs.folder import Run
from recommender.settings import ROOT, settings
from tests.app.browser import WISH, at_rest, ranking, send

pytestmark = pytest.mark.browser

CHANGES = ("Start training", "Add to the queue", "Stop", "Resume", "Delete", "Start again with a batch of 16")


def test_nobody_can_change_or_leave_anything(
    browser: Browser, put: Callable[..., Run], runs: Callable[[str], Path], page: Page, tmp_path: Path
) -> None:
    runs("default")
    put("training", "running")
    put("failed", "failed", problem="out_of_memory", reason="Out of memory.")
    before = {path: path.stat().st_mtime_ns for path in settings().checkpoints_dir.rglob("*")}
    database = tmp_path / "feedback.sqlite"
    variables = {"RECOMMENDER_READ_ONLY": "1", "RECOMMENDER_DATABASE_URL": f"sqlite:///{database}"}
    with serving(ROOT / "streamlit_app.py", variables) as demo:
        page.goto(f"{demo}/train")
        expect(page.get_by_text("not start, stop or delete")).to_be_visible()
        expect(page.get_by_test_id("stPlotlyChart").first).to_be_visible()
        for name in CHANGES:
            expect(page.get_by_role("main").get_by_role("button", name=name, exact=True)).to_have_count(0)
        page.get_by_role("combobox", name="Run", exact=True).click()
        page.get_by_role("option", name="failed").click()
        expect(page.get_by_text("The run failed. Out of memory.")).to_be_visible()
        for name in CHANGES:
            expect(page.get_by_role("main").get_by_role("button", name=name, exact=True)).to_have_count(0)
        page.goto(demo)
        send(page, WISH)
        first = ranking(page)[0]
        page.get_by_role("button", name="Seen it").first.click()
        expect(page.locator(".st-key-undo button")).to_be_visible()
        assert first not in ranking(page)
        page.goto(demo)
        at_rest(page)
        send(page, WISH)
        assert ranking(page)[0] == first
    assert not database.exists()
    assert {path: path.stat().st_mtime_ns for path in settings().checkpoints_dir.rglob("*")} == before
