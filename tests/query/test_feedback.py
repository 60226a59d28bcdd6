"""Feedback in a database: what is kept, what is not, and what is said where the database fails."""

import csv
import io
import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from recommender.data.catalog import Catalog, Movie
from recommender.errors import RecommenderError
from recommender.query import feedback_schema
from recommender.query.feedback import CSV_HEADER, Feedback, FeedbackError, Kind
from recommender.settings import ROOT

ANNA, BEN = "a" * 32, "b" * 32
KINDS = get_args(Kind)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feedback.sqlite"


@pytest.fixture
def feedback(file: Path) -> Feedback:
    return Feedback(f"sqlite:///{file}")


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_a_remark_is_kept_and_taken_back(feedback: Feedback) -> None:
    feedback.add(ANNA, 20, "more")
    feedback.add(ANNA, 20, "seen")
    feedback.add(ANNA, 21, "not_for_me")
    assert feedback.of(ANNA) == {20: {"more", "seen"}, 21: {"not_for_me"}}
    feedback.remove(ANNA, 20, "more")
    feedback.remove(ANNA, 21, "not_for_me")
    assert feedback.of(ANNA) == {20: {"seen"}}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "remove"]),
            st.sampled_from([ANNA, BEN]),
            st.integers(1, 3),
            st.sampled_from(KINDS),
        ),
        max_size=12,
    )
)
@hypothesis_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_behaves_like_a_set_for_each_person(feedback: Feedback, calls: list[tuple[str, str, int, Kind]]) -> None:
    feedback.wipe(ANNA)
    feedback.wipe(BEN)
    kept: set[tuple[str, int, str]] = set()
    for call, person, movie_id, kind in calls:
        getattr(feedback, call)(person, movie_id, kind)
        (kept.add if call == "add" else kept.discard)((person, movie_id, kind))
    for person in (ANNA, BEN):
        assert {(person, i, kind) for i, kinds in feedback.of(person).items() for kind in kinds} == {
            row for row in kept if row[0] == person
        }


def test_the_same_remark_again_leaves_the_first(feedback: Feedback, small_catalog: Catalog) -> None:
    feedback.add(ANNA, 20, "more", "first")
    feedback.add(ANNA, 20, "more", "second")
    assert [row[-1] for row in table(feedback.csv(ANNA, small_catalog))[1:]] == ["first"]


def test_wiping_forgets_one_person(feedback: Feedback, small_catalog: Catalog) -> None:
    for movie_id in (20, 21, 30):
        feedback.add(ANNA, movie_id, "seen")
    feedback.add(BEN, 20, "seen")
    assert feedback.wipe(ANNA) == 3
    assert feedback.wipe(ANNA) == 0
    assert feedback.of(ANNA) == {}
    assert len(table(feedback.csv(ANNA, small_catalog))) == 1
    assert feedback.of(BEN) == {20: {"seen"}}


def test_asking_makes_no_file_and_no_table(feedback: Feedback, file: Path, small_catalog: Catalog) -> None:
    def ask() -> None:
        assert feedback.of(ANNA) == {}
        assert table(feedback.csv(ANNA, small_catalog)) == [list(CSV_HEADER)]
        feedback.remove(ANNA, 20, "seen")
        assert feedback.wipe(ANNA) == 0

    ask()
    assert not file.exists()
    sqlite3.connect(file).execute("CREATE TABLE other (x)").connection.close()
    ask()
    with sqlite3.connect(file) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("other",)]


def test_a_read_only_demo_keeps_nothing(file: Path) -> None:
    Feedback(f"sqlite:///{file}", read_only=True).add(ANNA, 20, "seen")
    assert not file.exists()
    Feedback(f"sqlite:///{file}").add(ANNA, 20, "seen")
    demo = Feedback(f"sqlite:///{file}", read_only=True)
    demo.add(ANNA, 21, "seen")
    demo.remove(ANNA, 20, "seen")
    assert demo.wipe(ANNA) == 0
    assert demo.of(ANNA) == {20: {"seen"}}


def test_a_removed_file_is_made_again(feedback: Feedback, file: Path) -> None:
    feedback.add(ANNA, 20, "seen")
    for path in file.parent.glob("feedback.sqlite*"):
        path.unlink()
    assert feedback.of(ANNA) == {}
    feedback.add(ANNA, 21, "seen")
    assert Feedback(f"sqlite:///{file}").of(ANNA) == {21: {"seen"}}


