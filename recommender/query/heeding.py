"""What a wish refuses has an effect: movies and genres are left out, movies near a refused one pushed down.

A refused movie costs the hundred movies nearest to it some of their score: `PUSH` standard deviations of the wish's
scores for one in the very same place of the model's space, evenly less with the distance (cosine), nothing for the
hundredth. Two deviations were chosen by looking at the shipped model's answers: with one, the nearest movies mostly
stayed in the first ten; with three, who hated The Notebook got thrillers for romantic movies.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from recommender.data.catalog import Catalog
from recommender.query.twins import Twins
from recommender.query.wish import Heard

PUSH = 2.0
NEAR = 100  # movies; at most a tenth of the catalogue
_NAMES = 3  # told before "and 5 more"


class Heeding:
    """Reads the catalogue once. `vectors` [V, W] are the movies' places in the model's space, of length 1; a model
    without such a space pushes nothing down."""

    def __init__(self, catalog: Catalog, vectors: Tensor | None) -> None:
        self.catalog, self.vectors = catalog, vectors
        self.twins = Twins(catalog)
        self.near = min(max(1, min(NEAR, len(catalog) // 10)), len(catalog) - 1)
        self.of_genre: dict[str, set[int]] = defaultdict(set)
        for column, movie in enumerate(catalog):
            for genre in movie.genres:
                self.of_genre[genre].add(column)

    def genre_columns(self, genres: Iterable[str]) -> set[int]:
        return set().union(*(self.of_genre.get(genre, set()) for genre in genres))

    def left_out(self, heard: Heard) -> list[int]:
        """The columns that the answer leaves out: movies named in any way, refused genres, second entries."""
        named = self.catalog.indices([*heard.liked, *heard.seen, *heard.refused])
        return [*named, *self.twins.best(named), *self.twins.doubles, *self.genre_columns(heard.refused_genres)]

    def penalty(self, scores: Tensor, heard: Heard) -> Tensor:
        """What each movie's score loses because of the refused movies [V], at least 0."""
        if self.vectors is None or not heard.refused:
            return torch.zeros_like(scores)
        refused = self.catalog.indices(heard.refused)
        nearness = self.vectors[refused] @ self.vectors.T  # [R, V]
        least = nearness.topk(self.near + 1, dim=1).values[:, -1:]  # [R, 1]; the first is the movie itself
        share = ((nearness - least) / (1 - least).clamp(min=1e-6)).clamp(0, 1)
        return PUSH * scores.std(correction=0) * share.amax(dim=0)

    def told(self, heard: Heard) -> list[str]:
        """In plain words, what is left out or pushed down because of the wish."""
        sentences = []
        if heard.refused_genres:
            count = len(self.genre_columns(heard.refused_genres))
            movies = "1 movie" if count == 1 else f"{count:,} movies"
            sentences.append(f"Left out because you asked for no {_either(heard.refused_genres)}: {movies}.")
        if heard.refused:
            many = len(heard.refused) > 1
            pushed = f", movies like {'them' if many else 'it'} are pushed down" if self.vectors is not None else ""
            sentences.append(f"{self._names(heard.refused)} {'are' if many else 'is'} left out{pushed}.")
        if heard.seen:
            it = "them" if len(heard.seen) > 1 else "it"
            sentences.append(f"Left out because you have seen {it}: {self._names(heard.seen)}.")
        return sentences

    def _names(self, movie_ids: Sequence[int]) -> str:
        names = [self.catalog.by_id(movie_id).name for movie_id in movie_ids]
        rest = len(names) - _NAMES
        names = [*names[:_NAMES], f"{rest} more"] if rest > 0 else names
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _either(genres: Sequence[str]) -> str:
    return " or ".join([", ".join(genres[:-1]), genres[-1]] if len(genres) > 1 else genres)
