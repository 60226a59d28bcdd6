"""An index over titles that finds every title a text may name, correct or misspelt, in one pass over its words."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from recommender.data.catalog import Movie
from recommender.data.text import ALIASES, TypedText
from recommender.query.everyday import UNSEEN, per_million
from recommender.query.title_forms import forms_of

_MAX_EDITS = 2  # in one title
_LETTERS_AN_EDIT = 4  # of the typed title, at least
_LONG_WORD = 8  # letters from which one word may carry two edits
_SURELY_RIGHT = 500  # occurrences in a million words of everyday talk from which a word is no misspelt one
_MAX_LETTERS = 30  # of a word that is looked for among misspelt ones
_MIN_JOINED = 5  # letters of a word that may be typed as two


class Posting(NamedTuple):
    """A movie under one of its forms (see `title_forms.Form`)."""

    alias: bool
    article: str
    movie: Movie


class Candidate(NamedTuple):
    """Words `first` to `last` (included) of a text, which read as `form` when `edits` letters are corrected."""

    first: int
    last: int
    form: str
    edits: int


class TitleIndex:
    """Titles as a set of word prefixes, so that a walk along a text stops where no title goes on.

    Misspelt words are found by the deletion index of SymSpell (W. Garbe 2012): two words one edit apart share a form
    with at most one letter left out. It also meets most of those two edits apart; rapidfuzz measures the distance.
    """

    def __init__(self, movies: Iterable[Movie]) -> None:
        self.postings: dict[str, list[Posting]] = defaultdict(list)
        for movie in movies:
            for form in forms_of(movie.title):
                self.postings[form.words].append(Posting(form.alias, form.article, movie))
        self._prefixes = {form[:i] for form in self.postings for i, char in enumerate(form) if char == " "}
        self._vocabulary = {word for form in self.postings for word in form.split()}
        # A number word is indexed as it is spelt, so that "sveen" is near "seven", whose form is "7".
        self._spelt = {raw: form for raw, form in ALIASES.items() if form in self._vocabulary and len(raw) > 2}
        # Words joined by blanks: half a million small lists would keep the garbage collector busy for a second.
        self._deletions: dict[str, str] = {}
        for word in self._vocabulary | self._spelt.keys():
            for shorter in _deletions(word):
                others = self._deletions.get(shorter)
                self._deletions[shorter] = f"{others} {word}" if others else word

    def candidates(self, typed: TypedText) -> Iterator[Candidate]:
        """Every reading of words of the text as a title form; they may overlap."""
        near: dict[str, list[tuple[str, int]]] = {}
        steps: dict[int, list[tuple[str, int, int]]] = {}
        for first in range(len(typed.words)):
            open_ends = [("", first, 0)]
            while open_ends:
                prefix, at, edits = open_ends.pop()
                if at not in steps:
                    steps[at] = self._steps(typed, at, near)
                for word, cost, following in steps[at]:
                    if edits + cost > _MAX_EDITS:
                        continue
                    form = f"{prefix} {word}" if prefix else word
                    length = typed.words[following - 1].end - typed.words[first].start
                    if form in self.postings and (edits + cost) * _LETTERS_AN_EDIT <= length:
                        yield Candidate(first, following - 1, form, edits + cost)
                    if following < len(typed.words) and form in self._prefixes:
                        open_ends.append((form, following, edits + cost))
            steps.pop(first)

    def _steps(self, typed: TypedText, at: int, near: dict[str, list[tuple[str, int]]]) -> list[tuple[str, int, int]]:
        """What word `at` can stand for: (word, edits, the place after it), also together with the next word."""
        word = typed.words[at].form
        if word not in near:
            near[word] = [(word, 0), *self._near(word)]
        steps = [(other, cost, at + 1) for other, cost in near[word]]
        if at + 1 < len(typed.words) and typed.gap(at) in (" ", "-"):
            joined = word + typed.words[at + 1].form
            if len(joined) >= _MIN_JOINED and joined in self._vocabulary:
                steps.append((joined, 1, at + 2))
        return steps

    def _near(self, word: str) -> list[tuple[str, int]]:
        """The title words at most one edit away, two for a long word, with their distance. Digits are never edited."""
        if len(word) > _MAX_LETTERS or per_million(word) > _SURELY_RIGHT or any(char.isdigit() for char in word):
            return []
        shorter = _deletions(word)
        found = set(self._deletions.get(word, "").split())
        found.update(other for other in shorter if other in self._vocabulary or other in self._spelt)
        for deletion in shorter:
            found.update(self._deletions.get(deletion, "").split())
        found.discard(word)
        if per_million(word) > UNSEEN:  # "too" is no misspelt "two"
            found -= self._spelt.keys()
        limit = 2 if len(word) >= _LONG_WORD else 1
        distances = ((other, OSA.distance(word, other, score_cutoff=limit)) for other in found)
        return [(self._spelt.get(other, other), distance) for other, distance in distances if distance <= limit]

    def nearest(self, form: str, limit: int, cutoff: float) -> list[str]:
        """The forms most like this one (rapidfuzz ratio, 0..100, at least `cutoff`), nearest first."""
        near = process.extract(form, self.postings.keys(), scorer=fuzz.ratio, score_cutoff=cutoff, limit=limit)
        return [other for other, _, _ in near]


def _deletions(word: str) -> set[str]:
    """The word with one letter left out. Words with digits are indexed for nothing: a wrong digit is another sequel."""
    if len(word) < 2 or any(char.isdigit() for char in word):
        return set()
    return {word[:i] + word[i + 1 :] for i in range(len(word))}
