"""Errors that are written for the user: what is wrong, where, and what to do."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class RecommenderError(Exception):
    """Any mistake the user can mend. The command line prints it and exits with code 2."""


class UnknownNameError(RecommenderError):
    """A name that is not in a closed set; the message names the nearest valid ones."""

    def __init__(self, kind: str, name: str, valid: Iterable[str]) -> None:
        choices = sorted(valid)
        near = get_close_matches(name.lower(), choices, n=3, cutoff=0.4) or choices[:8]
        hint = f"Did you mean: {', '.join(near)}?" if near else f"There is no {kind} yet."
        super().__init__(f"Unknown {kind} {name!r}. {hint}")


def first_problem(error: "ValidationError") -> str:
    """Where the first thing stands that is wrong, and what is wrong with it."""
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    where = ".".join(str(step) for step in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]


class DataError(RecommenderError):
    """The data cannot be read, or says something impossible."""


class CheckpointError(RecommenderError):
    """A run folder that is missing a file, is damaged, or belongs to another catalogue."""
