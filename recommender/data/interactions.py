"""What people watched and rated, over the catalogue's movies: from MovieLens' ratings or the shipped sample."""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from recommender.data.catalog import Catalog
from recommender.data.engagement import Engagement
from recommender.data.movielens import find_files
from recommender.errors import DataError, UnknownNameError
from recommender.settings import Settings
from recommender.wording import SAMPLE

log = logging.getLogger(__name__)

SOURCES = ("auto", "folder", "sample")
FILES = ("ratings.csv", "ratings.parquet")
NEEDED = ("userId", "movieId", "timestamp")
MEASURES = ("rating", "completion", "plays")  # columns that a file may have
BEST_RATING = 5.0
TOLD = 20  # malformed lines that the log names
LATEST = 1e11  # seconds since 1970, the year 5138: a time above it is one in milliseconds
LIKED, DISLIKED = 4.0, 2.0
DAY = 24 * 60 * 60  # seconds
HELP = (
    "Download ml-latest-small (or a larger one) from https://grouplens.org/datasets/movielens/ and unpack it below the "
    "folder that RECOMMENDER_DATA_DIR names, or use the synthetic sample (data.source = sample)."
)


class Interaction(NamedTuple):
    """One event: the first time that a person is known to have watched a movie. `movie_id` is the catalogue's,
    `timestamp` in seconds; the others are as the file has them, NaN where it says nothing."""

    person: str
    movie_id: int
    timestamp: int
    rating: float = np.nan  # above 0 up to BEST_RATING
    completion: float = np.nan  # share of the movie that was watched, 0 to 1
    plays: float = np.nan


def engagement_of(event: Interaction, latest: int) -> Engagement:
    """What losses may weigh it by. Liked is a rating of 4 and more, as where ratings are made a yes or no (Liang et al.
    2018); not liked, by the same distance from the middle, one of 2 and less. `latest` is the time of the latest event
    that is learned from; what is later has no age."""
    rating = None if np.isnan(event.rating) else event.rating
    liked = None if rating is None or DISLIKED < rating < LIKED else float(rating >= LIKED)
    return Engagement(
        liked=liked,
        rating=None if rating is None else rating / BEST_RATING,
        completion=None if np.isnan(event.completion) else event.completion,
        plays=None if np.isnan(event.plays) else event.plays,
        age_days=(latest - event.timestamp) / DAY if event.timestamp <= latest else None,
    )


@dataclass(frozen=True)
class InteractionSet:
    """Events with the columns of `Interaction`, in the order of `ordered`: columns and not objects, since there may be
    25 million. `left_out` counts those whose movie the catalogue lacks. `origin` is a path of this machine."""

    source: Literal["folder", "sample"]
    origin: str
    events: pd.DataFrame
    problems: list[str] = field(default_factory=list)
    left_out: int = 0

    def describe(self) -> str:
        """One sentence for the screen and the log; it never hides that the sample stands in for MovieLens."""
        movies, people = self.events["movie_id"].nunique(), self.events["person"].nunique()
        skipped = f"; {len(self.problems):,} malformed line(s) skipped" if self.problems else ""
        outside = f"; {self.left_out:,} of movies outside the catalogue left out" if self.left_out else ""
        what = f"{SAMPLE} and not MovieLens" if self.source == "sample" else f"MovieLens ({self.source})"
        return f"{what}: {len(self.events):,} events of {people:,} people with {movies:,} movies{outside}{skipped}"


def as_events(interactions: Iterable[Interaction]) -> pd.DataFrame:
    """The same as a table, in the order of `ordered`."""
    return ordered(pd.DataFrame(interactions, columns=list(Interaction._fields)))


def ordered(events: pd.DataFrame) -> pd.DataFrame:
    """By person, then time, whatever the order before; each person and movie once, the first time.

    MovieLens stamps a whole page of ratings with one second: a fifth of its events share theirs. Of equal times the
    order is drawn from person and movie. The file's order would change with the file, and that of the movies' ids would
    be something to learn, since they grow with the years.
    """
    events = events.astype({"person": "category"})
    tied = events.duplicated(["person", "timestamp"], keep=False).to_numpy()
    tie = np.zeros(len(events), dtype=np.uint64)
    pairs = zip(events["person"].to_numpy()[tied], events["movie_id"].to_numpy()[tied], strict=True)
    tie[tied] = [_number(f"{person}:{movie_id}") for person, movie_id in pairs]
    order = ["person", "timestamp", "tie", *MEASURES]
    events = events.assign(tie=tie).sort_values(order, kind="stable").drop(columns="tie")
    return events.drop_duplicates(["person", "movie_id"]).reset_index(drop=True)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def movielens_ids(catalog: Catalog) -> dict[int, int]:
    """MovieLens id -> movie id. Where the catalogue holds a movie twice ("Heat (1995)", "Heat (1996)") all its ratings
    are of the entry that dialogues name more often, as people then find it."""
    known = [movie for movie in catalog if movie.movielens_id is not None]
    known.sort(key=lambda movie: (movie.mentions, -movie.movie_id))
    return {movie.movielens_id: movie.movie_id for movie in known if movie.movielens_id is not None}


