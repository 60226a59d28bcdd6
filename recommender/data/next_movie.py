"""Events -> Example or History, the protocol `next_movie`: what a person watched, and the movie that came next."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.config import DataConfig
from recommender.data.catalog import Catalog
from recommender.data.examples import Example, Said
from recommender.data.interaction import Interaction, engagement_of

TITLES = 1  # of the latest movies in the text: with one there are as many texts to encode as movies, and not as events


@dataclass(frozen=True, slots=True)
class History:
    """What one person watched, in order, up to the last movie that is asked for: N events, whose memory grows with N
    and not, as that of one example for each, with its square."""

    person: str
    movie_ids: NDArray[np.int64]  # [N]
    times: NDArray[np.int64]  # [N], seconds since 1970
    asked: NDArray[np.bool_]  # [N], the targets; never the first, before which there is nothing


def histories(
    events: pd.DataFrame, asked: NDArray[np.bool_], catalog: Catalog, max_targets: int | None = None
) -> Iterator[History]:
    """One sequence for each person of whom something is asked. Arguments and targets are those of `next_movies`."""
    events, asked = _known(events, asked, catalog)
    movie_ids, times = events["movie_id"].to_numpy(), events["timestamp"].to_numpy()
    for person, start, end in _people(events):
        places = _asked_places(asked[start:end], max_targets)
        if len(places):
            length = int(places[-1]) + 1
            targets = np.zeros(length, dtype=np.bool_)
            targets[places] = True
            yield History(person, movie_ids[start : start + length], times[start : start + length], targets)


def next_movies(
    events: pd.DataFrame,
    asked: NDArray[np.bool_],
    catalog: Catalog,
    config: DataConfig,
    latest: int,
    whole: bool,
    timed: bool = True,
) -> list[Example]:
    """One example for each asked event that has one before it: the person's earlier movies, answered by this one. The
    text is what somebody would type who wants more like the latest: its title. For a model of messages it is one
    message that names the movies.

    `events` are in the order of `interactions.ordered`, `asked` has a flag for each; the answers are at most
    `config.max_targets` a person, the latest. Movies outside the catalogue are left out. `latest`: see `engagement_of`.
    `timed`: whether the times are known.

    `whole`: `mentioned` holds every earlier movie, so that a ranking of new movies leaves them all out. That is for
    what is measured. Otherwise it holds the `config.max_mentioned` that models read: with all of them the memory of the
    examples would grow with the square of what a person watched, and learning leaves nothing out of a ranking.
    """
    events, asked = _known(events, asked, catalog)
    columns = [events[name].to_numpy() for name in Interaction._fields[1:]]
    names = {movie_id: catalog.by_id(movie_id).name for movie_id in events["movie_id"].unique().tolist()}
    examples = []
    for person, start, end in _people(events):
        places = _asked_places(asked[start:end], config.max_targets)
        if not len(places):
            continue
        rows = zip(*(column[start:end].tolist() for column in columns), strict=True)
        history = [Interaction(person, *row) for row in rows]
        movie_ids = [event.movie_id for event in history]
        for place in map(int, places):
            read = _read(movie_ids, place, config)
            answer = history[place]
            text = ", ".join(names[movie_id] for movie_id in movie_ids[max(0, place - TITLES) : place])
            examples.append(
                Example(
                    f"{person}:{answer.movie_id}",
                    person,
                    place,
                    text,
                    tuple(movie_ids[:place]) if whole else read,
                    (answer.movie_id,),
                    (Said("seeker", text, read),),
                    engagement={answer.movie_id: engagement_of(answer, latest)},
                    person=person,
                    time=float(answer.timestamp) if timed else None,
                )
            )
    return examples


def _known(events: pd.DataFrame, asked: NDArray[np.bool_], catalog: Catalog) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    known = events["movie_id"].map(catalog.has).to_numpy(dtype=bool)
    return events[known], asked[known]


def _asked_places(asked: NDArray[np.bool_], max_targets: int | None) -> NDArray[np.int64]:
    """Of one person's events those that are asked for: not the first, and the latest `max_targets`."""
    places = np.flatnonzero(asked)
    return places[places > 0][-(max_targets or len(places)) :]


def _people(events: pd.DataFrame) -> Iterator[tuple[str, int, int]]:
    """Each person, and where the person's events begin and end."""
    codes = events["person"].cat.codes.to_numpy()
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(codes)], strict=True):
        yield str(events["person"].cat.categories[codes[start]]), int(start), int(end)


def _read(movie_ids: list[int], place: int, config: DataConfig) -> tuple[int, ...]:
    """The part of what came before that models read, as `to_items` takes it."""
    first = 0 if config.keep_mentioned == "first" else max(0, place - config.max_mentioned)
    return tuple(movie_ids[first : min(place, first + config.max_mentioned)])
