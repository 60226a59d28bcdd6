"""Ratings and other events that people bring, as `InteractionSet`s over a catalogue: from a folder, or the sample."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from recommender.config import DataConfig
from recommender.data.catalog import Catalog
from recommender.data.interaction import BEST_RATING, MEASURES, InteractionSet, as_events, ordered
from recommender.data.movie_files import MOVIE, id_faults, movie_file_beside, read_movie_file
from recommender.data.movielens import alike, find_movielens
from recommender.data.sample.events import sample_interactions
from recommender.data.source import Source
from recommender.data.tables import LATEST, Field, Table, lacking, read_table
from recommender.errors import DataError, UnknownNameError
from recommender.settings import Settings

log = logging.getLogger(__name__)

SOURCES = ("auto", "folder", "sample")
# In this order: where there are files of two kinds the first is taken, and the others are named.
NAMES = (
    tuple(f"{name}.{kind}" for name in ("ratings", "interactions") for kind in ("csv", "tsv", "parquet")),
    ("ratings.dat",),
    ("u.data",),
    ("*.inter",),
)
USER = Field("userId", "key", ("user_id", "user", "uid", "person"))
TIME = Field("timestamp", "time", ("time", "date", "datetime", "ts"), needed=False)
RATING = Field("rating", "number", ("score", "stars"), needed=False)
FIELDS = (USER, MOVIE, TIME, RATING, Field("completion", needed=False), Field("plays", needed=False))
BARE = ("userId", "movieId", "rating", "timestamp")  # columns of `ratings.dat` and `u.data`, which have no header
SCALES = (1, 5, 10, 100)  # best ratings that are recognised
WITH_ZERO = (1, 100)  # scales on which 0 is a rating; on 1 to 10 it stands for none
STRAY = 0.01  # share of the ratings that may lie above a scale, as mistakes
USED = 0.1  # share of the ratings above the next lower scale, for a scale to be recognised
REACHED = 0.8  # of the best rating, by the highest one, for a scale above 5 to be recognised
OTHER_MOVIES = 0.1  # share of the joined movies whose titles may differ
HELP = (
    "Download ml-latest-small (or a larger one) from https://grouplens.org/datasets/movielens/ and unpack it below the "
    "folder that RECOMMENDER_DATA_DIR names, or use the synthetic sample (data.source = sample)."
)


def movielens_ids(catalog: Catalog) -> dict[int, int]:
    """MovieLens id -> movie id. Where the catalogue holds a movie twice ("Heat (1995)", "Heat (1996)") all its ratings
    are of the entry that dialogues name more often, as people then find it."""
    known = [movie for movie in catalog if movie.movielens_id is not None]
    known.sort(key=lambda movie: (movie.mentions, -movie.movie_id))
    return {movie.movielens_id: movie.movie_id for movie in known if movie.movielens_id is not None}


def read_ratings(path: Path, catalog: Catalog, config: DataConfig) -> InteractionSet:
    """A file with the columns of `FIELDS`: MovieLens' of every age, RecBole's, or a plain table. Lines that cannot be
    used are skipped and logged. `config.catalog` says whose ids the file has, `config.order` the order of equal times.

    Raises `DataError` for a file that cannot be read, lacks a column, has no event of the catalogue, is mostly of lines
    that cannot be used, or whose ids belong to other movies than those of the catalogue.
    """
    table = read_table(path, FIELDS, BARE)
    timed = TIME.name in table
    if not timed and config.order != "file":
        raise DataError(
            f"{lacking(path, 1, [TIME], [str(name) for name in table.rows])} Where the lines are in the order of "
            "time, set data.order = file."
        )
    best = _best_rating(path, table, config.best_rating) if RATING.name in table else BEST_RATING
    table = table.without(_faults(table, best))
    table.tell()
    ids: Mapping[int, int]
    if config.catalog == "own":
        ids = {movie.movie_id: movie.movie_id for movie in catalog}
    else:
        ids = movielens_ids(catalog)
        _check_ids(path, catalog, ids)
    events = pd.DataFrame(
        {
            "person": table[USER.name],
            "movie_id": table[MOVIE.name].map(ids),
            "timestamp": np.floor(table[TIME.name]).astype(np.int64) if timed else 0,
            **{name: table.rows.get(name, np.nan) for name in MEASURES},
        }
    )
    events["rating"] = events["rating"] * BEST_RATING / best
    kept = events.dropna(subset="movie_id").astype({"movie_id": np.int64, **dict.fromkeys(MEASURES, np.float64)})
    if kept.empty:
        first = f" First problem: {table.problems[0]}" if table.problems else ""
        raise DataError(f"{path} has no usable rating of a movie of the catalogue.{first}")
    kept["person"] = kept["person"].cat.remove_unused_categories()
    events = ordered(kept, config.order)
    return InteractionSet(Source.FOLDER, str(path), events, table.problems, len(table) - len(kept), timed)


def _faults(table: Table, best: float) -> dict[str, pd.Series]:
    """What is wrong -> a flag for each row. A measure may be empty, but not out of its range."""
    zero = best in WITH_ZERO
    faults = {
        f"no {USER.name}": table[USER.name].isna(),
        f"no {MOVIE.name}": table[MOVIE.name].isna(),
        **id_faults(table),
    }
    if TIME.name in table:
        faults["a timestamp that is neither a date nor seconds since 1970"] = ~(table[TIME.name].abs() < LATEST)
    fitting = {
        "rating": (f"a rating that is not {'from 0 to' if zero else 'above 0 and up to'} {best:g}", best),
        "completion": ("a completion that is no share from 0 to 1", 1),
        "plays": ("plays that are no count", 2**53),
    }
    for name, (what, high) in fitting.items():
        if name in table:
            low = np.nextafter(0, 1) if name == "rating" and not zero else 0
            faults[what] = table[name].notna() & ~table[name].between(low, high)
    return faults


def _best_rating(path: Path, table: Table, given: int | None) -> float:
    """The top of the rating scale: the lowest of `SCALES` that holds the ratings but for a few. Raises `DataError`
    where that is not plain, as for a scale of 1 to 7, or where few ratings use what is above the next lower scale, and
    for more than a few ratings below 0: they are dislikes on one scale and none at all on another."""
    ratings = table[RATING.name].to_numpy()
    ratings = ratings[np.isfinite(ratings)]
    if given is not None or not len(ratings):
        return given or BEST_RATING
    if (below := float((ratings < 0).mean())) > STRAY:
        raise DataError(
            f"{path}: {below:.0%} of the ratings are below 0, and a scale starts at 0 or above. Add a number to all of "
            "them, or empty those that stand for no rating. With data.best_rating set, such lines are skipped."
        )
    ratings = ratings[ratings >= 0]
    above = {scale: float((ratings > scale).mean()) for scale in SCALES}
    best = next((scale for scale in SCALES if above[scale] <= STRAY), None)
    used = best is not None and all(above[scale] >= USED for scale in SCALES if scale < best)
    if best is None or not used or (best > BEST_RATING and ratings[ratings <= best].max() < REACHED * best):
        raise DataError(
            f"{path}: the ratings go up to {ratings.max():g}, and their scale is not plain from that. Set "
            "data.best_rating to the best rating that could be given."
        )
    log.info("%s: ratings on a scale up to %s", path.name, best)
    return best


def _check_ids(path: Path, catalog: Catalog, ids: Mapping[int, int]) -> None:
    """Compare titles where a file beside the ratings has them: other data sets give MovieLens' numbers to other movies.
    ML-100K's 50 is Star Wars, which in later ones is The Usual Suspects."""
    own = "Set data.catalog = own to rank the data set's own movies."
    beside = movie_file_beside(path)
    if beside is None:
        if path.name.removesuffix(".gz") == "u.data":
            raise DataError(f"{path} is ML-100K, whose ids are not those of later MovieLens, and u.item is not there.")
        log.warning("no file beside %s names its movies: the ids are taken for MovieLens'", path.name)
        return
    rows = read_movie_file(beside).rows
    titles = dict(zip(rows["movie_id"].tolist(), rows["title"].tolist(), strict=True))
    joined = [(number, titles[number], catalog.by_id(movie_id)) for number, movie_id in ids.items() if number in titles]
    other = [(number, title, movie) for number, title, movie in joined if not alike(title, movie.title)]
    if len(other) > OTHER_MOVIES * len(joined):
        number, title, movie = other[0]
        raise DataError(
            f"{path} cannot be joined with ReDial's movies: of {len(joined):,} ids {len(other):,} belong to other "
            f"movies ({number} is {title!r} in {beside.name} and {movie.title!r} in MovieLens). {own}"
        )


