"""The ways in which people write one title, as keys for the index."""

import re
from typing import NamedTuple

from recommender.data.text import split_article

# Between a title and its subtitle: a colon, or a dash that stands free ("Star Wars: Episode IV - A New Hope").
_SUBTITLE = re.compile(r":\s+|\s[-–—]\s")
_COUNTERS = frozenset({"vol", "part", "episode", "chapter", "book"})
_LAST_ROMAN = {"v": "5", "x": "10"}
_MIN_TAIL_LETTERS = 8  # of a subtitle that may stand for the title: "ragnarok", but not "redux"
_MIN_JOINED_LETTERS = 4  # of two words that may be written as one: "x men", but not "if i"


class Form(NamedTuple):
    """`words` is the key, without the leading `article`; `alias` says that the title itself is longer."""

    words: str
    article: str
    alias: bool


def forms_of(title: str) -> list[Form]:
    """The full title first, then other spellings, then shorter ones; each key once. No words, no forms.

    >>> [form.words for form in forms_of("Star Wars: Episode IV - A New Hope")][:4]
    ['star wars episode 4 a new hope', 'star wars', 'star wars episode 4', 'new hope']
    >>> [form.words for form in forms_of("Star Wars: Episode IV - A New Hope")][4:]
    ['star wars a new hope', 'star wars 4']
    """
    article, full = split_article(title)
    if not full:
        return []
    forms = [Form(full, article, False)]
    forms += [Form(words, article, False) for words in _spellings(title, full)]
    forms += _shortened(title, article)
    forms += [form._replace(words=words) for form in forms if (words := _without_counter(form.words))]
    unique: dict[str, Form] = {}
    for form in forms:
        unique.setdefault(form.words, form)
    return list(unique.values())


def _spellings(title: str, full: str) -> list[str]:
    """`Spider-Man` is also `spiderman`, and `Die Hard` `diehard`; a last `V` is also a 5."""
    words = full.split()
    found = []
    if len(words) == 2 and len(full) > _MIN_JOINED_LETTERS:
        found.append("".join(words))
    elif "-" in title:
        found.append(split_article(re.sub(r"(?<=\w)-(?=\w)", "", title))[1])
    if len(words) > 1 and words[-1] in _LAST_ROMAN:
        found.append(" ".join([*words[:-1], _LAST_ROMAN[words[-1]]]))
    return found


def _shortened(title: str, article: str) -> list[Form]:
    """The title up to each of its subtitles, and a subtitle that is long enough to stand alone."""
    if ":" not in title and " " not in title:
        return []
    cuts = list(_SUBTITLE.finditer(title))
    if not cuts:
        return []
    found = [Form(split_article(title[: cut.start()])[1], article, True) for cut in cuts]
    tail_article, tail = split_article(title[cuts[-1].end() :])
    if len(tail) >= _MIN_TAIL_LETTERS and tail.split()[0] not in _COUNTERS:
        found.append(Form(tail, tail_article, True))
        found.append(Form(f"{found[0].words} {tail_article} {tail}".replace("  ", " "), article, True))
    return [form for form in found if form.words]


def _without_counter(form: str) -> str:
    """`guardians of the galaxy vol 2` -> `guardians of the galaxy 2`; "" where no counter stands before a number."""
    words = form.split()
    if _COUNTERS.isdisjoint(words):
        return ""
    for i in range(1, len(words) - 1):
        if words[i] in _COUNTERS and words[i + 1].isdigit():
            return " ".join([*words[:i], words[i + 1]])
    return ""
