"""Formats of times, sizes and names, the same on every page."""

from collections.abc import Collection
from itertools import count

from recommender.config.models import MODELS, BaselineSettings

SAMPLE = "the synthetic sample, NOT ReDial"
BASELINE_NAMES = {kind: model.name for kind, model in MODELS.items() if issubclass(model, BaselineSettings)}


def chosen_on_test(run: str) -> str:
    """A warning to show before the figures of such a run."""
    return f"{run} chooses its epoch on the test split, as in 2025, so its score there is partly luck."


def duration(seconds: float) -> str:
    """Short and rounded.

    >>> duration(45), duration(250), duration(7_560), duration(90_000)
    ('45 s', '4 min', '2.1 h', '25 h')
    """
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    if seconds < 120 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h" if seconds < 10 * 3600 else f"{seconds / 3600:.0f} h"


def memory(mebibytes: float) -> str:
    """
    >>> memory(812), memory(4096)
    ('812 MB', '4.0 GB')
    """
    return f"{mebibytes:.0f} MB" if mebibytes < 1000 else f"{mebibytes / 1024:.1f} GB"


def capitalised(text: str) -> str:
    """With a capital first letter; the other letters stay.

    >>> capitalised("the sample, NOT ReDial")
    'The sample, NOT ReDial'
    """
    return f"{text[:1].upper()}{text[1:]}"


def numbered(name: str, taken: Collection[str]) -> str:
    """The name, or if it is taken the name with the first free number.

    >>> numbered("frozen", ["frozen", "frozen-2"]), numbered("frozen", ["frozen-2"])
    ('frozen-3', 'frozen')
    """
    if name not in taken:
        return name
    return next(each for each in (f"{name}-{number}" for number in count(2)) if each not in taken)


def defused(text: str) -> str:
    """Text for a CSV file that no spreadsheet runs as a formula.

    >>> defused("=1+1"), defused("Up")
    ("'=1+1", 'Up')
    """
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
