"""Where studies are kept: a database that several processes, and with a server several machines, work on at once."""

import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from recommender.errors import RecommenderError

HEARTBEAT_SECONDS = 30
GRACE_SECONDS = 150  # a trial whose process has said nothing for so long is given to another one
MOST_RETRIES = 2  # a trial that ends its process each time is not tried for ever
FIRST_TRY = "failed_trial"  # under this name Optuna keeps which trial is tried again
AGAIN_SECONDS = 0.5  # after which a database is tried again
BUSY_SECONDS = 30  # how long a process waits while others write to a SQLite file

with warnings.catch_warnings():
    warnings.simplefilter("ignore", ExperimentalWarning)
    retry = RetryHeartbeatStaleTrialCallback(max_retry=MOST_RETRIES)


class StorageError(RecommenderError):
    """The studies' database cannot be reached, read or written."""


def is_there(url: str) -> bool:
    """False for a database, or a SQLite file, in which nobody has made a study yet. It is only looked at, whereas
    `open_storage` makes the tables. Raises `StorageError`."""
    parsed = _parsed(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    if sqlite and not Path(parsed.database or "").is_file():
        return False
    with telling(url), _telling_of_opening(url):
        engine = create_engine(url, **_engine_settings(sqlite))
        try:
            return inspect(engine).has_table("studies")
        finally:
            engine.dispose()


def open_storage(url: str) -> RDBStorage:
    """The database of any SQLAlchemy URL; its tables are made if need be. Raises `StorageError`."""
    parsed = _parsed(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    if sqlite:
        Path(parsed.database or "").parent.mkdir(parents=True, exist_ok=True)
    with telling(url), _telling_of_opening(url):
        for _ in range(2):
            with suppress(DBAPIError):  # another process that makes the tables at this moment is in the way
                return _opened(url, sqlite)
            time.sleep(AGAIN_SECONDS)
        return _opened(url, sqlite)


@cache
def _opened(url: str, sqlite: bool) -> RDBStorage:
    optuna.logging.set_verbosity(logging.ERROR)  # what it would say, our own log says
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return RDBStorage(
            url,
            engine_kwargs=_engine_settings(sqlite),
            heartbeat_interval=HEARTBEAT_SECONDS,
            grace_period=GRACE_SECONDS,
            heartbeat_stale_trial_callback=retry,
        )


def _engine_settings(sqlite: bool) -> dict[str, Any]:
    return {"connect_args": {"timeout": BUSY_SECONDS}} if sqlite else {"pool_pre_ping": True}


def first_try(trial: FrozenTrial) -> int:
    """The number of the trial that this one is another try of; its own, if of none."""
    number: int = trial.system_attrs.get(FIRST_TRY, trial.number)
    return number


def try_again(study: optuna.Study, trial: FrozenTrial) -> None:
    """One that the user has stopped. Unlike `retry` it counts as no try: nothing is wrong with it."""
    again = {FIRST_TRY: trial.number, **trial.system_attrs}
    study.add_trial(
        optuna.create_trial(
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            user_attrs=trial.user_attrs,
            system_attrs=again,
        )
    )


def fail_stale(study: optuna.Study) -> None:
    """Trials whose processes, on whichever machine, have said nothing for long are taken for lost and tried again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)


@contextmanager
def telling(url: str) -> Iterator[None]:
    """What the database complains of becomes a `StorageError` that names it, without its password."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        raise _broken(url, error) from error


def _broken(url: str, error: Exception) -> StorageError:
    told = next((found.orig for found in (error, error.__cause__) if isinstance(found, DBAPIError)), None) or error
    reason = str(told).strip().splitlines()[0]
    return StorageError(f"The studies' database {_shown(url)} does not work: {reason}")


@contextmanager
def _telling_of_opening(url: str) -> Iterator[None]:
    """For no more than that: the work on a study may fail with such errors for reasons of its own."""
    try:
        yield
    except ImportError as error:
        raise StorageError(
            f"The studies' database {_shown(url)} needs a Python driver that is not installed. For PostgreSQL: pip "
            'install "psycopg[binary]", and an address that begins with postgresql+psycopg://.'
        ) from error
    except RuntimeError as error:  # the tables are of another version of Optuna
        raise _broken(url, error) from error


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (SQLAlchemyError, ValueError) as error:  # it may hold a password, so it is not repeated
        raise StorageError(
            "RECOMMENDER_STUDIES_URL is no address of a database. An example is sqlite:///studies.sqlite."
        ) from error
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StorageError("RECOMMENDER_STUDIES_URL names a database in memory, which keeps nothing. Name a file.")
    return parsed


def _shown(url: str) -> str:
    return _parsed(url).render_as_string(hide_password=True)
