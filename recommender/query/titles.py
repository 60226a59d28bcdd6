"""Finds the movies in free text."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rapidfuzz.distance import OSA

from recommender.data.catalog import Movie
from recommender.data.examples import Stance
from recommender.data.text import ARTICLES, TypedText, split_article
from recommender.query import evidence
from recommender.query.everyday import UNSEEN, per_million
from recommender.query.title_index import Candidate, Posting, TitleIndex

MAX_ALTERNATIVES = 5
MAX_TITLE = 300  # characters that `lookup` reads
THRESHOLD = 0.5  # of the score from which words count as a title
_SURE = 0.9  # of the score from which a title speaks for its neighbours in a list
_LIKELY = 0.2  # of the score from which another reading of the same words is an alternative
_NEAR = 75.0  # rapidfuzz ratio from which `lookup` takes a title for a misspelt one
_USUAL_MENTIONS = 10  # of every movie in a catalogue that does not count them
_ARTICLE_WEIGHT = 4
_UNKNOWN_YEAR = 2  # years that a movie without a year is taken to be away from the one typed
_YEAR = re.compile(r"\s{0,3},?\s{0,3}(?:\(\s?(\d{4})\s?\)|(?:from\s)?((?:19|20)\d\d)\b)")
_LAST_YEAR = re.compile(r"[\s(](\d{4})\)?$")
_LIST_GAP = 8  # characters between two items of a list
_BETWEEN = r"(?:\s*[,;/&+\n]\s*(?:(?:and|or)\s+)?|\s+(?:and|or)\s+)"
_LIST_BEFORE, _LIST_AFTER = re.compile(_BETWEEN + r"$", re.IGNORECASE), re.compile(_BETWEEN, re.IGNORECASE)
_ARTICLE_AFTER = re.compile(r"\s?,\s?(the|a|an)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Match:
    """Words of a text that name a movie.

    `start` and `end` count characters of the text as given, `score` is 0..1, how sure; `alternatives` are other movies
    that the same words could mean (remakes, near misses), best first, at most 5. `stance` is what the user says of it.
    """

    start: int
    end: int
    text: str
    movie: Movie
    score: float
    alternatives: tuple[Movie, ...]
    stance: Stance = "liked"


class Reading(NamedTuple):
    """A candidate in its place in the text: the movies it could mean, best first, and the signs that speak for it."""

    start: int
    end: int
    letters: int  # typed ones that are right: the longest reading wins
    movies: list[Movie]
    signs: dict[str, float]
    score: float


class TitleMatcher:
    """Finds a catalogue's movies in text. Build it once: it indexes about 50,000 titles a second."""

    def __init__(self, catalog: Sequence[Movie]) -> None:
        self._index = TitleIndex(catalog)
        counted = any(movie.mentions for movie in catalog)
        self._least_mentions = 0 if counted else _USUAL_MENTIONS

    def find(self, text: str) -> list[Match]:
        """The movies that the text names, in order of position; spans never overlap."""
        likely = [reading for reading in self.readings(text) if reading.score >= _LIKELY]
        same_span: dict[tuple[int, int], list[Reading]] = defaultdict(list)
        for reading in _raise_listed(text, likely):
            same_span[reading.start, reading.end].append(reading)
        sure = [reading for readings in same_span.values() for reading in readings if reading.score >= THRESHOLD]
        taken = bytearray(len(text))
        matches = []
        for reading in sorted(sure, key=lambda r: (-r.letters, -r.score, r.start)):
            start, end = reading.start, reading.end
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                movie, *others = _meant_by(reading, same_span[start, end])
                matches.append(Match(start, end, text[start:end], movie, reading.score, tuple(others)))
        return sorted(matches, key=lambda match: match.start)

    def lookup(self, title: str, limit: int = 5) -> list[Movie]:
        """The movies that a string which is a title may mean, best first: those of this title, else the nearest ones.

        A year at its end, in brackets or not, decides between remakes. Nothing near gives [].
        """
        title = title[:MAX_TITLE]
        article, form = split_article(title)
        year = None
        last_year = _LAST_YEAR.search(title.rstrip())
        if last_year and form not in self._index.postings:
            article, form = split_article(title[: last_year.start()])
            year = int(last_year[1])
        exact = form in self._index.postings
        # A misspelt word is forgiven, another number is another movie: "Die Hard 9" is not Die Hard 2.
        near = [form] if exact else [f for f in self._index.nearest(form, limit, _NEAR) if _digits(f) == _digits(form)]
        ranked = (posting.movie for found in near for posting in _ranked(self._index.postings[found], article, year))
        return [movie for movie in _unique(ranked) if _fits_year(movie, year)][:limit]

    def readings(self, text: str) -> list[Reading]:
        """All readings of words of the text as titles, sure or not; they overlap."""
        typed = TypedText(text)
        return [self._read(typed, candidate) for candidate in self._index.candidates(typed)]

    def _read(self, typed: TypedText, candidate: Candidate) -> Reading:
        first, last, form, edits = candidate
        postings = self._index.postings[form]
        words_start, words_end = typed.words[first].start, typed.words[last].end
        article, title_end = _find_article(typed, first, words_end, postings)
        year, end = _find_year(typed.text, title_end, postings)
        ranked = _ranked(postings, article, year)
        best = ranked[0]
        inverted = title_end > words_end
        leads = article and article == best.article and not inverted
        start = typed.words[first - 1].start if leads else words_start
        signs = evidence.signs_of(typed, first, last, start, end, form, edits)
        signs["mentions"] = math.log1p(max(best.movie.mentions, self._least_mentions))
        signs |= _title_signs(best, article)
        signs |= {name: 1.0 for name, holds in (("inverted", inverted), ("year", year is not None)) if holds}
        letters = sum(len(word.form) for word in typed.words[first : last + 1]) - 2 * edits
        return Reading(start, end, letters, _unique(p.movie for p in ranked), signs, evidence.score(signs))


