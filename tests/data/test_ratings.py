"""Ratings: read and joined with the catalogue, ordered whatever the file's order, and told apart from the sample."""

import gzip
import math
import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.config import DataConfig
from recommender.data.catalog import Catalog, Movie
from recommender.data.engagement import Engagement
from recommender.data.interaction import DAY, Interaction, InteractionSet, as_events, engagement_of, ordered
from recommender.data.parts import HistoryParts
from recommender.data.ratings import find_ratings, find_source, load_interactions, movielens_ids, read_ratings
from recommender.data.sample.events import sample_interactions
from recommender.data.task import load_task
from recommender.errors import DataError, UnknownNameError
from recommender.settings import Settings
from recommender.wording import SAMPLE

HEAD = "userId,movieId,rating,timestamp"
LINES = ("1,61,4.0,300", "1,63,2.0,100", "2,61,0.5,50", "1,66,5.0,100", "2,999,3.0,60", "1,65,3.0,100")


def written(folder: Path, *lines: str, head: str = HEAD) -> Path:
    path = folder / "ratings.csv"
    path.write_text("\n".join((head, *lines)) + "\n")
    return path


def read(path: Path, catalog: Catalog, **config: Any) -> InteractionSet:
    return read_ratings(path, catalog, DataConfig(**config))


def rows(events: pd.DataFrame) -> list[tuple[str, int, int]]:
    return list(zip(events["person"], events["movie_id"].tolist(), events["timestamp"].tolist(), strict=True))


# Reading.


