"""Notices on how a wish was read: what was cut or left out, what no filter covers, and what says
nothing."""

import re
from collections.abc import Sequence

from recommender.config import DataConfig
from recommender.data.catalog import Catalog
from recommender.data.collate import Item
from recommender.data.text import words_of
from recommender.models.base import Recommender
from recommender.models.text_encoder import TextEncoder
from recommender.query.everyday import UNSEEN, per_million
from recommender.query.facets import Facets
from recommender.query.wish import Utterance
from recommender.ranking.ranker import Ranker

_QUOTES = 3  # refusals quoted in a notice
_NAMES = 3  # movies named in a sentence before "and 5 more"
_WORDS_A_PIECE = 0.75  # of English
_YEAR = re.compile(
    r"\b(?:19\d0|20[0-2]0|[1-9]0)[’']?s\b|\b(?:19|20)\d\d\b|\b(?:fif|six|seven|eigh|nine)ties\b", re.IGNORECASE
)
_LETTERS = re.compile(r"[^\W\d_]{2,}")


def notices_of(utterances: Sequence[Utterance], item: Item, facets: Facets, model: Recommender) -> list[str]:
    """In words for the user."""
    encoder, data, found = model.text, model.context.data, []
    reads = encoder is not None
    if max((len(text.tokens) for text in item.texts), default=0) >= data.max_tokens:
        words = f"{data.keep_tokens} {_WORDS_A_PIECE * data.max_tokens:.0f} words or so"
        found.append(f"A long wish: this model read only the {words}.")
    if 0 < len(item.mentioned) < len(item.named):
        found.append(f"Many movies: this model goes by the {data.keep_mentioned} {data.max_mentioned}.")
    if not reads and not item.mentioned:
        found.append("This model goes by the movies you name, not by your words: name one or two that you like.")
    if unresolved := [*facets.unresolved, *_years(utterances)]:
        quoted = ", ".join(f"“{words}”" for words in unresolved[:_QUOTES])
        whether = "the model reads these words" if reads else "this model reads no words"
        found.append(f"{quoted}: {whether}, {'but' if reads else 'and'} no movie is left out because of them.")
    if encoder is not None and not _says_anything(utterances, item, facets, encoder, data):
        found.append(
            "No movie and no word that the app knows was found in your wish, so this is no more than the model's guess."
        )
    return found


def applied_filters(facets: Facets, ranker: Ranker) -> list[str]:
    """What was left out or ranked lower because of the wish, in words for the user."""
    sentences, catalog = [], ranker.catalog
    if facets.refused_genres:
        count = len(ranker.adjustments.of_genres(facets.refused_genres))
        movies = "1 movie" if count == 1 else f"{count:,} movies"
        sentences.append(f"Left out because you asked for no {_joined(facets.refused_genres, 'or')}: {movies}.")
    if facets.refused:
        many = len(facets.refused) > 1
        lower = f", and movies like {'them' if many else 'it'} rank lower" if ranker.vectors is not None else ""
        sentences.append(f"{_names(facets.refused, catalog)} {'are' if many else 'is'} left out{lower}.")
    if facets.seen:
        it = "them" if len(facets.seen) > 1 else "it"
        sentences.append(f"Left out because you have seen {it}: {_names(facets.seen, catalog)}.")
    return sentences


def _names(movie_ids: Sequence[int], catalog: Catalog) -> str:
    names = [catalog.by_id(movie_id).name for movie_id in movie_ids]
    rest = len(names) - _NAMES
    return _joined([*names[:_NAMES], f"{rest} more"] if rest > 0 else names, "and")


def _joined(words: Sequence[str], link: str) -> str:
    return f" {link} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


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
    utterances: Sequence[Utterance], item: Item, facets: Facets, encoder: TextEncoder, data: DataConfig
) -> bool:
    """Whether there is a movie, a genre or a known word: an everyday one, or one that the model reads in one piece."""
    if item.mentioned or facets.seen or facets.refused or facets.refused_genres or facets.asked_genres:
        return True
    text = " ".join(utterance.text for utterance in utterances)
    if any(per_million(word.form) > UNSEEN for word in words_of(text)):
        return True
    words = _LETTERS.findall(text)
    nothing, *pieces = encoder.tokenize(["", *words], data.max_tokens, data.keep_tokens)
    return any(len(ids) == len(nothing) + 1 for ids in pieces)
