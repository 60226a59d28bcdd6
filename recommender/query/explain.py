"""Reasons that are true: counts from ReDial's training dialogues, neighbours in the model's space, genres asked for."""

import re
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from recommender.data.assets import COUNTS_FILE, load_arrays
from recommender.data.catalog import Catalog, Movie
from recommender.errors import DataError
from recommender.settings import Settings

LEAST_COUNT = 3  # a count below this says little
GENRE_WORDS = {
    "funny": "comedy", "funnier": "comedy", "laugh": "comedy", "comedies": "comedy", "scary": "horror",
    "romantic": "romance", "animated": "animation", "cartoon": "animation", "scifi": "sci-fi", "thrilling": "thriller",
    "suspense": "thriller", "musicals": "musical", "kids": "family",
}  # fmt: skip
CLAUSE = re.compile(r"[.,;:!?\n]|\b(?:but|and i)\b")
NEGATION = re.compile(
    r"\b(?:no|not|nothing|without|less|never|except|hated?|dislike|kein\w*|ohne|sin|sans|senza|\w+n['’]?t)\b"
)


def asked_words(text: str) -> set[str]:
    """The words of a wish that ask for something: a clause asks up to the first word that negates, and what is
    refused anywhere is not asked for.

    >>> sorted(asked_words("a funny horror one, but no horror or war"))
    ['a', 'funny', 'one']
    """
    asked, refused = set(), set()
    for clause in CLAUSE.split(text.lower()):
        wanted, *unwanted = NEGATION.split(clause)
        asked.update(re.findall(r"[\w-]+", wanted))
        refused.update(re.findall(r"[\w-]+", " ".join(unwanted)))
    return asked - refused


class Explainer:
    """Finds the reasons for a recommendation. The counts are ReDial's, whatever the model was trained on."""

    def __init__(self, catalog: Catalog, settings: Settings, vectors: Tensor | None) -> None:
        self.catalog = catalog
        self.vectors = None if vectors is None else torch.nn.functional.normalize(vectors.float(), dim=1)  # [V, W]
        try:
            counts = load_arrays(settings.assets_dir / COUNTS_FILE, catalog)
            self.counts = {
                (int(i), int(j)): int(n)
                for i, j, n in zip(counts["before"], counts["after"], counts["count"], strict=True)
                if n >= LEAST_COUNT
            }
        except DataError:
            self.counts = {}  # a run over another catalogue: ReDial's counts say nothing about it

    def reasons(self, index: int, mentioned: Sequence[int], text: str) -> tuple[str, ...]:
        """At most two sentences on why the movie in column `index` suits a wish that names the `mentioned` columns.

        `text` is the wish without the titles, whose words ask for nothing.
        """
        near = self._follows(index, mentioned) or self._nearest(index, mentioned)
        sentences = [sentence for sentence in (near, self._asked_genre(index, text)) if sentence]
        return tuple(sentences) or (self._known(self.catalog[index]),)

    def _follows(self, index: int, mentioned: Sequence[int]) -> str | None:
        counts = [(self.counts.get((movie, index), 0), -place, movie) for place, movie in enumerate(mentioned)]
        times, _, movie = max(counts, default=(0, 0, 0))
        return f"Recommended {times} times after {self.catalog[movie].title} in ReDial" if times else None

    def _nearest(self, index: int, mentioned: Sequence[int]) -> str | None:
        if self.vectors is None or len(mentioned) < 2:  # of one movie it would say nothing
            return None
        nearness = self.vectors[list(mentioned)] @ self.vectors[index]  # [H]
        nearest = self.catalog[mentioned[int(np.argmax(nearness.cpu().numpy()))]]
        return f"Of the movies you named, the model places it nearest to {nearest.title}"

    def _asked_genre(self, index: int, text: str) -> str | None:
        asked = {GENRE_WORDS.get(word, word) for word in asked_words(text)}
        genres = [genre for genre in self.catalog[index].genres if genre in asked]
        return f"Its genre is one you asked for: {', '.join(genres)}" if genres else None

    @staticmethod
    def _known(movie: Movie) -> str:
        often = {0: "Never named", 1: "Named once"}.get(movie.mentions, f"Named {movie.mentions} times")
        return f"{often} in ReDial's training dialogues"
