"""The probability that words of a text name a movie: a logistic model over a handful of readable signs.

The weights were fitted by `python -m benchmarks.titles --fit` on ReDial's first 2,000 training dialogues.
Signs that are too rare there were set by hand and are marked so.
"""

import math
from collections.abc import Mapping

from recommender.data.text import TypedText
from recommender.query.everyday import UNSEEN, per_million

# Neighbouring words that speak for a title ("have you seen X", "X or Y") and against one ("I wonder", "to her").
_CUES = {
    "for_before": "new newer older original version or maybe called titled named movie film out watched watch watching "
    "rewatched also see is like liked likes the try seen recommend recommended enjoyed loved about yes even as well "
    "saw",
    "against_before": "i my your his her their our its it this a an has on not just will to so very too really more "
    "good great old first me him we they he she with could",
    "for_after": "or which series its last with though but was it that fan and would is too for as",
    "against_after": "of movie classic like you horror comedy really in the me",
}
_SIGN_OF_CUE = {
    place: {word: sign for sign, words in _CUES.items() if sign.endswith(place) for word in words.split()}
    for place in ("before", "after")
}
_BEFORE_DATES = frozenset({"from", "in", "of", "since", "before", "after", "until", "around", "by"})
_QUOTES = "\"'“”‘’«»„*_`"
_BREAKS = frozenset(".!?,;:\n)")
_LEAST_EVERYDAY = -4.0
# Occurrences in a million words from which a capital at a sentence's start, or anywhere, says nothing.
_RARE_WORD, _COMMON_WORD = 100, 600

WEIGHTS: Mapping[str, float] = {
    "a_extra": -1.29,
    "against_after": -1.49,
    "against_before": -1.24,
    "article_match": 1.26,
    "article_missing": -2.11,
    "bias": -1.47,
    "case_digits": -0.92,
    "case_first": -0.52,
    "case_first_everyday": -0.52,
    "case_inner": 0.25,
    "case_inner_everyday": -0.07,
    "case_silent": -0.08,
    "case_silent_everyday": -0.47,
    "case_small": -0.61,
    "case_small_everyday": -0.53,
    "case_title": 0.41,
    "edit_known": -0.72,
    "edit_share": -1.07,
    "edits": 1.25,
    "everyday": -0.25,
    "for_after": 1.3,
    "for_before": 1.89,
    "mentions": 0.71,
    "name_after": -2.08,
    "name_before": -1.58,
    "nothing_after": 1.5,
    "nothing_before": 1.51,
    "the_extra": -1.33,
    "words": 0.29,
    # By hand: too rare in the dialogues to be fitted, or named there by its full title alone.
    "alias": -3.5,
    "inverted": 2.0,
    "listed": 1.0,
    "number": -3.0,
    "quoted": 2.5,
    "sentence_within": -1.0,
    "year": 5.0,
}
BY_HAND = ("alias", "inverted", "listed", "number", "quoted", "sentence_within", "year")


def score(signs: Mapping[str, float]) -> float:
    """Signs -> 0..1, how sure."""
    return 1 / (1 + math.exp(-sum(WEIGHTS[name] * value for name, value in signs.items())))


def signs_of(typed: TypedText, first: int, last: int, start: int, end: int, form: str, edits: int) -> dict[str, float]:
    """The signs for words `first` to `last` of a text being the title `form` after `edits` corrected letters.

    The characters `start:end` are those words with the article and the year that belong to the title.
    """
    case = case_of(typed, first, last)
    signs = {"bias": 1.0, f"case_{case}": 1.0, **_word_signs(typed, first, last, form, edits)}
    if case in ("silent", "small", "first", "inner"):
        signs[f"case_{case}_everyday"] = max(signs["everyday"], 0.0)
    signs |= _neighbour_signs(typed, first, last, start, end)
    if form.isdigit() and _counts(typed, first, last, signs):
        signs["number"] = 1
    text = typed.text
    if start > 0 and end < len(text) and text[start - 1] in _QUOTES and text[end] in _QUOTES:
        signs["quoted"] = 1
    if any(typed.sentence_ends(i) for i in range(first, last)):
        signs["sentence_within"] = 1
    return signs


