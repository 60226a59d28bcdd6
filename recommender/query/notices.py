"""What the user has to know about how a wish was read: what was cut, what no filter can heed, and what says nothing."""

import re
from collections.abc import Sequence

from recommender.config import DataConfig
from recommender.data.collate import Item
from recommender.models.base import Recommender
from recommender.query.everyday import UNSEEN, per_million
from recommender.query.text import words_of
from recommender.query.wish import Heard, Utterance

_QUOTES = 3  # refusals quoted in a notice
_WORDS_A_PIECE = 0.75  # of English
_YEAR = re.compile(
    r"\b(?:19\d0|20[0-2]0|[1-9]0)[’']?s\b|\b(?:19|20)\d\d\b|\b(?:fif|six|seven|eigh|nine)ties\b", re.IGNORECASE
)
_LETTERS = re.compile(r"[^\W\d_]{2,}")


def notices_of(
    utterances: Sequence[Utterance], item: Item, heard: Heard, model: Recommender, limits: DataConfig
) -> list[str]:
    """In words for the user."""
    reads, found = model.text is not None, []
    if max(len(item.tokens), *(len(message.tokens) for message in item.messages), 0) >= limits.max_tokens:
        words = f"{limits.keep_tokens} {_WORDS_A_PIECE * limits.max_tokens:.0f} words or so"
        found.append(f"A long wish: this model read only the {words}.")
    if 0 < len(item.mentioned) < len(item.exclude):
        found.append(f"Many movies: this model goes by the {limits.keep_mentioned} {limits.max_mentioned}.")
    if not reads and not item.mentioned:
        found.append("This model goes by the movies you name, not by your words: name one or two that you like.")
    if unheeded := [*heard.unheeded, *_years(utterances)]:
        quoted = ", ".join(f"“{words}”" for words in unheeded[:_QUOTES])
        whether = "the model reads these words" if reads else "this model reads no words"
        found.append(f"{quoted}: {whether}, {'but' if reads else 'and'} no movie is left out because of them.")
    if reads and not _says_anything(utterances, item, heard, model, limits):
        found.append(
            "No movie and no word that the app knows was found in your wish, so this is no more than the model's guess."
        )
    return found


def _years(utterances: Sequence[Utterance]) -> list[str]:
    """Years and decades asked for: "the 50s", "from 2010 onwards"."""
    found: list[str] = []
    for utterance in utterances:
        text = utterance.text
        for match in utterance.matches:
            text = text[: match.start] + " " * (match.end - match.start) + text[match.end :]
        found += _YEAR.findall(text)
    return found


def _says_anything(
    utterances: Sequence[Utterance], item: Item, heard: Heard, model: Recommender, limits: DataConfig
) -> bool:
    """Whether there is a movie, a genre or a known word: an everyday one, or one that the model reads in one piece."""
    if item.mentioned or heard.seen or heard.refused or heard.refused_genres or heard.asked_genres:
        return True
    text = " ".join(utterance.text for utterance in utterances)
    if any(per_million(word.form) > UNSEEN for word in words_of(text)):
        return True
    words = _LETTERS.findall(text)
    nothing, *pieces = model.tokenize(["", *words], limits.max_tokens, limits.keep_tokens)
    return any(len(ids) == len(nothing) + 1 for ids in pieces)
