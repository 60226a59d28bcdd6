"""Feedback in a database server. Needs one that may be written to:
RECOMMENDER_TEST_DATABASE_URL=postgresql+psycopg://user@127.0.0.1/name, and its driver (psycopg)."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, make_url

from recommender.data.catalog import Catalog
from recommender.query.feedback import Feedback, FeedbackError
from recommender.query.feedback_schema import META

URL = os.environ.get("RECOMMENDER_TEST_DATABASE_URL", "")
ANNA, BEN = "a" * 32, "b" * 32

pytestmark = pytest.mark.skipif(not URL, reason="RECOMMENDER_TEST_DATABASE_URL names no database server")


@pytest.fixture
def feedback() -> Iterator[Feedback]:
    """Over a database without tables."""
    engine = create_engine(URL)
    META.drop_all(engine)
    yield Feedback(URL)
    META.drop_all(engine)
    engine.dispose()


def test_remarks_are_kept_once_taken_back_and_forgotten(feedback: Feedback, small_catalog: Catalog) -> None:
    assert feedback.of(ANNA) == {}
    feedback.add(ANNA, 20, "more", "first")
    feedback.add(ANNA, 20, "more", "second")
    feedback.put(ANNA, 21, "seen")
    feedback.put(ANNA, 21, "not_for_me")
    feedback.add(BEN, 2**31 - 1, "seen")
    assert feedback.of(ANNA) == {20: {"more"}, 21: {"not_for_me"}}
    assert feedback.csv(ANNA, small_catalog).splitlines()[1].endswith("more,first")
    feedback.hand_over(BEN, ANNA)
    assert feedback.wipe(ANNA) == 3
    assert feedback.of(BEN) == {}


def test_many_sessions_write_at_once_from_the_first_moment_on(feedback: Feedback) -> None:
    def write(number: int) -> None:
        Feedback(URL).add(ANNA, number % 5, "seen")

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(write, range(100)))
    assert feedback.of(ANNA) == {number: {"seen"} for number in range(5)}


def test_a_server_that_is_away_is_told_without_its_address() -> None:
    away = make_url(URL).set(port=1)
    with pytest.raises(FeedbackError, match="RECOMMENDER_DATABASE_URL") as error:
        Feedback(away.render_as_string(hide_password=False)).of(ANNA)
    assert str(away.host) not in str(error.value)


def test_an_older_table_is_migrated_once_by_many(feedback: Feedback) -> None:
    with create_engine(URL).begin() as old:
        old.exec_driver_sql("CREATE TABLE feedback (person TEXT, movie_id INTEGER, kind TEXT)")
        old.exec_driver_sql(f"INSERT INTO feedback VALUES ('{ANNA}', 20, 'seen'), ('{ANNA}', 20, 'seen')")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: Feedback(URL).add(ANNA, number, "seen"), range(16, 24)))
    assert feedback.of(ANNA) == {number: {"seen"} for number in range(16, 24)}
