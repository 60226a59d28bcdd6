"""The documentation is complete and its links lead somewhere; the quickstart runs."""

import re
import shutil
from pathlib import Path

import pytest

from examples import quickstart
from recommender.__main__ import app
from recommender.config.presets import PRESETS
from recommender.settings import ROOT, Settings, settings

PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
LINK = re.compile(r"\]\((?!https?:)(?P<path>[^)#]*)(?:#(?P<anchor>[^)]+))?\)")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.finditer(page.read_text(encoding="utf-8")):
        target = (page.parent / link["path"]).resolve() if link["path"] else page
        assert target.exists(), link.group()
        assert link["anchor"] is None or link["anchor"] in anchors(target), link.group()


def test_every_preset_setting_and_command_is_documented() -> None:
    presets = {f"`{path.stem}`" for path in PRESETS.glob("*.toml")}
    variables = {f"`RECOMMENDER_{name.upper()}`" for name in Settings.model_fields}
    commands = {command.name or command.callback.__name__.replace("_", "-") for command in app.registered_commands}
    for names, page in ((presets, "presets"), (variables, "settings"), (commands, "command-line")):
        text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
        assert [name for name in sorted(names) if name not in text] == [], page


def test_the_quickstart_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(ROOT / "checkpoints" / "default", settings().checkpoints_dir / "default")
    monkeypatch.setattr(quickstart, "SMALL", [*quickstart.SMALL, "model.width=8", "training.epochs=1"])
    quickstart.main()
    printed = capsys.readouterr().out
    assert printed.count("\n1. ") + printed.startswith("1. ") == 2
    assert "item_knn" in printed
