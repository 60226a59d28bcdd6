"""Which code made a result."""

import subprocess  # nosec B404 # fixed commands

from recommender.settings import CHECKOUT, ROOT


def current_commit() -> str:
    """The commit the code is at, with `+` when it was changed since; empty outside a git checkout."""
    if not CHECKOUT:  # an installed copy may stand within somebody else's repository
        return ""
    try:
        return _git("rev-parse", "HEAD")[:12] + ("+" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(*words: str) -> str:
    """What git answers."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)  # nosec B603 B607
    return done.stdout.strip()
