"""Small catalogues for models that are counted by hand."""

from torch import Tensor

from recommender.data.catalog import Catalog, Movie
from recommender.models.base import Context


def five_movies(movies: int = 5, movie_text: Tensor | None = None) -> Context:
    return Context(Catalog(Movie(100 + n, f"Movie {n}", 2000, (), None, 0) for n in range(movies)), movie_text)
