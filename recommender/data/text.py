"""Free text as normalised words that remember where they stood."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

ARTICLES = frozenset({"the", "a", "an"})
ALIASES = {
    "&": "and", "doctor": "dr", "mister": "mr", "missus": "mrs", "volume": "vol", "versus": "vs", "pt": "part",
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13",
    "se7en": "7", "ii": "2", "iii": "3", "iv": "4",
    "vi": "6", "vii": "7", "viii": "8", "ix": "9", "xi": "11", "xii": "12",
}  # fmt: skip
_ABBREVIATIONS = frozenset({"mr", "mrs", "ms", "dr", "vs", "vol", "st", "jr", "part"})
# Initials ("S.W.A.T."), words with inner apostrophes ("Ocean's"; combining accents belong to their letter), "&".
_LETTER = r"[^\W_]"
_WORD = re.compile(rf"(?:[^\W\d_]\.){{2,12}}(?:[^\W\d_]\b)?|{_LETTER}(?:[\u0300-\u036f]|['’‘`´]?{_LETTER})*|&")
_DROPPED = re.compile(r"[^\w&]|_")
_LONG_WORD = 64  # letters from which a word is no word, and is not remembered
_OPENING = " \t\"'“”‘’«(*@"


class Word(NamedTuple):
    """`text[start:end]` in its normalised form."""

    form: str
    start: int
    end: int


@lru_cache(maxsize=100_000)
def _normalise_word(raw: str) -> str:
    if not raw.isascii():
        raw = unicodedata.normalize("NFKD", raw.casefold())
        raw = "".join(char for char in raw if not unicodedata.combining(char))
    form = _DROPPED.sub("", raw.casefold())
    return ALIASES.get(form, form)


def _form(raw: str) -> str:
    return _normalise_word(raw) if len(raw) < _LONG_WORD else _normalise_word.__wrapped__(raw)


def words_of(text: str) -> list[Word]:
    """The words of a text, lower-case, without accents and apostrophes; roman numerals and number words as digits.

    >>> [word.form for word in words_of("Ocean’s Eleven & Amélie: Part II")]
    ['oceans', '11', 'and', 'amelie', 'part', '2']
    """
    found = ((_form(match[0]), match.start(), match.end()) for match in _WORD.finditer(text))
    return [Word(form, start, end) for form, start, end in found if form]


def split_article(title: str) -> tuple[str, str]:
    """The article of a title (or "") and the other words joined by blanks. A trailing one counts after a comma.

    >>> split_article("The Matrix"), split_article("Matrix, The"), split_article("The")
    (('the', 'matrix'), ('the', 'matrix'), ('', 'the'))
    """
    words = [form for raw in _WORD.findall(title) if (form := _form(raw))]
    if len(words) > 1 and words[0] in ARTICLES:
        return words[0], " ".join(words[1:])
    if len(words) > 1 and words[-1] in ARTICLES and title.rpartition(",")[2].strip().casefold() == words[-1]:
        return words[-1], " ".join(words[:-1])
    return "", " ".join(words)


def normalise(title: str) -> str:
    """A title's comparable form: normalised words without a leading or trailing article.

    >>> normalise("The Matrix"), normalise("Rocky II")
    ('matrix', 'rocky 2')
    """
    return split_article(title)[1]


class TypedText:
    """A text with its words and what is asked about them over and over."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = words_of(text)
        self.has_capitals = any(char.isupper() for char in text)
        self.has_small = any(char.islower() for char in text)

    def gap(self, i: int) -> str:
        """What stands between word `i` and the next one."""
        return self.text[self.words[i].end : self.words[i + 1].start]

    def sentence_ends(self, i: int) -> bool:
        """Whether a sentence ends between word `i` and the next one: not after "Dr." or an initial."""
        gap, form = self.gap(i), self.words[i].form
        return any(char in "!?;\n\r" for char in gap) or (
            "." in gap and len(form) > 1 and form not in _ABBREVIATIONS and not form.isdigit()
        )

    def sentence_starts(self, start: int) -> bool:
        """Whether a capital at this character is due to its place alone."""
        before = self.text[max(0, start - 8) : start].rstrip(_OPENING)
        return not before or before[-1] in ".!?\n:-…"
