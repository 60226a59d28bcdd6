"""Kinds of failure, by the words that allocators, files and stores have for them."""

import errno
import sqlite3

import numpy as np
import pytest
import torch

from recommender.config import RunConfig
from recommender.errors import RecommenderError
from recommender.training.failure import NotFiniteError, explain

CONFIG = RunConfig(protocol="paper")


def too_large() -> Exception:
    """What torch really says on a CPU."""
    try:
        torch.empty(2**60, dtype=torch.float32)
    except RuntimeError as error:
        return error
    raise AssertionError("an exabyte of memory")


def wrapped(inner: Exception) -> Exception:
    error = RecommenderError("The text vectors cannot be written")
    error.__cause__ = inner
    return error


def full_store() -> sqlite3.Error:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (too_large(), "out_of_memory"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:118] can't allocate memory"), "out_of_memory"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"), "out_of_memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "out_of_memory"),
        (np._core._exceptions._ArrayMemoryError((9, 9), np.dtype("f8")), "out_of_memory"),
        (NotFiniteError("The movie loss is not finite at step 3."), "not_finite"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (wrapped(OSError(errno.ENOSPC, "No space left on device")), "disk_full"),
        (wrapped(full_store()), "disk_full"),
        (wrapped(sqlite3.DatabaseError("file is not a database")), "other"),
        (OSError(errno.EACCES, "Permission denied"), "other"),
        (RuntimeError("shapes do not fit"), "other"),
        (ZeroDivisionError(), "other"),
    ],
)  # fmt: skip
def test_every_failure_has_a_kind_and_a_reason(error: Exception, problem: str) -> None:
    found, reason = explain(error, CONFIG)
    assert found == problem
    assert reason
    if problem == "out_of_memory":
        assert "training.batch_size=16" in reason


def test_a_run_whose_settings_cannot_be_read_is_explained_too() -> None:
    problem, reason = explain(MemoryError(), None)
    assert (problem, reason) == ("out_of_memory", "Out of memory. Use a smaller batch, for example half of it.")
