"""Classification of failures of a run, with a message for the user."""

import errno
import sqlite3

import torch

from recommender.config import RunConfig
from recommender.errors import RecommenderError
from recommender.runs.status import Problem
from recommender.training.advice import smaller_batch

# How allocators that raise a plain RuntimeError say it: torch on the CPU, on cuda below its own allocator, on a Mac.
NO_MEMORY = ("can't allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "MPS backend out of")


class NotFiniteError(RecommenderError):
    """A loss that is no number: the run cannot go on."""


def out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY)


def disk_full(error: BaseException | None) -> bool:
    """Also where a `RecommenderError` tells of a full disk in its own words."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return True
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL  # sqlite3's own complaints have none
    return error is not None and disk_full(error.__cause__)


def explain(
    error: Exception, config: RunConfig | None, accumulation: int = 1, kept: bool = False
) -> tuple[Problem, str]:
    """The kind of failure, and what is wrong and what to do. `config` is None if it could not be read; `accumulation`
    is the number of parts into which a batch was cut; `kept` says that a finished epoch is there to go on from."""
    if out_of_memory(error):
        change = " and ".join(smaller_batch(config, accumulation)) if config else ""
        what = "shorter texts" if change.startswith("data.") else "a smaller batch"
        return "out_of_memory", f"Out of memory. Use {what}, for example {change or 'half of it'}."
    if disk_full(error):
        state = "the last finished epoch is kept" if kept else "no epoch was finished, so it begins again"
        return "disk_full", f"The disk is full. Make room and resume: {state}."
    if isinstance(error, NotFiniteError):
        return "not_finite", str(error)
    if isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        where = f" {error.filename}" if error.filename else ""
        return "other", f"Cannot write{where}: {error.strerror}. Make the folder writable and resume."
    return "other", str(error) or type(error).__name__