def _word_signs(typed: TypedText, first: int, last: int, form: str, edits: int) -> dict[str, float]:
    """How everyday the words are and how far from the title's form.

    `everyday` is ln of how often the words would meet by chance in a million words of talk, at least -4.
    `edit_known` tells a misspelt word from one that is right as it stands ("seen" is not "Seven").
    """
    words = [word.form for word in typed.words[first : last + 1]]
    title = form.split()
    pairs = list(zip(words, title if len(title) == len(words) else words, strict=True))
    chance = math.log(1e6) + sum(math.log(max(per_million(word), per_million(other)) / 1e6) for word, other in pairs)
    signs = {"everyday": max(chance, _LEAST_EVERYDAY), "words": min(len(words) - 1.0, 4.0)}
    if edits:
        signs["edits"] = edits
        signs["edit_share"] = 10 * edits / sum(map(len, words))
        signs["edit_known"] = sum(math.log(per_million(word) / UNSEEN) for word, other in pairs if word != other)
    return signs


def _neighbour_signs(typed: TypedText, first: int, last: int, start: int, end: int) -> dict[str, float]:
    text, words = typed.text, typed.words
    signs: dict[str, float] = {}
    before = next((i for i in range(first - 1, max(first - 3, -1), -1) if words[i].end <= start), None)
    if before is None or _breaks(text[words[before].end : start]):
        signs["nothing_before"] = 1
    else:
        signs |= _cue("before", words[before].form)
        if _is_name(typed, before) and text[words[before].end : start] == " ":
            signs["name_before"] = 1
    after = next((i for i in range(last + 1, min(last + 4, len(words))) if words[i].start >= end), None)
    if after is None or _breaks(text[end : words[after].start]):
        signs["nothing_after"] = 1
    else:
        signs |= _cue("after", words[after].form)
        if _is_name(typed, after) and text[end : words[after].start] == " ":
            signs["name_after"] = 1
    return signs


def case_of(typed: TypedText, first: int, last: int) -> str:
    """How capitals speak for the words being a name.

    `digits`: there are no letters. `silent`: the text has no telling capitals. `small`: it has, but not here.
    `first`: a capital only because a sentence starts. `inner`: a capital within a sentence. `title`: two words or more
    with capitals.
    """
    raws = [typed.text[word.start : word.end] for word in typed.words[first : last + 1]]
    if all(raw.isdigit() for raw in raws):
        return "digits"
    if not typed.has_capitals or not typed.has_small:
        return "silent"
    capitals = sum(any(char.isupper() for char in raw) for raw in raws)
    if capitals > 1:
        return "title"
    if not any(char.isupper() for char in raws[0]):
        return "small"
    return "first" if typed.sentence_starts(typed.words[first].start) else "inner"


def _counts(typed: TypedText, first: int, last: int, signs: Mapping[str, float]) -> bool:
    """Whether a number does what numbers do: it dates ("from 2012") or counts ("seven people")."""
    dates = first > 0 and typed.words[first - 1].form in _BEFORE_DATES
    return dates or not signs.keys() & {"nothing_after", "for_after"}


def _breaks(gap: str) -> bool:
    return not _BREAKS.isdisjoint(gap)


def _cue(place: str, word: str) -> dict[str, float]:
    sign = _SIGN_OF_CUE[place].get(word)
    return {sign: 1.0} if sign else {}


def _is_name(typed: TypedText, i: int) -> bool:
    """Whether word `i` has a capital that neither a sentence's start nor an everyday word explains ("Jack Black")."""
    word = typed.words[i]
    if not (typed.has_small and typed.text[word.start].isupper()):
        return False
    return per_million(word.form) < (_RARE_WORD if typed.sentence_starts(word.start) else _COMMON_WORD)