def read_ratings(path: Path, catalog: Catalog) -> InteractionSet:
    """A file of MovieLens, or another with the columns of `NEEDED` (times as dates or in seconds since 1970) and any of
    `MEASURES`. Lines that cannot be used are skipped; the log names the first `TOLD`.

    Raises `DataError` for a file that cannot be read, that lacks a column, or that has no event of the catalogue.
    """
    rows = _read_table(path)
    if missing := [name for name in NEEDED if name not in rows]:
        raise DataError(f"{path} lacks {', '.join(missing)}; found are the columns {', '.join(map(str, rows))}.")
    rows = rows.assign(timestamp=_seconds(rows["timestamp"]))
    numbers = {name: pd.to_numeric(rows[name], errors="coerce") for name in (*NEEDED[1:], *MEASURES) if name in rows}
    wrong = _faults(rows, numbers)
    problems = [f"{path.name}:{row + 2}: {wrong[row]}" for row in sorted(wrong)]
    good = np.ones(len(rows), dtype=bool)
    good[list(wrong)] = False
    events = pd.DataFrame(
        {
            "person": _as_names(rows["userId"][good]),
            "movie_id": numbers["movieId"][good].map(movielens_ids(catalog)),
            "timestamp": numbers["timestamp"][good].astype(np.int64),
            **{name: numbers[name][good] if name in numbers else np.nan for name in MEASURES},
        }
    )
    for problem in problems[:TOLD]:
        log.warning("skipped %s", problem)
    kept = events.dropna(subset="movie_id").astype({"movie_id": np.int64, **dict.fromkeys(MEASURES, np.float64)})
    if kept.empty:
        first = f" First problem: {problems[0]}" if problems else ""
        raise DataError(f"{path} has no usable rating of a movie of the catalogue.{first}")
    kept["person"] = kept["person"].cat.remove_unused_categories()
    return InteractionSet("folder", str(path), ordered(kept), problems, len(events) - len(kept))


def _read_table(path: Path) -> pd.DataFrame:
    import pyarrow

    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype={"userId": "category"})
    except (OSError, ValueError, pyarrow.ArrowException) as error:  # pandas' own errors are of ValueError
        raise DataError(f"{path} is not readable as a table: {error}.") from error


def _seconds(times: pd.Series) -> pd.Series:
    """A column of dates as seconds since 1970; any other as it is."""
    if not pd.api.types.is_datetime64_any_dtype(times):
        return times
    return (pd.to_datetime(times, utc=True) - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(seconds=1)


def _as_names(people: pd.Series) -> pd.Series:
    """Numbers or words as a column of words, each kept once, in alphabetical order."""
    names = people.convert_dtypes().astype("category").cat.rename_categories(str)
    return names.cat.reorder_categories(sorted(names.cat.categories))


def _faults(rows: pd.DataFrame, numbers: dict[str, pd.Series]) -> dict[int, str]:
    """Row -> what is wrong with it. A measure may be empty, but not out of its range."""
    time = numbers["timestamp"]
    bad = {
        "no userId": rows["userId"].isna(),
        "no movieId": numbers["movieId"].isna(),
        "a timestamp that is not seconds since 1970": ~(time.abs() < LATEST),
    }
    fitting = {
        "rating": ("a rating that is not above 0 and up to 5", np.nextafter(0, 1), BEST_RATING),
        "completion": ("a completion that is no share from 0 to 1", 0, 1),
        "plays": ("plays that are no count", 0, 2**53),
    }
    for name in [name for name in fitting if name in numbers]:
        what, low, high = fitting[name]
        bad[what] = rows[name].notna() & ~numbers[name].between(low, high)
    return {int(row): why for why, rows_of in bad.items() for row in np.flatnonzero(rows_of)}


def find_ratings(folder: Path) -> Path:
    """MovieLens' ratings anywhere below the folder, or beside one of ReDial alone. Raises `DataError` unless there is
    one such file: two data sets share people under different numbers."""
    found = [path for name in FILES for path in find_files(folder, name)]
    if not found:
        raise DataError(f"The protocol next_movie learns from MovieLens ratings and {folder} has none. {HELP}")
    if len(found) > 1:
        names = ", ".join(str(path) for path in found[:3])
        raise DataError(f"There are several files of ratings ({names}); leave one of them there.")
    return found[0]


def find_source(source: str, settings: Settings) -> Path | None:
    """The file of ratings that the named source means, None for the sample. `auto` takes the data folder where one is
    named, else the sample.

    Raises `DataError` for a folder that was named but has no ratings, never falling back in silence, and for `cache`
    and `hub`, since nothing is downloaded; `UnknownNameError` for any other source.
    """
    if source == "sample" or (source == "auto" and settings.data_dir is None):
        return None
    if source in ("cache", "hub"):
        raise DataError(f"Ratings are not downloaded, so data.source = {source} has none. {HELP}")
    if source not in SOURCES:
        raise UnknownNameError("data source", source, SOURCES)
    if settings.data_dir is None:
        raise DataError(f"Set RECOMMENDER_DATA_DIR to the folder that holds MovieLens. {HELP}")
    return find_ratings(settings.data_dir)


def load_interactions(source: str, settings: Settings, catalog: Catalog) -> InteractionSet:
    """Ratings from the named source. Raises what `find_source` and `read_ratings` raise."""
    path = find_source(source, settings)
    if path is not None:
        return read_ratings(path, catalog)
    from recommender.data.sample_interactions import sample_interactions

    return InteractionSet("sample", "seeded simulator", as_events(sample_interactions(catalog)))