def _find_article(typed: TypedText, first: int, end: int, postings: Sequence[Posting]) -> tuple[str, int]:
    """The article before word `first`, be it misspelt, or after a comma at `end`; and the end of the title with it."""
    if first and typed.gap(first - 1).isspace():
        word = typed.words[first - 1].form
        if word in ARTICLES:
            return word, end
        if per_million(word) <= UNSEEN and OSA.distance(word, "the") == 1:
            return "the", end
    after = _ARTICLE_AFTER.match(typed.text, end)
    if after and any(posting.article == after[1].lower() for posting in postings):
        return after[1].lower(), after.end()
    return "", end


def _find_year(text: str, end: int, postings: Sequence[Posting]) -> tuple[int | None, int]:
    """The year after a title, if a movie of this title has it (in brackets: within a year), and where it ends."""
    found = _YEAR.match(text, end)
    if not found:
        return None, end
    year, slack = int(found[1] or found[2]), 1 if found[1] else 0
    if any(p.movie.year is not None and abs(p.movie.year - year) <= slack for p in postings):
        return year, found.end()
    return None, end


def _title_signs(best: Posting, article: str) -> dict[str, float]:
    signs: dict[str, float] = {}
    if best.alias:
        signs["alias"] = 1
    if article and article == best.article:
        signs["article_match"] = 1
    elif best.article:
        signs["article_missing"] = 1
    if article and article != best.article:
        signs["the_extra" if article == "the" else "a_extra"] = 1
    return signs


def _ranked(postings: Iterable[Posting], article: str, year: int | None) -> list[Posting]:
    """Best first: the year if one is given, full titles before shortened ones, then popularity.

    The same article counts as `_ARTICLE_WEIGHT` times the mentions: "the ring" is rather "The Ring" than "Ring".
    """

    def rank(posting: Posting) -> tuple[float, bool, float, int]:
        movie = posting.movie
        off = 0 if year is None else _UNKNOWN_YEAR if movie.year is None else abs(movie.year - year)
        likely = (movie.mentions + 1) * (_ARTICLE_WEIGHT if posting.article == article else 1)
        return off, posting.alias, -likely, movie.movie_id

    return sorted(postings, key=rank)


def _raise_listed(text: str, readings: Sequence[Reading]) -> Iterator[Reading]:
    """The readings, with a better score for those that stand in a list beside a sure one: "Inception, Up and ..."."""
    starts = {reading.start for reading in readings if reading.score >= _SURE}
    ends = {reading.end for reading in readings if reading.score >= _SURE}
    for reading in readings:
        before = _LIST_BEFORE.search(text, max(0, reading.start - _LIST_GAP), reading.start)
        after = _LIST_AFTER.match(text, reading.end, reading.end + _LIST_GAP)
        if (before and before.start() in ends) or (after and after.end() in starts):
            signs = {**reading.signs, "listed": 1.0}
            yield reading._replace(signs=signs, score=evidence.score(signs))
        else:
            yield reading


def _meant_by(reading: Reading, same_span: Iterable[Reading]) -> list[Movie]:
    """The movies of a reading, then the best one of every other likely reading of the same characters."""
    near = [other.movies[0] for other in sorted(same_span, key=lambda other: -other.score)]
    return _unique([*reading.movies, *near])[: MAX_ALTERNATIVES + 1]


def _unique(movies: Iterable[Movie]) -> list[Movie]:
    return list({movie.movie_id: movie for movie in movies}.values())


def _digits(form: str) -> list[str]:
    return re.findall(r"\d+", form)


def _fits_year(movie: Movie, year: int | None) -> bool:
    return year is None or movie.year is None or abs(movie.year - year) <= 1
