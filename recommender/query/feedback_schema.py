"""The tables of the feedback database, and the migration of older ones: a version number, and a function for each step.

The steps run under a lock and in one transaction, in SQLite and PostgreSQL: a database has the old shape or the new.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    inspect,
    select,
)

from recommender.errors import RecommenderError

META = MetaData()
# The primary key is what makes the same remark twice one row.
TABLE = Table(
    "feedback",
    META,
    Column("person", String(64), primary_key=True),
    Column("movie_id", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),
    Column("time", DateTime, nullable=False),  # UTC, without a zone since few databases keep one
    Column("run_id", String(64), nullable=False),
)
SCHEMA = Table("feedback_schema", META, Column("version", Integer, primary_key=True, autoincrement=False))  # one row
LOCK = 0x7265656C  # of PostgreSQL, "reel": held by whoever makes or changes the tables


class FeedbackError(RecommenderError):
    """The database cannot be reached, read or written."""


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def version_of(connection: Connection) -> int | None:
    """The version of the tables: 0 for one that was made before there were versions, None without a table."""
    there = inspect(connection)
    if not there.has_table(TABLE.name):
        return None
    return connection.scalar(select(func.max(SCHEMA.c.version))) or 0 if there.has_table(SCHEMA.name) else 0


def upgrade(connection: Connection) -> None:
    """Make the tables, or bring older ones to today's shape with all their rows; the caller commits.

    Raises `FeedbackError` for tables of a newer version, or that are not this program's.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")  # readers and a writer do not wait for each other
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # pysqlite would begin before the first INSERT only
    elif connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    version = version_of(connection)  # another process may have been quicker
    check(version)
    if version == len(STEPS):
        return
    META.create_all(connection)
    for step in STEPS[len(STEPS) if version is None else version :]:
        step(connection)
    connection.execute(delete(SCHEMA))
    connection.execute(insert(SCHEMA).values(version=len(STEPS)))


def check(version: int | None) -> None:
    """Raises `FeedbackError` for a version from the future."""
    if version is not None and version > len(STEPS):
        raise FeedbackError(
            f"The feedback database has version {version}, and this program knows {len(STEPS)} at most. Update it."
        )


def _rebuild(connection: Connection) -> None:
    """To version 1. The rows of a table without `time`, `run_id` or a primary key, in a table that has them."""
    old = Table(TABLE.name, MetaData(), autoload_with=connection)
    names, key = set(old.columns.keys()), {column.name for column in TABLE.primary_key}
    if not key <= names <= set(TABLE.columns.keys()):
        raise FeedbackError(
            f"The table {TABLE.name} in the feedback database has the columns {', '.join(sorted(names))}: "
            "Reelwish did not make it. Rename it, or name another database."
        )
    if names == set(TABLE.columns.keys()) and key == {column.name for column in old.primary_key}:
        return
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in connection.execute(select(*(TABLE.c[name] for name in sorted(names)))).mappings():
        filled = {"time": now(), "run_id": "", **{name: value for name, value in row.items() if value is not None}}
        rows.setdefault(tuple(row[name] for name in sorted(key)), filled)
    old.drop(connection)
    TABLE.create(connection)
    if rows:
        connection.execute(insert(TABLE), list(rows.values()))


STEPS: tuple[Callable[[Connection], None], ...] = (_rebuild,)  # step n leads from version n to n + 1
