"""`make audit`: what is said of a report, and when it fails."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FLAW = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.0"]}
CLEAN = {"name": "a", "version": "1.0", "vulns": []}
FLAWED = {"name": "b", "version": "1.0", "vulns": [FLAW]}
MISSED = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "said", "failed"),
    [
        ([CLEAN], "audited 1 of 1", False),
        ([CLEAN, FLAWED], "b 1.0: PYSEC-1, mended in 2.0", True),
        ([CLEAN, MISSED], "not audited, unknown to the service: c", False),
        ([MISSED, MISSED], "not audited: no network", False),
    ],
)
def test_a_report_is_told(audit: ModuleType, packages: list[Any], said: str, failed: bool) -> None:
    lines, found = audit.verdict({"dependencies": packages})
    assert any(line.startswith(said) for line in lines)
    assert found is failed


def test_an_exception_is_told_with_its_reason(audit: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(audit.ACCEPTED, "CVE-1", "that part is not used here")
    lines, found = audit.verdict({"dependencies": [FLAWED]})
    assert "accepted: that part is not used here" in lines[0]
    assert not found


@pytest.mark.parametrize("answer", ["", "requests.exceptions.ConnectionError: no route"])
def test_without_a_network_it_says_so_and_goes_on(
    audit: ModuleType, answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = subprocess.CompletedProcess([sys.executable], 1, stdout="", stderr=answer)
    monkeypatch.setattr(audit.subprocess, "run", lambda *_, **__: done)
    audit.main()
    assert capsys.readouterr().out.startswith("not audited: no network")