def test_the_table_tells_what_was_said_in_order(feedback: Feedback, small_catalog: Catalog) -> None:
    before = datetime.now(UTC).replace(tzinfo=None)
    feedback.add(ANNA, 1234, "more", "default")
    feedback.add(ANNA, 51, "not_for_me")  # no year
    feedback.add(ANNA, 999, "seen")  # not in the catalogue
    header, *rows = table(feedback.csv(ANNA, small_catalog))
    assert header == ["time", "movie id", "title", "year", "kind", "run"]
    assert [row[1:] for row in rows] == [
        ["1234", "The Red Lantern", "1999", "more", "default"],
        ["51", "Lost Footage", "", "not_for_me", ""],
        ["999", "", "", "seen", ""],
    ]
    for row in rows:
        assert row[0].endswith("Z")
        assert abs(datetime.fromisoformat(row[0][:-1]) - before) < timedelta(minutes=1)


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1))
@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_cell_is_a_formula_and_no_title_is_lost(feedback: Feedback, title: str) -> None:
    feedback.add(ANNA, 7, "seen", "=1+1")
    feedback.add(ANNA, 7, "seen", "-x")
    row = table(feedback.csv(ANNA, Catalog([Movie(7, title)])))[1]
    assert row[2] in (title, f"'{title}")
    assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_what_begins_like_a_formula_is_defused(feedback: Feedback, start: str) -> None:
    feedback.add(ANNA, 7, "seen")
    assert table(feedback.csv(ANNA, Catalog([Movie(7, f"{start}cmd")])))[1][2] == f"'{start}cmd"


@pytest.mark.parametrize("person", ["", "a", "A" * 32, "g" * 32, "a" * 65, "a" * 32 + "\n", "' OR 1=1 --"])
def test_an_impossible_person_is_refused(feedback: Feedback, small_catalog: Catalog, person: str) -> None:
    feedback.add(ANNA, 20, "seen")
    for call in (
        lambda: feedback.add(person, 20, "seen"),
        lambda: feedback.remove(person, 20, "seen"),
        lambda: feedback.of(person),
        lambda: feedback.csv(person, small_catalog),
        lambda: feedback.wipe(person),
    ):
        with pytest.raises(RecommenderError, match="A person is known by"):
            call()
    assert feedback.of(ANNA) == {20: {"seen"}}


def test_an_unknown_kind_is_refused(feedback: Feedback) -> None:
    with pytest.raises(RecommenderError, match="Did you mean: seen"):
        feedback.add(ANNA, 20, "sen")  # type: ignore[arg-type]


def test_many_sessions_write_at_once(file: Path) -> None:
    """Each with an object of its own, on a database that none has made yet."""
    people = [f"{number:032x}" for number in range(8)]

    def write(person: str) -> None:
        feedback = Feedback(f"sqlite:///{file}")
        for movie_id in range(12):
            feedback.add(person, movie_id, "seen")
        feedback.remove(person, 0, "seen")

    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(write, people))
    for person in people:
        assert Feedback(f"sqlite:///{file}").of(person) == {movie_id: {"seen"} for movie_id in range(1, 12)}


