"""The facets of a whole conversation: which movies and genres the seeker likes, has seen, refuses or asks for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from recommender.data.catalog import Catalog
from recommender.data.examples import Example, Said, Stance
from recommender.data.task import Task
from recommender.query.refusals import Understood, understand


@dataclass(frozen=True, slots=True)
class Facets:
    """Movie ids by stance, genres, and the refusals that name neither a movie nor a genre, as written."""

    liked: tuple[int, ...] = ()
    seen: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    refused_genres: tuple[str, ...] = ()
    asked_genres: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()


class Reader:
    """Reads a conversation message by message. Of a movie or genre that comes up twice the later word counts."""

    def __init__(self) -> None:
        self.stances: dict[int, Stance] = {}
        self._refused: dict[str, None] = {}
        self._asked: dict[str, None] = {}
        self._unresolved: list[str] = []

    def add(self, message: Understood, stances: Iterable[tuple[int, Stance]], refused_genres: Sequence[str]) -> None:
        """`stances` of movie ids and `refused_genres` are the message's own, or what the user made of them."""
        self.stances |= stances
        asked = self._asked | dict.fromkeys(message.asked_genres)
        self._refused = {g: None for g in self._refused if g not in asked} | dict.fromkeys(refused_genres)
        self._asked = {g: None for g in asked if g not in self._refused}
        self._unresolved += message.unresolved

    def facets(self) -> Facets:
        def of(kind: Stance) -> tuple[int, ...]:
            return tuple(movie_id for movie_id, stance in self.stances.items() if stance == kind)

        unresolved = tuple(dict.fromkeys(self._unresolved))
        return Facets(of("liked"), of("seen"), of("refused"), tuple(self._refused), tuple(self._asked), unresolved)


def read_as_wishes(examples: list[Example], task: Task) -> list[Example]:
    """A task's examples as the app would read them: see `with_refusals`. Ratings have no words to read; `notebook` and
    `paper` are measured as their authors did, and what a seeker says there may follow the recommendation."""
    return with_refusals(examples, task.catalog) if task.protocol in ("one_shot", "conversational") else examples


def with_refusals(examples: Iterable[Example], catalog: Catalog) -> list[Example]:
    """Examples of dialogues with what the seeker's messages refuse, read as a typed wish is: only movies that the
    seeker likes, or of which nothing was said, stay mentioned; the titles of the others stay words of the text."""
    understood: dict[Said, Understood] = {}  # the turns of a dialogue begin with the same messages
    found = []
    for example in examples:
        reader = Reader()
        for message in example.said:
            if message.role != "seeker":
                for movie_id in message.mentioned:
                    reader.stances.setdefault(movie_id, "liked")
                continue
            if message not in understood:
                understood[message] = understand(message.text, [(start, end) for start, end, _ in message.titles])
            remark = understood[message]
            movie_ids = (movie_id for _, _, movie_id in message.titles)
            reader.add(remark, zip(movie_ids, remark.stances, strict=True), remark.refused_genres)
        found.append(_read(example, reader.facets(), catalog))
    return found


def _read(example: Example, facets: Facets, catalog: Catalog) -> Example:
    if not (facets.seen or facets.refused or facets.refused_genres):
        return example
    unwanted = {*facets.seen, *facets.refused}

    def kept(movie_ids: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(movie_id for movie_id in movie_ids if movie_id not in unwanted)

    return replace(
        example,
        mentioned=kept(example.mentioned),
        said=tuple(replace(message, mentioned=kept(message.mentioned)) for message in example.said),
        seen=tuple(filter(catalog.has, facets.seen)),
        refused=tuple(filter(catalog.has, facets.refused)),
        refused_genres=facets.refused_genres,
    )
