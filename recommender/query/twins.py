"""Movies that the catalogue holds twice: the same title and year, or the same title without a year."""

from collections import defaultdict
from collections.abc import Iterable

from recommender.data.catalog import Catalog, Movie
from recommender.query.text import normalise


class Twins:
    """Which of a movie's entries stands for all of them: the best known one. A title without a year belongs to the
    best known movie of that title."""

    def __init__(self, catalog: Catalog) -> None:
        titles: dict[str, list[Movie]] = defaultdict(list)
        for movie in sorted(catalog, key=lambda movie: (-movie.mentions, movie.movie_id)):
            titles[normalise(movie.title) or movie.title].append(movie)
        self.stands_for: dict[int, int] = {}  # column -> column, for the entries that another one stands for
        for movies in titles.values():
            first: dict[int | None, Movie] = {}
            usual = next((movie.year for movie in movies if movie.year is not None), None)
            for movie in movies:
                best = first.setdefault(movie.year or usual, movie)
                if best is not movie:
                    self.stands_for[catalog.index(movie.movie_id)] = catalog.index(best.movie_id)

    @property
    def doubles(self) -> Iterable[int]:
        """The columns that are never recommended, because another entry stands for the movie."""
        return self.stands_for

    def best(self, columns: Iterable[int]) -> list[int]:
        """The columns that stand for these."""
        return [self.stands_for.get(column, column) for column in columns]
