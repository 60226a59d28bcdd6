"""Which dialogues and events are held out, so that none is on two sides; and movies that training never sees."""

import hashlib
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.data.catalog import Catalog, Movie
from recommender.data.dialogue import Dialogue
from recommender.errors import DataError

SPLITS = ("train", "validation", "test")
HoldOut = Literal["random", "latest", "leave_one_out"]
FEWEST = 3  # events of a person of whom one is left out for validation and one for the test: one to learn from


def split_dialogues(
    dialogues: list[Dialogue], share: float, seed: int, hold_out: HoldOut = "random"
) -> tuple[list[Dialogue], list[Dialogue]]:
    """Hold out `round(share * N)` dialogues -> (kept, held out), both in their original order.

    `random`: the choice depends on the conversation ids and the seed alone; the order of the file does not matter.
    `latest`: those with the highest conversation numbers, whatever the seed. ReDial's test split is later than its
    training split and, as far as they are known, by other people. So the latest training dialogues are more like it
    than random ones, whose writers are nearly all in the rest.
    `leave_one_out` is of people and what they watched: a `DataError`.
    """
    if hold_out == "leave_one_out":
        raise DataError(
            "data.hold_out = leave_one_out leaves out each person's last movies, and dialogues have no such people. "
            "Choose random or latest, or the protocol next_movie."
        )

    def draw(dialogue: Dialogue) -> tuple[str, str]:
        digest = hashlib.sha256(f"{seed}:{dialogue.dialogue_id}".encode()).hexdigest()
        return digest, dialogue.dialogue_id

    def latest_first(dialogue: Dialogue) -> tuple[int, str]:
        number = dialogue.dialogue_id
        return (-int(number) if number.isdecimal() else 1), number

    order = sorted(dialogues, key=draw if hold_out == "random" else latest_first)
    held_out = {d.dialogue_id for d in order[: round(share * len(dialogues))]}
    kept = [dialogue for dialogue in dialogues if dialogue.dialogue_id not in held_out]
    return kept, [dialogue for dialogue in dialogues if dialogue.dialogue_id in held_out]


def split_events(
    events: pd.DataFrame, hold_out: HoldOut, validation: float, test: float, seed: int
) -> NDArray[np.str_]:
    """The part of `SPLITS` that each event [N] is in. `events` are in the order of `interactions.ordered`, so nothing
    depends on the order of the file.

    `random`: whole people. With random events a model would learn from what a person watched after the answer. People
    who are held out are new to it, like those who type a wish (strong generalisation, Marlin 2004). `test` is a share
    of all people, `validation` one of the others.
    `latest`: everything from one moment on is the test, everything from an earlier one on validation, for all people
    alike. Nothing is learned from the time of what is held out. Events of one time stay together, so the parts may be
    larger than the shares of events that are asked for.
    `leave_one_out`: each person's last event is the test, the one before it validation; who has fewer than `FEWEST` is
    learned from alone. Here a model may learn from what others did later (Ji et al. 2023 measure what that is worth).
    """
    if hold_out == "random":
        return _random_people(events["person"], validation, test, seed)
    if hold_out == "latest":
        return _by_time(events["timestamp"].to_numpy(), validation, test)
    people = events.groupby("person", observed=True)["movie_id"]
    enough = people.transform("size").to_numpy() >= FEWEST
    from_last = people.cumcount(ascending=False).to_numpy()
    return np.select([enough & (from_last == 0), enough & (from_last == 1)], ["test", "validation"], "train")


def _random_people(person: pd.Series, validation: float, test: float, seed: int) -> NDArray[np.str_]:
    names = [str(name) for name in person.unique()]
    drawn = sorted(names, key=lambda name: (hashlib.sha256(f"{seed}:{name}".encode()).hexdigest(), name))
    tested = round(test * len(drawn))
    validated = round(validation * (len(drawn) - tested))
    parts = ["test"] * tested + ["validation"] * validated + ["train"] * (len(drawn) - tested - validated)
    return person.astype(str).map(dict(zip(drawn, parts, strict=True))).to_numpy(dtype=np.str_)


def _by_time(times: NDArray[np.int64], validation: float, test: float) -> NDArray[np.str_]:
    tested = times >= _cut_off(times, test)
    validated = ~tested & (times >= _cut_off(times[~tested], validation))
    return np.select([tested, validated], ["test", "validation"], "train")


def _cut_off(times: NDArray[np.int64], share: float) -> float:
    """The time of the first of the latest `round(share * N)` events."""
    count = round(share * len(times))
    return float(np.sort(times)[len(times) - count]) if count else float("inf")


def hold_out_movies(catalog: Catalog, count: int, seed: int) -> tuple[Catalog, list[Movie]]:
    """The catalogue without `count` of its movies, and those, in their order. The choice depends on ids and seed, among
    movies that are talked about. Raises `DataError` if there are too few."""
    if count == 0:
        return catalog, []
    named = [catalog[index] for index in catalog.talked_about]
    if count >= min(len(named), len(catalog)):
        raise DataError(
            f"{count} movies cannot be held out: of {len(catalog)} only {len(named)} are named often enough."
        )

    def draw(movie: Movie) -> str:
        return hashlib.sha256(f"{seed}:{movie.movie_id}".encode()).hexdigest()

    chosen = {movie.movie_id for movie in sorted(named, key=draw)[:count]}
    kept = Catalog(movie for movie in catalog if movie.movie_id not in chosen)
    return kept, [movie for movie in catalog if movie.movie_id in chosen]
