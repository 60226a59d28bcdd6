"""Refused movies and genres in a message: "not like Saw", "no horror", "I hated It", "already seen Up".

The text is scanned once, from left to right. A phrase like "I hated" holds for the movies and genres that follow until
its clause ends, a verdict like "was boring" for those before it. The phrases are in `cues`.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from recommender.data.examples import Stance
from recommender.query.cues import EVERYDAY_GENRES, GENRE_WORDS, GENRES_GO_ON, SCAN, TITLE, TITLES_GO_ON
from recommender.query.titles import Match

# What holds at a place of the text. "open": something is negated but not refused ("I haven't seen X", "it is not a
# comedy"). "degree": less of something, which no filter can apply ("less violent", "not too scary").
Mode = Literal["plain", "liked", "seen", "refused", "open", "degree"]
_MODES: dict[str, Mode] = {  # what a phrase begins
    "liked": "liked", "seen": "seen", "refused": "refused", "not_into": "refused", "degree": "degree", "open": "open",
    "statement": "open",
}  # fmt: skip
_STANCES: dict[Mode, Stance] = {"seen": "seen", "refused": "refused"}
_REACH = 5  # words between a refusal and what it refuses
_NEAR = 20  # characters in which "anything" stands before "except"
_QUOTED = 3  # words of a refusal that was not understood
# Words that do not narrow what they stand before: "no more of those horror movies" refuses horror.
_EMPTY = frozenset(
    "a an any the another other of more all this these those to watch see have get some such big huge kind kinds type "
    "types sort sorts movie movies film films really genre genres even definitely absolutely me us much like".split()
)
_PLURAL = re.compile(r"\b(?:were|are|them|those|these|both|they)\b", re.IGNORECASE)
_NO = re.compile(r"\b(?:no|not|nothing|without)\b", re.IGNORECASE)
_MOVIES = re.compile(r"\s+(?:movies?|films?|flicks?|stuff|ones?|genre|type)\b", re.IGNORECASE)
_ALL_BUT = re.compile(r"\b(?:(?:any|every|some)thing|all)\s*,?\s*$", re.IGNORECASE)
_APOSTROPHES = str.maketrans("’`´‘", "''''")


@dataclass(frozen=True, slots=True)
class Understood:
    """What a text says: a stance for each title, and the catalogue's genres. `unresolved` quotes the refusals in which
    neither a movie nor a genre was found."""

    stances: tuple[Stance, ...] = ()
    refused_genres: tuple[str, ...] = ()
    asked_genres: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()


def understand(text: str, spans: Iterable[tuple[int, int]]) -> Understood:
    """Reads a text in which titles stand at these (start, end), in order of position."""
    return _understand(text, tuple(spans))


@lru_cache(maxsize=256)  # a message is read when it is typed and again for every answer
def _understand(text: str, spans: tuple[tuple[int, int], ...]) -> Understood:
    return _Reader(text, spans).read()


def with_stances(text: str, matches: Sequence[Match]) -> tuple[tuple[Match, ...], tuple[str, ...]]:
    """The matches with what the text says of them, and the genres that it refuses."""
    understood = understand(text, [(match.start, match.end) for match in matches])
    pairs = zip(matches, understood.stances, strict=True)
    return tuple(replace(match, stance=stance) for match, stance in pairs), understood.refused_genres


@dataclass(slots=True)
class _Genre:
    """A genre word and what holds for it. `narrowed`: a word before it makes it less ("religious horror")."""

    names: tuple[str, ...]
    mode: Mode
    narrowed: bool
    quote: str


class _Reader:
    """The state of the scan."""

    def __init__(self, text: str, spans: Sequence[tuple[int, int]]) -> None:
        self.text, self.spans = text, spans
        letters = list(text.translate(_APOSTROPHES))
        for start, end in spans:
            letters[start:end] = TITLE * (end - start)
        self.masked = "".join(letters)
        self.starts = [start for start, _ in spans]
        self.modes: list[Mode] = ["plain"] * len(spans)
        self.genres: list[_Genre] = []
        self.unresolved: list[str] = []
        self.mode: Mode = "plain"
        self.cue = 0  # where the phrase that set the mode starts
        self.found = True  # what the phrase is about
        self.words: list[int] = []  # where each word since the phrase or its last find ends
        self.group: list[int] = []  # the latest titles of one list, by their place in `spans`
        self.linked = False  # nothing but a comma, "and" or "or" since the latest title
        self.latest: _Genre | int | None = None  # the latest genre or title of this sentence
        self.refusing = False  # something was refused in this clause, to which there may be an exception
        self.sentence: list[_Genre | int] = []  # the genres and titles of this sentence
        self.bare = True  # nothing else in this sentence
        self.question: list[_Genre | int] = []  # what the sentence before asked in a word: "horror?"
        self.genre_end = -1  # where the latest genre word ends
        self.list_end = 0  # where the latest list of genres ends

    def read(self) -> Understood:
        for found in SCAN.finditer(self.masked):
            self._event(found.lastgroup or "", found[0], found.start(), found.end())
        self._set("plain")
        return self._understood()

    def _event(self, kind: str, words: str, start: int, end: int) -> None:
        match kind:
            case "title":
                self._title(start, end)
            case "genre":
                self._genre(words, start, end)
            case "word":
                self._word(words, end)
            case "praised" | "panned":
                self._verdict(kind, bool(_PLURAL.search(words)))
            case "not_mine":
                self._refuse_latest()
            case "seen_before":
                self._verdict(kind, bool(_PLURAL.search(words)))
                self._set("seen", start)
            case "declined":
                for item in self.question:
                    self._refuse(item)
            case "but_not":  # "I have seen everything but not X"
                self._set("open" if self.mode == "seen" else "refused", start)
            case "exception":
                self._except(start)
            case "non":
                self._non(words, start, end)
            case "too" | "much" if self.mode == "refused" and not self.found:  # "not too scary", "nothing so sad"
                self.mode = "degree"
            case "stop" | "much" if self.mode in ("refused", "degree"):
                self._set("plain")
            case "too":
                self._set("open")
            case "but" | "end":
                self._set("plain")
            case "comma" if not self._list_goes_on(start):
                self._set("plain")
            case _ if kind in _MODES:
                self._set(_MODES[kind], start)
        if kind == "end":
            self.question = self.sentence if "?" in words and self.bare else []
            self.latest, self.sentence, self.bare, self.refusing = None, [], True, False
        elif kind in _MODES and _MODES[kind] != "open":
            self.refusing = False
        self.bare &= kind in ("title", "genre", "word", "link", "comma", "end")
        if kind not in ("title", "comma", "link", "word"):
            self.linked = False

    def _except(self, start: int) -> None:
        """ "I have seen everything except X" says nothing of X, "no horror except X" asks for it, "anything except X"
        refuses it."""
        before = self.masked[max(0, start - _NEAR) : start]
        if self.mode == "seen":
            self._set("open", start)
        elif self.mode in ("refused", "degree") or (self.refusing and not _ALL_BUT.search(before)):
            self._set("liked", start)
        else:
            self._set("refused", start)

    def _list_goes_on(self, comma: int) -> bool:
        if not isinstance(self.latest, _Genre):
            return TITLES_GO_ON.match(self.masked, comma) is not None
        found = GENRES_GO_ON.match(self.masked, comma) if comma >= self.list_end else None
        if found and (
            found["link"] != "and" or not _NO.match(self.masked, self.cue)
        ):  # "no horror, comedy and romance" asks for two
            self.list_end = found.end()
        return comma < self.list_end

    def _set(self, mode: Mode, start: int = 0) -> None:
        if self.mode in ("refused", "degree") and not self.found and self.words:
            self.unresolved.append(self.text[self.cue : self.words[:_QUOTED][-1]])
        self.mode, self.cue, self.found, self.words = mode, start, False, []

    def _word(self, word: str, end: int) -> None:
        if word.lower() in _EMPTY:
            return
        self.linked = self.bare = False
        self.words.append(end)
        if len(self.words) > _REACH and self.mode in ("refused", "degree"):
            self._set("plain")

    def _title(self, start: int, end: int) -> None:
        for i in range(bisect_left(self.starts, start), bisect_left(self.starts, end)):  # two titles may touch
            self.modes[i] = self.mode
            if not self.linked:
                self.group = []
            self.group.append(i)
            self.sentence.append(i)
            self.linked, self.latest = True, i
            self.refusing |= self.mode == "refused"
        self.found, self.words = True, []

    def _genre(self, words: str, start: int, end: int) -> None:
        names = GENRE_WORDS.get(words.lower(), ())  # the pattern also fits letters such as the long s
        everyday = not EVERYDAY_GENRES.isdisjoint(names) and not _MOVIES.match(self.masked, end)
        second = not self.masked[max(self.genre_end, 0) : start].strip(" -") and self.genre_end >= 0
        if not names or (self.mode == "refused" and (everyday or second)):
            return self._word(words, end)
        if self.mode == "degree":
            self.words.append(end)
            return self._set("plain")
        if self.mode == "refused":
            names = names[:1]
        self.latest = _Genre(names, self.mode, bool(self.words), self.text[self.cue : end])
        self.genres.append(self.latest)
        self.sentence.append(self.latest)
        self.refusing |= self.mode == "refused"
        self.found, self.words, self.genre_end = True, [], end
        return None

    def _non(self, words: str, start: int, end: int) -> None:
        """ "non-horror": the refusal holds for this word alone."""
        self._set("refused", start)
        self._genre(re.split(r"[\s-]+", words, maxsplit=1)[1], start, end)
        self._set("plain")
        self.genre_end = -1

    def _refuse_latest(self) -> None:
        """ "X is not my thing": it, and no other of its list."""
        if self.latest is not None:
            self._refuse(self.latest)

    def _refuse(self, item: "_Genre | int") -> None:
        if isinstance(item, _Genre):
            item.mode = "refused"
        else:
            self.modes[item] = "refused"

    def _verdict(self, kind: str, plural: bool) -> None:
        """On the latest title, or with "they were ..." on its whole list."""
        for i in self.group if plural else self.group[-1:]:
            if kind == "praised":  # "anything except Titanic, which I enjoyed": neither wanted nor refused
                self.modes[i] = "seen" if self.modes[i] == "refused" else "liked"
            elif kind == "panned":
                self.modes[i] = "refused"
            elif self.modes[i] == "plain":
                self.modes[i] = "seen"

    def _understood(self) -> Understood:
        """A genre that is refused only in part ("horror, but no religious horror") is not refused."""
        asked = {name for genre in self.genres if genre.mode in ("plain", "liked", "seen") for name in genre.names}
        refused: dict[str, None] = {}
        for genre in self.genres:
            if genre.mode == "refused" and genre.narrowed and not asked.isdisjoint(genre.names):
                self.unresolved.append(genre.quote)
            elif genre.mode == "refused":
                refused.update(dict.fromkeys(genre.names))
        stances = tuple(_STANCES.get(mode, "liked") for mode in self.modes)
        return Understood(stances, tuple(refused), tuple(sorted(asked - refused.keys())), tuple(self.unresolved))
