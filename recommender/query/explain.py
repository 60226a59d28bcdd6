"""Reasons that are true: counts from ReDial's training dialogues, neighbours in the model's space, genres asked for."""

from collections.abc import Collection, Sequence

from torch import Tensor

from recommender.data.assets import COUNTS_FILE, OtherCatalogError, load_arrays
from recommender.data.catalog import Catalog, Movie
from recommender.settings import Settings

LEAST_COUNT = 3  # a count below this says little
CLOSE = 0.01  # share of the catalogue, the nearest, that is called close to a movie
POPULAR = 50  # mentions


class Explainer:
    """Finds the reasons for a recommendation. The counts are ReDial's, whatever the model was trained on; `trained` is
    its catalogue, with which `catalog` begins; `vectors` [V, W], of length 1, are the movies in the model's space."""

    def __init__(self, catalog: Catalog, trained: Catalog, settings: Settings, vectors: Tensor | None) -> None:
        self.catalog = catalog
        self.vectors = vectors
        self.talked_about = any(movie.mentions for movie in catalog)  # not so where a data set has movies of its own
        try:
            counts = load_arrays(settings.assets_dir / COUNTS_FILE, trained)
            self.counts = {
                (int(i), int(j)): int(n)
                for i, j, n in zip(counts["before"], counts["after"], counts["count"], strict=True)
                if n >= LEAST_COUNT
            }
        except OtherCatalogError:  # ReDial's counts say nothing about its movies
            self.counts = {}

    def reasons(self, items: Sequence[int], mentioned: Sequence[int], asked: Collection[str]) -> list[tuple[str, ...]]:
        """For each recommended item at most two sentences on why it suits a wish that names the items `mentioned` as
        liked and asks for the genres `asked`; none where nothing is known."""
        closest = self._closest(items, mentioned)
        return [self._why(item, close, mentioned, asked) for item, close in zip(items, closest, strict=True)]

    def _why(self, item: int, close: str | None, mentioned: Sequence[int], asked: Collection[str]) -> tuple[str, ...]:
        movie = self.catalog[item]
        sentences = [
            sentence for sentence in (self._follows(item, mentioned) or close, _genre(movie, asked)) if sentence
        ]
        if not sentences and self.talked_about:
            sentences = [_known(movie)]
        return tuple(sentences)

    def _follows(self, item: int, mentioned: Sequence[int]) -> str | None:
        counts = [(self.counts.get((movie, item), 0), -place, movie) for place, movie in enumerate(mentioned)]
        times, _, movie = max(counts, default=(0, 0, 0))
        return f"Recommended {times} times when {self.catalog[movie].title} came up" if times else None

    def _closest(self, items: Sequence[int], mentioned: Sequence[int]) -> list[str | None]:
        """Of several named movies the closest one. A lone one is named only if the movie is really close to it."""
        if self.vectors is None or not mentioned:
            return [None] * len(items)
        named = self.vectors[list(mentioned)]  # [H, W]
        nearness, nearest = (named @ self.vectors[list(items)].T).max(dim=0)  # [K] each
        titles = [self.catalog[mentioned[place]].title for place in nearest.tolist()]
        if len(mentioned) > 1:
            return [f"Of the movies you named, closest to {title}" for title in titles]
        count = min(1 + max(1, round(CLOSE * len(self.catalog))), len(self.catalog))  # 1: the named movie itself
        least = float((named @ self.vectors.T)[0].topk(count).values[-1])
        close = (nearness >= least).tolist()
        return [f"Close to {title}" if near else None for title, near in zip(titles, close, strict=True)]


def _genre(movie: Movie, asked: Collection[str]) -> str | None:
    genres = [genre for genre in movie.genres if genre in asked]
    return f"{' and '.join(genres).capitalize()}, as you asked" if genres else None


def _known(movie: Movie) -> str:
    often = {0: "Never named", 1: "Named once"}.get(movie.mentions, f"Named {movie.mentions:,} times")
    often = f"Popular in general: {often[0].lower()}{often[1:]}" if movie.mentions >= POPULAR else often
    return f"{often} in real conversations about movies"
