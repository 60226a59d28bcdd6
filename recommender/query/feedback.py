"""What people said of the recommendations, kept in a database: one row for each person, movie and kind of remark."""

import csv
import io
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from sqlalchemy import Connection, CursorResult, Delete, Select, create_engine, delete, insert, make_url, select
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from recommender.data.catalog import Catalog
from recommender.errors import RecommenderError, UnknownNameError
from recommender.query.feedback_schema import STEPS, TABLE, FeedbackError, check, now, upgrade, version_of
from recommender.wording import defused

Kind = Literal["more", "seen", "not_for_me"]

T = TypeVar("T")

log = logging.getLogger(__name__)

CSV_HEADER = ("time", "movie id", "title", "year", "kind", "run")
PERSON = re.compile(r"[0-9a-f]{8,64}")
BUSY_SECONDS = 10  # how long a session waits while others write


class Feedback:
    """Remarks in the database that `database_url` names (an SQLAlchemy URL); the first write makes the table.

    Every call is one statement over a connection of its own, so that sessions and processes can share the database.
    With `read_only` nothing is written, and nobody is told.
    Every method raises `FeedbackError` where the database fails and `RecommenderError` for an impossible person.
    """

    def __init__(self, database_url: str, read_only: bool = False) -> None:
        self._read_only = read_only
        try:
            self._url = make_url(database_url)
            self._sqlite = self._url.get_backend_name() == "sqlite"
            options = {"timeout": BUSY_SECONDS} if self._sqlite else {}
            self._engine = create_engine(self._url, poolclass=NullPool, connect_args=options)
        except (SQLAlchemyError, ImportError, ValueError) as error:
            # An address that cannot be read may hold a password, so it is not repeated.
            raise FeedbackError(
                f"RECOMMENDER_DATABASE_URL names no database that works here: {_sentence(error)} "
                "An example is sqlite:///feedback.sqlite. Other databases need their Python driver installed."
            ) from error
        if self._sqlite and self._url.database in (None, "", ":memory:"):
            raise FeedbackError(
                "RECOMMENDER_DATABASE_URL names a database in memory, which keeps nothing. Name a file."
            )

    def add(self, person: str, movie_id: int, kind: Kind, run_id: str = "") -> None:
        """Keep a remark on a movie that the run recommended. One that is kept already stays as it was."""
        row = {**_key(person, movie_id, kind), "time": now(), "run_id": run_id}
        if self._read_only:
            return
        with self._connection() as connection:
            if version_of(connection) != len(STEPS):
                upgrade(connection)
            try:
                connection.execute(insert(TABLE).values(row))
            except IntegrityError:
                connection.rollback()  # it is there

    def put(self, person: str, movie_id: int, kind: Kind, run_id: str = "") -> None:
        """Keep a remark in place of those of another kind on the same movie."""
        self.add(person, movie_id, kind, run_id)
        for other in get_args(Kind):
            if other != kind:
                self.remove(person, movie_id, other)

    def remove(self, person: str, movie_id: int, kind: Kind) -> None:
        """Take a remark back. It is no error if it was never made."""
        self._run(delete(TABLE).filter_by(**_key(person, movie_id, kind)), lambda result: None, None)

    def of(self, person: str) -> dict[int, set[Kind]]:
        """What a person said, by movie id."""
        said: dict[int, set[Kind]] = {}
        for row in self._rows(person):
            said.setdefault(row.movie_id, set()).add(row.kind)
        return said

    def csv(self, person: str, catalog: Catalog) -> str:
        """What a person said, the oldest first, as CSV. A movie that is not in the catalogue has an id and no title."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(CSV_HEADER)
        for row in self._rows(person):
            time = row.time.isoformat(timespec="seconds") + "Z"
            movie = catalog.by_id(row.movie_id) if catalog.has(row.movie_id) else None
            title, year = (movie.title, movie.year) if movie else ("", None)
            writer.writerow([time, row.movie_id, defused(title), year, row.kind, defused(row.run_id)])
        return text.getvalue()

    def wipe(self, person: str) -> int:
        """Forget everything a person said; returns how many remarks that was."""
        return self._run(delete(TABLE).filter_by(person=_checked(person)), lambda result: result.rowcount, 0)

    def hand_over(self, stray: str, person: str) -> None:
        """What was said under one id is another's: both are the same person, who was only recognised later."""
        for row in self._rows(stray):
            self.put(person, row.movie_id, row.kind, row.run_id)
            self.remove(stray, row.movie_id, row.kind)

    def _rows(self, person: str) -> list[Any]:
        """The person's rows of `TABLE`, the oldest first."""
        statement = select(TABLE).filter_by(person=_checked(person)).order_by(*TABLE.c["time", "movie_id", "kind"])
        return self._run(statement, lambda result: list(result), [])

    def _run(self, statement: Select[Any] | Delete, take: Callable[[CursorResult[Any]], T], nothing: T) -> T:
        """What `take` makes of the result; `nothing` where nothing was ever written. Makes no file and no table."""
        if self._is_missing_file() or (self._read_only and isinstance(statement, Delete)):
            return nothing
        with self._connection() as connection:
            version = version_of(connection)
            if version is None:
                return nothing
            if version != len(STEPS):
                self._migrate(connection, version)
            return take(connection.execute(statement))

    def _is_missing_file(self) -> bool:
        """Whether connecting would make an empty SQLite file."""
        path = self._url.database or ""
        return self._sqlite and not path.startswith("file:") and not Path(path).exists()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A connection whose changes are kept if the block ends well, and whose errors are told in plain words."""
        try:
            with self._engine.connect() as connection:
                yield connection
                connection.commit()
        except SQLAlchemyError as error:
            # Visitors read the message too: where the database is, which a server's own words tell, is for the log.
            log.warning("feedback database %s: %s", self._url.render_as_string(hide_password=True), _sentence(error))
            cause = _sentence(error) if self._sqlite else f"{type(error).__name__}."
            raise FeedbackError(
                f"The feedback database does not work: {cause} Check that RECOMMENDER_DATABASE_URL "
                "names one that can be reached and written."
            ) from error

    def _migrate(self, connection: Connection, version: int) -> None:
        """Bring older tables to today's shape."""
        check(version)
        if self._read_only:
            raise FeedbackError(
                "The feedback database is of an older version, which read-only mode does not change. "
                "Start the app once without RECOMMENDER_READ_ONLY."
            )
        upgrade(connection)


def _key(person: str, movie_id: int, kind: Kind) -> dict[str, Any]:
    if kind not in get_args(Kind):
        raise UnknownNameError("kind of feedback", kind, get_args(Kind))
    return {"person": _checked(person), "movie_id": movie_id, "kind": kind}


def _checked(person: str) -> str:
    if not PERSON.fullmatch(person):
        raise RecommenderError("A person is known by 8 to 64 digits and letters from a to f.")
    return person


def _sentence(error: Exception) -> str:
    """The cause in one sentence, without SQLAlchemy's statement and link."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(cause).split("\n")[0].split()).rstrip(".") + "."