def test_processes_write_at_once(file: Path) -> None:
    code = (
        "import sys; from recommender.query.feedback import Feedback\n"
        "for i in range(10): Feedback(sys.argv[1]).add(sys.argv[2], i, 'more')"
    )
    people = [f"{number:08x}" for number in range(3)]
    writers = [
        subprocess.Popen([sys.executable, "-c", code, f"sqlite:///{file}", person], cwd=ROOT) for person in people
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert [len(Feedback(f"sqlite:///{file}").of(person)) for person in people] == [10, 10, 10]


def test_readers_do_not_wait_for_a_writer(feedback: Feedback, file: Path) -> None:
    feedback.add(ANNA, 20, "seen")
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM feedback")
    assert feedback.of(ANNA) == {20: {"seen"}}
    writer.execute("ROLLBACK")
    writer.close()


def test_what_was_said_before_the_person_was_recognised_becomes_theirs(feedback: Feedback) -> None:
    feedback.hand_over(BEN, ANNA)  # nothing was ever said
    for person, movie_id in ((ANNA, 20), (BEN, 20), (BEN, 21)):
        feedback.add(person, movie_id, "seen", "default")
    feedback.hand_over(BEN, ANNA)
    assert feedback.of(ANNA) == {20: {"seen"}, 21: {"seen"}}
    assert feedback.of(BEN) == {}


def test_a_remark_that_is_put_takes_the_place_of_others_on_the_movie(feedback: Feedback) -> None:
    feedback.put(ANNA, 20, "more")
    feedback.put(ANNA, 21, "seen")
    feedback.put(ANNA, 20, "not_for_me")
    assert feedback.of(ANNA) == {20: {"not_for_me"}, 21: {"seen"}}


# Databases that fail


def test_what_a_server_says_of_itself_is_not_told_to_visitors(
    monkeypatch: pytest.MonkeyPatch, feedback: Feedback, caplog: pytest.LogCaptureFixture
) -> None:
    secret = 'connection to server at "db.internal" (10.0.0.5) failed for user "app"'

    def fail() -> None:
        raise OperationalError("SELECT", {}, Exception(secret))

    monkeypatch.setattr(feedback, "_sqlite", False)
    monkeypatch.setattr(feedback._engine, "connect", fail)
    with pytest.raises(FeedbackError) as caught:
        feedback.add(ANNA, 20, "seen")
    assert "db.internal" not in str(caught.value)
    assert "db.internal" in caplog.text


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "sqlite:///feedback.sqlite"),
        ("no address", "sqlite:///feedback.sqlite"),
        ("oracle9://host/x", "oracle9"),
        ("mysql+nodriver://me:secret@host/x", "nodriver"),
        ("postgresql+psycopg://me:secret@host:port/x", "RECOMMENDER_DATABASE_URL"),
        ("sqlite://", "keeps nothing"),
        ("sqlite:///:memory:", "keeps nothing"),
    ],
)
def test_an_address_of_no_database_is_refused(url: str, said: str) -> None:
    with pytest.raises(FeedbackError, match=said) as caught:
        Feedback(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_named_in_the_log_and_not_to_visitors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "nowhere" / "feedback.sqlite"
    feedback = Feedback(f"sqlite:///{file}")
    assert feedback.of(ANNA) == {}
    with pytest.raises(FeedbackError, match="unable to open database file") as caught:
        feedback.add(ANNA, 20, "seen")
    assert str(file) in caplog.text
    assert str(tmp_path) not in str(caught.value)
    assert "sqlalche.me" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(FeedbackError, match="unable to open database file"):
            Feedback(f"sqlite:///{tmp_path / 'feedback.sqlite'}").add(ANNA, 20, "seen")
    finally:
        tmp_path.chmod(0o700)


def test_a_file_that_is_no_database_is_named_and_left_alone(file: Path, feedback: Feedback) -> None:
    file.write_text("My diary. " * 100)
    for call in (lambda: feedback.of(ANNA), lambda: feedback.add(ANNA, 20, "seen"), lambda: feedback.wipe(ANNA)):
        with pytest.raises(FeedbackError, match="file is not a database"):
            call()
    assert file.read_text() == "My diary. " * 100


def test_a_database_that_was_opened_for_reading_is_named(feedback: Feedback, file: Path) -> None:
    feedback.add(ANNA, 20, "seen")
    reading = Feedback(f"sqlite:///file:{file}?mode=ro&uri=true")
    assert reading.of(ANNA) == {20: {"seen"}}
    with pytest.raises(FeedbackError, match="readonly database"):
        reading.add(ANNA, 21, "seen")


def test_a_table_of_another_shape_is_named(feedback: Feedback, file: Path) -> None:
    sqlite3.connect(file).execute("CREATE TABLE feedback (x)").connection.close()
    with pytest.raises(FeedbackError, match="did not make it"):
        feedback.add(ANNA, 20, "seen")


# Databases of older versions.

OLDER = {
    "of today, before there were versions": (
        "CREATE TABLE feedback (person VARCHAR(64) NOT NULL, movie_id INTEGER NOT NULL, kind VARCHAR(16) NOT NULL, "
        "time DATETIME NOT NULL, run_id VARCHAR(64) NOT NULL, PRIMARY KEY (person, movie_id, kind))",
        f"INSERT INTO feedback VALUES ('{ANNA}', 20, 'seen', '2025-01-02 03:04:05.000000', 'default')",
    ),
    "without a run": (
        "CREATE TABLE feedback (person TEXT, movie_id INTEGER, kind TEXT, time TEXT, "
        "PRIMARY KEY (person, movie_id, kind))",
        f"INSERT INTO feedback VALUES ('{ANNA}', 20, 'seen', '2025-01-02 03:04:05')",
    ),
    "without a key": (
        "CREATE TABLE feedback (person TEXT, movie_id INTEGER, kind TEXT)",
        f"INSERT INTO feedback VALUES ('{ANNA}', 20, 'seen'), ('{ANNA}', 20, 'seen')",
    ),
}


@pytest.mark.parametrize("made", OLDER.values(), ids=OLDER)
@pytest.mark.parametrize("first", ["read", "write"])
def test_an_older_table_is_brought_to_todays_shape_with_its_rows(
    feedback: Feedback, file: Path, made: tuple[str, ...], first: str, small_catalog: Catalog
) -> None:
    with closing(sqlite3.connect(file)) as old, old:
        for statement in made:
            old.execute(statement)
    if first == "write":
        feedback.add(ANNA, 20, "seen", "again")
        feedback.add(ANNA, 21, "more", "new")
        feedback.remove(ANNA, 21, "more")
    assert feedback.of(ANNA) == {20: {"seen"}}
    [_, [time, *_, run]] = table(feedback.csv(ANNA, small_catalog))
    if "2025" in made[1]:
        assert time == "2025-01-02T03:04:05Z"
    assert run == ("default" if "default" in made[1] else "")
    with closing(sqlite3.connect(file)) as now:
        assert now.execute("SELECT version FROM feedback_schema").fetchall() == [(1,)]


def test_many_processes_migrate_at_once(file: Path) -> None:
    with closing(sqlite3.connect(file)) as old, old:
        old.execute("CREATE TABLE feedback (person TEXT, movie_id INTEGER, kind TEXT)")
        old.executemany("INSERT INTO feedback VALUES (?, ?, 'seen')", [(ANNA, number) for number in range(50)])

    def write(number: int) -> None:
        Feedback(f"sqlite:///{file}").add(ANNA, 50 + number, "more")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(20)))
    assert Feedback(f"sqlite:///{file}").of(ANNA).keys() == set(range(70))


