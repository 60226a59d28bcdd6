"""What changes a model's ranking afterwards: refused movies and genres are left out, movies near a refused one lose
score, and of a movie that the catalogue holds twice only one entry is recommended.

A refused movie costs the hundred movies nearest to it some of their score: `PUSH` standard deviations of the wish's
scores for one at the same place in the model's space, less with the distance (cosine), nothing for the hundredth. Two
deviations were chosen by looking at the answers of the shipped model: with one, the nearest movies mostly stayed in the
first ten; with three, people who hated The Notebook got thrillers for romantic movies.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from recommender.data.catalog import Catalog, Movie
from recommender.data.examples import Example
from recommender.data.text import normalise

if TYPE_CHECKING:  # takes seconds to import, and the page needs only the duplicates at first
    from torch import Tensor

PUSH = 2.0
NEAR = 100  # movies; at most a tenth of the catalogue


class Adjustment(NamedTuple):
    """What one example asks for, as item indices. `named` are the movies that came up before and their duplicates."""

    named: tuple[int, ...] = ()
    left_out: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()


class Adjustments:
    """The rules for one catalogue."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.stands_for = duplicates(catalog)
        self.near = min(max(1, min(NEAR, len(catalog) // 10)), len(catalog) - 1)
        self._of_genre: dict[str, set[int]] = defaultdict(set)
        for item, movie in enumerate(catalog):
            for genre in movie.genres:
                self._of_genre[genre].add(item)

    def of_genres(self, genres: Iterable[str]) -> set[int]:
        """The items of any of these genres."""
        return set().union(*(self._of_genre.get(genre, set()) for genre in genres))

    def of(self, example: Example) -> Adjustment:
        refused = tuple(self.catalog.indices(example.refused))
        left_out = (*self._entries(refused), *self.of_genres(example.refused_genres))
        return Adjustment(self._entries(self.catalog.indices(example.named)), left_out, refused)

    def _entries(self, items: Iterable[int]) -> tuple[int, ...]:
        """The items, and the entries that stand for them."""
        items = tuple(items)
        return (*items, *(self.stands_for[item] for item in items if item in self.stands_for))

    def penalty(self, scores: "Tensor", refused: Iterable[int], vectors: "Tensor | None") -> "Tensor":
        """What each item's score loses because of the refused items [V], at least 0, for the scores [V] of one wish.

        `vectors` [V, W], of length 1, are the movies' places in the model's space; without them nothing is lost.
        """
        items = list(refused)
        if vectors is None or not items:
            return scores.new_zeros(scores.shape)
        nearness = vectors[items] @ vectors.T  # [R, V]
        least = nearness.topk(self.near + 1, dim=1).values[:, -1:]  # [R, 1]; the first is the movie itself
        share = ((nearness - least) / (1 - least).clamp(min=1e-6)).clamp(0, 1)
        return PUSH * scores.std(correction=0) * share.amax(dim=0)


def duplicates(catalog: Catalog) -> dict[int, int]:
    """The items that another entry of the same movie stands for: item -> the best known entry.

    Two entries are one movie if title and year agree. A title without a year is the best known movie of that title.
    """
    titles: dict[str, list[Movie]] = defaultdict(list)
    for movie in sorted(catalog, key=lambda movie: (-movie.mentions, movie.movie_id)):
        titles[normalise(movie.title) or movie.title].append(movie)
    stands_for: dict[int, int] = {}
    for movies in titles.values():
        first: dict[int | None, Movie] = {}
        usual = next((movie.year for movie in movies if movie.year is not None), None)
        for movie in movies:
            best = first.setdefault(movie.year or usual, movie)
            if best is not movie:
                stands_for[catalog.index(movie.movie_id)] = catalog.index(best.movie_id)
    return stands_for
