"""Train / validation split by dialogue, so that no dialogue is on both sides; and movies that training never sees."""

import hashlib
from typing import Literal

from recommender.data.catalog import Catalog, Movie
from recommender.data.redial import Dialogue
from recommender.errors import DataError

HoldOut = Literal["random", "latest"]


def split_dialogues(
    dialogues: list[Dialogue], share: float, seed: int, hold_out: HoldOut = "random"
) -> tuple[list[Dialogue], list[Dialogue]]:
    """Hold out `round(share * N)` dialogues -> (kept, held out), both in their original order.

    `random`: the choice depends on the conversation ids and the seed alone; the order of the file does not matter.
    `latest`: those with the highest conversation numbers, whatever the seed. ReDial's test split is later than its
    training split and, as far as they are known, by other people. So the latest training dialogues are more like it
    than random ones, whose writers are nearly all in the rest.
    """

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


def hold_out_movies(catalog: Catalog, count: int, seed: int) -> tuple[Catalog, list[Movie]]:
    """The catalogue without `count` of its movies, and those, in their order. The choice depends on ids and seed, among
    movies that are talked about. Raises `DataError` if there are too few."""
    if count == 0:
        return catalog, []
    named = [catalog[column] for column in catalog.talked_about]
    if count >= min(len(named), len(catalog)):
        raise DataError(
            f"{count} movies cannot be held out: of {len(catalog)} only {len(named)} are named often enough."
        )

    def draw(movie: Movie) -> str:
        return hashlib.sha256(f"{seed}:{movie.movie_id}".encode()).hexdigest()

    chosen = {movie.movie_id for movie in sorted(named, key=draw)[:count]}
    kept = Catalog(movie for movie in catalog if movie.movie_id not in chosen)
    return kept, [movie for movie in catalog if movie.movie_id in chosen]
