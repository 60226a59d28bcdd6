"""What ReDial is made of, as counts: shipped, so that the app can show the data without having it."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from recommender.config import DIALOGUE_PROTOCOLS, Protocol
from recommender.data.catalog import Catalog
from recommender.data.dialogue import Dialogue, DialogueSet
from recommender.data.examples import build_examples, distinct_ids
from recommender.errors import DataError
from recommender.files import write_atomically

Name = TypeVar("Name", int, str)

FACTS_FILE = "redial_facts.json"
MIN_DECADE = 1930  # the few older movies are counted with it


class Group(BaseModel, frozen=True):
    """Movies that share a genre or a decade, and how often they are named."""

    movies: int
    mentions: int


class Questions(BaseModel, frozen=True):
    """What one protocol asks about the test split."""

    examples: int
    answers: int
    in_input: int  # answers that the input names already


class Facts(BaseModel, frozen=True):
    """Counts over both splits. A mention is one movie in one message; only movies of the catalogue count."""

    train: int  # dialogues
    test: int
    messages: int
    mentions: int
    recommender_first: int  # dialogues in which the recommender writes first
    lengths: dict[int, int]  # messages -> dialogues with so many
    movies_named: dict[int, int]  # distinct movies -> dialogues that name so many
    popularity: dict[int, int]  # mentions -> movies with so many, 0 included
    genres: dict[str, Group]  # most mentions first; a movie counts for each of its genres
    decades: dict[int, Group]  # in order; movies without a year are left out
    questions: dict[Protocol, Questions]

    @property
    def dialogues(self) -> int:
        return self.train + self.test

    @property
    def movies(self) -> int:
        return sum(self.popularity.values())

    def save(self, path: Path) -> None:
        write_atomically(path, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Facts":
        """Read what `save` wrote. Raises `DataError` naming the file if it is missing or damaged."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise DataError(f"Cannot read {path}: {error.strerror}. Run `python -m recommender prepare`.") from error
        except ValidationError as error:
            raise DataError(f"{path} is damaged. Run `python -m recommender prepare`.") from error


def build_facts(dialogues: DialogueSet, catalog: Catalog) -> Facts:
    both = [*dialogues.train, *dialogues.test]
    mentions = Counter(m for dialogue in both for message in dialogue.messages for m in message.movie_ids)
    counts = {movie: mentions[movie.movie_id] for movie in catalog}
    genres = _grouped((genre, n) for movie, n in counts.items() for genre in movie.genres)
    decades = _grouped((max(movie.year // 10 * 10, MIN_DECADE), n) for movie, n in counts.items() if movie.year)
    return Facts(
        train=len(dialogues.train),
        test=len(dialogues.test),
        messages=sum(len(dialogue.messages) for dialogue in both),
        mentions=sum(counts.values()),
        recommender_first=sum(dialogue.messages[0].role == "recommender" for dialogue in both),
        lengths=_histogram(len(dialogue.messages) for dialogue in both),
        movies_named=_histogram(_named(dialogue, catalog) for dialogue in both),
        popularity=_histogram(counts.values()),
        genres=dict(sorted(genres.items(), key=lambda item: (-item[1].mentions, item[0]))),
        decades=dict(sorted(decades.items())),
        questions={protocol: _questions(dialogues.test, protocol, catalog) for protocol in DIALOGUE_PROTOCOLS},
    )


def _named(dialogue: Dialogue, catalog: Catalog) -> int:
    return sum(catalog.has(movie_id) for movie_id in distinct_ids(dialogue.messages))


def _histogram(values: Iterable[int]) -> dict[int, int]:
    return dict(sorted(Counter(values).items()))


def _grouped(rows: Iterable[tuple[Name, int]]) -> dict[Name, Group]:
    """One row for each movie of a group, with the movie's mentions -> the groups."""
    movies: Counter[Name] = Counter()
    mentions: Counter[Name] = Counter()
    for name, count in rows:
        movies[name] += 1
        mentions[name] += count
    return {name: Group(movies=movies[name], mentions=mentions[name]) for name in movies}


def _questions(dialogues: list[Dialogue], protocol: Protocol, catalog: Catalog) -> Questions:
    examples = build_examples(dialogues, protocol, catalog)
    answers = sum(len(example.targets) for example in examples)
    new = sum(len(example.new_targets) for example in examples)
    return Questions(examples=len(examples), answers=answers, in_input=answers - new)
