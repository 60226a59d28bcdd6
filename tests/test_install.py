"""What `pip install .` takes along, and where an installed copy writes."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from recommender.settings import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_file_that_the_package_reads_is_installed() -> None:
    package = ROOT / "recommender"
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["recommender"]
    installed = {path for pattern in patterns for path in package.glob(pattern)}
    read = {path for path in package.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert read == installed


def test_the_console_script_is_the_command_line() -> None:
    module, _, name = PROJECT["project"]["scripts"]["reelwish"].partition(":")
    call = f"import sys, {module}; sys.argv = ['reelwish', '--help']; {module}.{name}()"
    done = subprocess.run([sys.executable, "-c", call], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Usage: reelwish" in done.stdout


def test_an_installed_copy_writes_to_the_user_s_folder(tmp_path: Path) -> None:
    """As from a folder of installed packages within somebody else's repository, called from anywhere."""
    packages = tmp_path / "repository" / "site-packages"
    shutil.copytree(ROOT / "recommender", packages / "recommender", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "init", "-q", packages.parent], check=True)
    code = """
from recommender.runs.version import current_commit
from recommender.settings import Settings
for value in Settings().model_dump().values():
    print(value)
print("commit", repr(current_commit()))
"""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECOMMENDER_")}
    environment = {**kept, "HOME": str(tmp_path / "home"), "PYTHONPATH": str(packages)}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    written = [line for line in done.stdout.splitlines() if str(tmp_path) in line]
    assert len(written) == 6
    assert [line for line in written if str(packages) in line] == [f"{packages}/recommender/assets"]
    assert "commit ''" in done.stdout
