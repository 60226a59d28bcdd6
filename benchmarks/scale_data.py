"""Dialogues and a catalogue of any size for the benchmark of scale, written as the folders that the project reads."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recommender.data.assets import CATALOG_FILE
from recommender.data.catalog import Catalog, Movie
from recommender.data.dialogue import Dialogue
from recommender.data.sample.dialogues import GENRE_WORDS, sample_dialogues
from recommender.data.task import load_catalog
from recommender.settings import Settings

NEIGHBOURHOOD = 1000  # movies that the tastes of one group of seekers are drawn from
COINED = 0.05  # share of a title's words that no other title need have: a vocabulary grows with the titles
SYLLABLES = ("ba", "do", "ka", "lin", "mor", "na", "ra", "sel", "ti", "tho", "ven", "za")
SEEKER, RECOMMENDER = 1, 2


def write_data(folder: Path, dialogues: int, movies: int, seed: int = 0) -> None:
    """`assets/catalog.json` and, in ReDial's layout, `data/train_data.jsonl` and a tenth as many in `test_data.jsonl`.

    The catalogue is cut into neighbourhoods with seekers of their own, the first with the most: the simulator lets a
    seeker name the best known movies only, and here all neighbourhoods have some.
    """
    catalog = _catalog(movies, random.Random(seed))
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    catalog.save(folder / "assets" / CATALOG_FILE)
    with (
        (folder / "data/train_data.jsonl").open("w", encoding="utf-8") as train,
        (folder / "data/test_data.jsonl").open("w", encoding="utf-8") as test,
    ):
        for number, dialogue in enumerate(_dialogues(catalog, dialogues * 11 // 10, seed), start=1):
            line = json.dumps(_record(number, dialogue), ensure_ascii=False)
            (test if number % 11 == 0 else train).write(f"{line}\n")


def _catalog(movies: int, rng: random.Random) -> Catalog:
    """Titles of one to four words of the shipped catalogue's, some coined; genres, years and mentions by chance."""
    words = sorted({word for movie in load_catalog(Settings()) for word in movie.title.split() if word.isalpha()})
    genres = sorted(GENRE_WORDS)
    return Catalog(
        Movie(
            movie_id,
            " ".join(_coined(rng) if rng.random() < COINED else rng.choice(words) for _ in range(rng.randint(1, 4))),
            rng.randint(1930, 2025),
            tuple(sorted(rng.sample(genres, rng.randint(1, 3)))),
            mentions=int(rng.paretovariate(1.0)),
        )
        for movie_id in range(1, movies + 1)
    )


def _coined(rng: random.Random) -> str:
    return "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(2, 5))).capitalize()


def _dialogues(catalog: Catalog, count: int, seed: int) -> Iterator[Dialogue]:
    places = range(0, len(catalog), NEIGHBOURHOOD)
    weights = [1 / (place + 10) for place in range(len(places))]
    for place, start in enumerate(places):
        share = round(count * sum(weights[: place + 1]) / sum(weights)) - round(
            count * sum(weights[:place]) / sum(weights)
        )
        near = Catalog(catalog.movies[start : start + NEIGHBOURHOOD])
        train, _ = sample_dialogues(near, seed=seed + place, train=share, test=0)
        yield from train


def _record(number: int, dialogue: Dialogue) -> dict[str, Any]:
    """A line of ReDial's own files."""
    workers = {"seeker": SEEKER, "recommender": RECOMMENDER}
    form = {
        str(movie_id): {
            question: 2 if answer is None else int(answer)
            for question, answer in (("liked", facts.liked), ("seen", facts.seen), ("suggested", facts.suggested))
        }
        for movie_id, facts in dialogue.engagement.items()
    }
    return {
        "conversationId": str(number),
        "initiatorWorkerId": SEEKER,
        "respondentWorkerId": RECOMMENDER,
        "messages": [{"text": m.text, "senderWorkerId": workers[m.role]} for m in dialogue.messages],
        "movieMentions": {str(movie_id): name for movie_id, name in dialogue.names.items()},
        "initiatorQuestions": form,
        "respondentQuestions": form,
    }