def find_ratings(folder: Path) -> Path:
    """The file of ratings anywhere below the folder, or beside one of ReDial alone. Raises `DataError` unless there is
    one of its kind: two data sets share people under different numbers."""
    kinds = [found for names in NAMES if (found := find_movielens(folder, *names))]
    if not kinds:
        raise DataError(f"The protocol next_movie learns from ratings and {folder} has none. {HELP}")
    first, *others = kinds
    if len(first) > 1:
        names = ", ".join(str(path) for path in first[:3])
        raise DataError(f"There are several files of ratings ({names}); leave one of them there.")
    for path in (path for found in others for path in found):
        log.warning("took %s and not %s; name its folder in RECOMMENDER_DATA_DIR to use that", first[0].name, path)
    return first[0]


def has_ratings(folder: Path) -> bool:
    return any(find_movielens(folder, *names) for names in NAMES)


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
        raise DataError(f"Set RECOMMENDER_DATA_DIR to the folder that holds ratings. {HELP}")
    return find_ratings(settings.data_dir)


def load_interactions(config: DataConfig, settings: Settings, catalog: Catalog) -> InteractionSet:
    """Ratings from the source that the settings name. Raises what `find_source` and `read_ratings` raise."""
    path = find_source(config.source, settings)
    if path is not None:
        return read_ratings(path, catalog, config)
    return InteractionSet(Source.SAMPLE, "seeded simulator", as_events(sample_interactions(catalog)))