def test_a_migration_that_fails_leaves_the_old_table(
    feedback: Feedback, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(file)) as old, old:
        old.execute("CREATE TABLE feedback (person TEXT, movie_id INTEGER, kind TEXT)")
        old.execute(f"INSERT INTO feedback VALUES ('{ANNA}', 20, 'seen')")

    def fails(connection: Connection) -> None:
        raise OperationalError("step", {}, sqlite3.OperationalError("disk I/O error"))

    with monkeypatch.context() as patched:
        patched.setattr(feedback_schema, "STEPS", (*feedback_schema.STEPS, fails))
        with pytest.raises(FeedbackError, match="disk I/O error"):
            feedback.of(ANNA)
    assert feedback.of(ANNA) == {20: {"seen"}}


def test_read_only_mode_changes_no_older_table_and_says_so(file: Path) -> None:
    with closing(sqlite3.connect(file)) as old, old:
        old.execute("CREATE TABLE feedback (person TEXT, movie_id INTEGER, kind TEXT)")
    before = file.read_bytes()
    with pytest.raises(FeedbackError, match="RECOMMENDER_READ_ONLY"):
        Feedback(f"sqlite:///{file}", read_only=True).of(ANNA)
    assert file.read_bytes() == before


def test_a_database_of_a_newer_version_is_left_alone(feedback: Feedback, file: Path) -> None:
    feedback.add(ANNA, 20, "seen")
    with closing(sqlite3.connect(file)) as newer, newer:
        newer.execute("UPDATE feedback_schema SET version = 99")
    for call in (lambda: feedback.of(ANNA), lambda: feedback.add(ANNA, 21, "seen"), lambda: feedback.wipe(ANNA)):
        with pytest.raises(FeedbackError, match="version 99"):
            call()
