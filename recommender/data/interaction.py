"""What people watched and rated: the events of a data set, as a table, and what is known of each."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from recommender.data.engagement import Engagement
from recommender.data.source import Source
from recommender.wording import SAMPLE

MEASURES = ("rating", "completion", "plays")  # what a data set may know of an event beside its time
BEST_RATING = 5.0  # ratings on another scale are brought to this one when they are read
LIKED, DISLIKED = 4.0, 2.0
DAY = 24 * 60 * 60  # seconds


class Interaction(NamedTuple):
    """One event: the first time that a person is known to have watched a movie. `movie_id` is the catalogue's,
    `timestamp` in seconds; the others are as the file has them, NaN where it says nothing."""

    person: str
    movie_id: int
    timestamp: int
    rating: float = np.nan  # 0 up to BEST_RATING
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

    source: Source
    origin: str
    events: pd.DataFrame
    problems: list[str] = field(default_factory=list)
    left_out: int = 0
    timed: bool = True  # without times the events stand in the order of the file, and every timestamp is 0

    def describe(self) -> str:
        """One sentence for the screen and the log; it never hides that the sample stands in for MovieLens."""
        movies, people = self.events["movie_id"].nunique(), self.events["person"].nunique()
        skipped = f"; {len(self.problems):,} malformed line(s) skipped" if self.problems else ""
        outside = f"; {self.left_out:,} of movies outside the catalogue left out" if self.left_out else ""
        what = f"{SAMPLE} and not MovieLens" if self.source is Source.SAMPLE else f"MovieLens ({self.source})"
        return f"{what}: {len(self.events):,} events of {people:,} people with {movies:,} movies{outside}{skipped}"


def as_events(interactions: Iterable[Interaction]) -> pd.DataFrame:
    """The same as a table, in the order of `ordered`."""
    return ordered(pd.DataFrame(interactions, columns=list(Interaction._fields)))


def ordered(events: pd.DataFrame, ties: Literal["time", "file"] = "time") -> pd.DataFrame:
    """By person, then time, whatever the order before; each person and movie once, the first time.

    MovieLens stamps a whole page of ratings with one second: a fifth of its events share theirs. Of equal times the
    order is drawn from person and movie. The file's order would change with the file, and that of the movies' ids would
    be something to learn, since they grow with the years. `ties = file` keeps the order that is given all the same: on
    ML-100K 76 % of the events share their time, and other libraries keep it there.
    """
    events = events.astype({"person": "category"})
    if ties == "file":
        events = events.sort_values(["person", "timestamp"], kind="stable")
        return events.drop_duplicates(["person", "movie_id"]).reset_index(drop=True)
    tied = events.duplicated(["person", "timestamp"], keep=False).to_numpy()
    tie = np.zeros(len(events), dtype=np.uint64)
    pairs = zip(events["person"].to_numpy()[tied], events["movie_id"].to_numpy()[tied], strict=True)
    tie[tied] = [_number(f"{person}:{movie_id}") for person, movie_id in pairs]
    order = ["person", "timestamp", "tie", *MEASURES]
    events = events.assign(tie=tie).sort_values(order, kind="stable").drop(columns="tie")
    return events.drop_duplicates(["person", "movie_id"]).reset_index(drop=True)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