def test_ratings_come_by_person_and_time_with_the_catalogue_s_ids(tmp_path: Path, small_catalog: Catalog) -> None:
    found = read(written(tmp_path, *LINES), small_catalog)
    assert found.left_out == 1  # MovieLens' 999 is no movie of the catalogue
    got = rows(found.events)
    assert [row for row in got if row[2] != 100] == [("1", 1234, 300), ("2", 1234, 50)]
    assert set(got[:3]) == {("1", 20, 100), ("1", 40, 100), ("1", 30, 100)}
    assert found.events["rating"].tolist()[3] == 4.0
    assert found.events["plays"].isna().all()
    assert found.describe() == (
        "MovieLens (folder): 5 events of 2 people with 4 movies; 1 of movies outside the catalogue left out"
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_file_does_not_matter(seed: int, tmp_path: Path, small_catalog: Catalog) -> None:
    first = read(written(tmp_path, *LINES), small_catalog).events
    shuffled = random.Random(seed).sample(LINES, k=len(LINES))
    pd.testing.assert_frame_equal(read(written(tmp_path, *shuffled), small_catalog).events, first)


def test_parquet_holds_the_same(tmp_path: Path, small_catalog: Catalog) -> None:
    path = written(tmp_path, *LINES)
    other = tmp_path / "ratings.parquet"
    pd.read_csv(path).to_parquet(other)
    pd.testing.assert_frame_equal(read(other, small_catalog).events, read(path, small_catalog).events)


def test_completion_and_plays_are_read_where_a_file_has_them(tmp_path: Path, small_catalog: Catalog) -> None:
    path = written(tmp_path, "ann,61,9,0.25,3", "ann,63,12,,", head="userId,movieId,timestamp,completion,plays")
    one, two = (Interaction(*row) for row in read(path, small_catalog).events.itertuples(index=False))
    assert one[:3] == ("ann", 1234, 9)
    assert engagement_of(one, 9) == Engagement(completion=0.25, plays=3, age_days=0)
    assert engagement_of(two, 12) == Engagement(age_days=0)


def test_lines_that_cannot_be_used_are_told(
    tmp_path: Path, small_catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    bad = (
        ",61,3.0,1",
        "1,sixty,3.0,1",
        "1,63,0.0,1",
        "1,63,-inf,1",
        "1,63,inf,1",
        "1,63,x,1",
        "1,63,3.0,soon",
        "1,63,3,1e300",
    )
    good = [f"{person},61,,7" for person in range(8)]
    found = read(written(tmp_path, *bad, *good), small_catalog)
    assert rows(found.events) == [(str(person), 1234, 7) for person in range(8)]
    assert [problem.split(":")[1] for problem in found.problems] == [str(line) for line in range(2, 10)]
    assert found.problems[2] == "ratings.csv:4: a rating that is not above 0 and up to 5"
    assert "8 malformed line(s) skipped" in found.describe()
    assert caplog.messages[:8] == [f"skipped {problem}" for problem in found.problems]


def test_the_log_names_the_first_lines_that_cannot_be_used(
    tmp_path: Path, small_catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    found = read(written(tmp_path, *["1,63,0,1"] * 30, *["1,61,3,7"] * 30), small_catalog)
    told = [message for message in caplog.messages if message.startswith("skipped ")]
    assert told == [*(f"skipped {problem}" for problem in found.problems[:20]), "skipped 10 more lines of ratings.csv"]
    assert len(found.problems) == 30


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_dates_are_read_as_seconds(unit: str, zone: str | None, tmp_path: Path, small_catalog: Catalog) -> None:
    dates = pd.Series(pd.to_datetime([964_982_703, 964_982_999, None], unit="s", utc=True))
    dates = dates.dt.tz_convert(zone).astype(f"datetime64[{unit}{f', {zone}' if zone else ''}]")
    path = tmp_path / "ratings.parquet"
    pd.DataFrame({"userId": 1, "movieId": [61, 63, 65], "timestamp": dates}).to_parquet(path)
    found = read(path, small_catalog)
    assert rows(found.events) == [("1", 1234, 964_982_703), ("1", 20, 964_982_999)]
    assert found.problems == ["ratings.parquet:3: a timestamp that is neither a date nor seconds since 1970"]


def test_milliseconds_are_not_taken_for_seconds(tmp_path: Path, small_catalog: Catalog) -> None:
    with pytest.raises(DataError, match="2: a timestamp that is neither"):
        read(written(tmp_path, "1,61,4.0,964982703000"), small_catalog)


def test_a_person_and_a_movie_are_one_event_the_first(tmp_path: Path, small_catalog: Catalog) -> None:
    found = read(written(tmp_path, "1,61,4.0,300", "1,61,2.0,100", "1,63,1.0,200"), small_catalog)
    assert rows(found.events) == [("1", 1234, 100), ("1", 20, 200)]


def test_ratings_of_a_movie_that_stands_twice_are_of_the_entry_named_more_often() -> None:
    heat = [Movie(1, "Heat", 1995, (), 6, 7), Movie(2, "Heat", 1996, (), 6, 38), Movie(3, "Up", 2009, (), 8, 1)]
    assert movielens_ids(Catalog(heat)) == {6: 2, 8: 3}
    assert movielens_ids(Catalog([Movie(5, "A", 1990, (), 6, 7), Movie(4, "B", 1990, (), 6, 7)])) == {6: 4}


@pytest.mark.parametrize(
    ("head", "line", "told"),
    [
        ("userId,rating,timestamp", "1,3.0,1", "lacks the column movieId"),
        (HEAD, "1,999,3.0,1", "no usable rating"),
        (HEAD, "1,61,x,1", "First problem: ratings.csv:2: a rating"),
        (HEAD, '1,61,"9', "csv:2: a quotation mark that is never closed"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error(
    head: str, line: str, told: str, tmp_path: Path, small_catalog: Catalog
) -> None:
    with pytest.raises(DataError, match=told):
        read(written(tmp_path, line, head=head), small_catalog)


def test_an_empty_or_a_broken_file_is_an_error(tmp_path: Path, small_catalog: Catalog) -> None:
    for name, content in (("ratings.csv", b""), ("ratings.csv", b"\xff\xfe\x00"), ("ratings.parquet", b"PAR1")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(DataError, match=name):
            read(path, small_catalog)


@pytest.mark.parametrize("date", ["2020-06-22", "2020-06-22T00:00:00Z", "2020-06-22 02:00:00+02:00", "1592784000"])
def test_dates_in_text_are_read_as_seconds(date: str, tmp_path: Path, small_catalog: Catalog) -> None:
    found = read(written(tmp_path, f"1,61,4,{date}", head="user,item,rating,date"), small_catalog)
    assert rows(found.events) == [("1", 1234, 1_592_784_000)]


def test_one_ragged_line_costs_no_other(tmp_path: Path, small_catalog: Catalog) -> None:
    found = read(written(tmp_path, *LINES, "1,61,3.0,1,2", "1,61"), small_catalog)
    assert len(found.events) == 5
    assert found.problems == [
        "ratings.csv:8: 5 columns where 4 are expected", "ratings.csv:9: 2 columns where 4 are expected",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("ratings.dat", "1::61::4::7\n"),
        ("u.data", "1\t61\t4\t7\n"),
        ("ml.inter", "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t61\t4\t7\n"),
        ("ratings.csv", "user;item;time;score\n1;61;7;4\n"),
        ("interactions.tsv", "user_id\titem_id\trating\ttimestamp\n1\t61\t4\t7\n"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_ratings_of_every_form_are_found_and_read(
    name: str, raw: str, packed: bool, tmp_path: Path, small_catalog: Catalog
) -> None:
    (tmp_path / "movies.csv").write_text("movieId,title\n61,Red Lantern\n")
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(raw.encode()) if packed else raw.encode())
    assert find_ratings(tmp_path) == path
    found = read(path, small_catalog)
    assert (rows(found.events), found.events["rating"].tolist()) == ([("1", 1234, 7)], [4.0])


# The scale of the ratings.


@pytest.mark.parametrize(
    ("ratings", "read_as"),
    [
        ("0.5 3 4.5 5", [0.5, 3, 4.5, 5]),
        ("1 2 4 5", [1, 2, 4, 5]),
        ("1 4 8 10", [0.5, 2, 4, 5]),
        ("0 0 1 1", [0, 0, 5, 5]),
        ("0 0.4 0.8 1", [0, 2, 4, 5]),
        ("0 40 80 100", [0, 2, 4, 5]),
    ],
)
def test_scales_are_recognised(ratings: str, read_as: list[float], tmp_path: Path, small_catalog: Catalog) -> None:
    lines = [f"{person},61,{rating},1" for person, rating in enumerate(ratings.split())]
    found = read(written(tmp_path, *lines), small_catalog)
    assert found.problems == []
    assert found.events["rating"].tolist() == read_as


@pytest.mark.parametrize("ratings", ["1 3 5 7", "3 4 5 5 5 5 4 3 2 1 5 9", "1 20 12 19", "100 700 900 1000"])
def test_a_scale_that_is_not_plain_is_asked_for(ratings: str, tmp_path: Path, small_catalog: Catalog) -> None:
    lines = [f"{person},61,{rating},1" for person, rating in enumerate(ratings.split())]
    with pytest.raises(DataError, match=r"ratings\.csv: .* Set data\.best_rating"):
        read(written(tmp_path, *lines), small_catalog)
    top = max(map(int, ratings.split()))
    assert read(written(tmp_path, *lines), small_catalog, best_rating=top).events["rating"].max() == 5


def test_ratings_below_0_are_asked_about(tmp_path: Path, small_catalog: Catalog) -> None:
    """They are a third of a scale from -1 to 1, and without them all is liked."""
    path = written(tmp_path, *(f"{person},61,{rating},1" for person, rating in enumerate([-1, 0, 1])))
    with pytest.raises(DataError, match=r"ratings\.csv: 33% of the ratings are below 0"):
        read(path, small_catalog)
    assert read(path, small_catalog, best_rating=1).events["rating"].tolist() == [0, 5]


def test_strays_above_a_scale_are_told(tmp_path: Path, small_catalog: Catalog) -> None:
    lines = [f"{person},61,{1 + person % 5},1" for person in range(200)]
    found = read(written(tmp_path, *lines, "x,61,45,1"), small_catalog)
    assert found.problems == ["ratings.csv:202: a rating that is not above 0 and up to 5"]


# Whose movies they are.

ITEMS = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"


def put_own(folder: Path, *titles: str) -> Path:
    """Ratings whose ids 61, 62, ... the file beside them gives to these titles."""
    items = [f"{number}\t{title}\t1999\tDrama" for number, title in enumerate(titles, start=61)]
    (folder / "ml.item").write_text(ITEMS + "\n".join(items) + "\n")
    (folder / "ml.inter").write_text(INTER + "1\t61\t4\t7\n1\t62\t5\t7\n1\t63\t5\t7\n")
    return folder / "ml.inter"


def test_ids_of_other_movies_are_refused_by_their_titles(tmp_path: Path, small_catalog: Catalog) -> None:
    """ML-100K's 50 is Star Wars, and became The Usual Suspects."""
    with pytest.raises(DataError, match=r"3 belong to other movies \(6. is '.*' in ml\.item .* data\.catalog = own"):
        read(put_own(tmp_path, "Star Wars", "Toy Story", "Fargo"), small_catalog)
    found = read(put_own(tmp_path, "Red Lantern, The", "Lantern", "Iron Comet"), small_catalog)
    assert set(found.events["movie_id"]) == {1234, 123, 20}


def test_ml_100k_without_titles_is_not_taken_for_movielens(tmp_path: Path, small_catalog: Catalog) -> None:
    (tmp_path / "u.data").write_text("1\t61\t4\t7\n")
    with pytest.raises(DataError, match=r"u\.item is not there"):
        read(tmp_path / "u.data", small_catalog)


def test_a_run_can_be_over_the_movies_of_the_data_set(tmp_path: Path, world: Settings) -> None:
    put_own(tmp_path, "Star Wars", "Toy Story", "Fargo")
    config = DataConfig(source="folder", catalog="own", hold_out="leave_one_out")
    task = load_task("next_movie", config, 1, world.model_copy(update={"data_dir": tmp_path}))
    assert [movie.name for movie in task.catalog] == ["Star Wars (1999)", "Toy Story (1999)", "Fargo (1999)"]
    assert len(task.data.events) == 3
    with pytest.raises(DataError, match="Tags are joined with ReDial's movies"):
        task.tags()
    with pytest.raises(DataError, match="asks of ReDial's dialogues"):
        load_task("conversational", config, 1, world)


# The order of equal times.


def test_the_order_of_the_file_is_kept_on_request(tmp_path: Path, small_catalog: Catalog) -> None:
    lines = [f"1,{movie},3,5" for movie in (68, 61, 66, 63, 65)] + ["1,67,3,4"]
    found = read(written(tmp_path, *lines), small_catalog, order="file")
    assert found.events["movie_id"].tolist() == [41, 50, 1234, 40, 20, 30]
    other = read(written(tmp_path, *lines[::-1]), small_catalog, order="file")
    assert other.events["movie_id"].tolist() == [41, 30, 20, 40, 1234, 50]


def test_without_times_the_order_of_the_file_is_the_only_one(tmp_path: Path, small_catalog: Catalog) -> None:
    path = written(tmp_path, "1,63", "1,61", "1,65", "1,61", head="user,item")
    with pytest.raises(DataError, match=r"lacks the column timestamp .* set data\.order = file"):
        read(path, small_catalog)
    found = read(path, small_catalog, order="file")
    assert found.events["movie_id"].tolist() == [20, 1234, 30]
    [example] = HistoryParts(found, small_catalog, DataConfig(hold_out="leave_one_out"), 1).examples("test")
    assert (example.targets, example.time, example.target_engagement) == ((30,), None, ())
    with pytest.raises(DataError, match="these ratings have none"):
        HistoryParts(found, small_catalog, DataConfig(hold_out="latest"), 1).examples("test")


# Where they come from.


def test_auto_takes_the_folder_or_says_how_to_fill_it(
    tmp_path: Path, small_catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    here = Settings(data_dir=tmp_path / "data")
    (tmp_path / "data").mkdir()
    for source in ("auto", "folder"):
        with pytest.raises(DataError, match=r"has none\. Download ml-latest-small .*grouplens"):
            load_interactions(DataConfig(source=source), here, small_catalog)
    (tmp_path / "data" / "ml").mkdir()
    path = written(tmp_path / "data" / "ml", *LINES)
    found = load_interactions(DataConfig(source="auto"), here, small_catalog)
    assert (found.source, found.origin) == ("folder", str(path))
    (tmp_path / "data" / "ratings.dat").touch()
    assert load_interactions(DataConfig(source="auto"), here, small_catalog).origin == str(path)
    assert "took ratings.csv and not" in caplog.text
    written(tmp_path / "data", *LINES)
    with pytest.raises(DataError, match="several files of ratings"):
        load_interactions(DataConfig(source="auto"), here, small_catalog)


def test_without_a_folder_there_is_the_sample_and_it_says_so(small_catalog: Catalog) -> None:
    bare = Settings(data_dir=None)
    found = load_interactions(DataConfig(source="auto"), bare, small_catalog)
    assert found.source == "sample"
    assert SAMPLE in found.describe()
    assert "not MovieLens" in found.describe()
    for source in ("folder", "cache", "hub"):
        with pytest.raises(DataError, match="grouplens"):
            load_interactions(DataConfig(source=source), bare, small_catalog)
    with pytest.raises(UnknownNameError):
        find_source("elsewhere", bare)


def test_the_sample_has_what_the_losses_and_the_splits_are_tried_with(small_catalog: Catalog) -> None:
    made = sample_interactions(small_catalog)
    assert made == sample_interactions(small_catalog)
    assert made != sample_interactions(small_catalog, seed=1)
    events = as_events(made)
    assert len(events) == len(made)
    assert events.duplicated(["person", "timestamp"], keep=False).mean() > 0.2
    assert events["rating"].between(0.5, 5).all()
    assert events["completion"].between(0, 1).all()
    assert events["plays"].max() > 1
    with pytest.raises(DataError, match="at least"):
        sample_interactions(Catalog([Movie(1, "One")]))


# What is known of an event.


@pytest.mark.parametrize(
    ("rating", "liked", "share"), [(5.0, 1, 1.0), (4.0, 1, 0.8), (3.5, None, 0.7), (2.5, None, 0.5), (2.0, 0, 0.4)]
)
def test_a_rating_of_four_is_liked_and_of_two_is_not(rating: float, liked: float | None, share: float) -> None:
    facts = engagement_of(Interaction("p", 1, 0, rating), DAY * 3)
    assert facts == Engagement(liked=liked, rating=pytest.approx(share), age_days=3)


def test_what_is_later_than_the_training_has_no_age() -> None:
    assert engagement_of(Interaction("p", 1, 11), 10) == Engagement()
    assert all(math.isnan(number) for number in engagement_of(Interaction("p", 1, 11), 10).as_numbers)


# The order.

PLACES = st.tuples(st.sampled_from("abc"), st.integers(1, 6), st.integers(0, 2))


@given(st.lists(PLACES, max_size=25), st.randoms(use_true_random=False))
def test_any_shuffle_gives_the_same_order(events: list[tuple[str, int, int]], rng: random.Random) -> None:
    made = [Interaction(*event) for event in events]
    first = as_events(made)
    again = as_events(rng.sample(made, k=len(made)))
    pd.testing.assert_frame_equal(again, first)
    pd.testing.assert_frame_equal(ordered(first), first)
    assert set(zip(first["person"], first["movie_id"], strict=True)) == {event[:2] for event in events}
    for _, one in first.groupby("person", observed=True):
        assert one["timestamp"].is_monotonic_increasing
