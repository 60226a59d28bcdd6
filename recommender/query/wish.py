"""A typed wish: what the user wrote, which movies it names, and the `Example` it becomes."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from recommender.config import Protocol
from recommender.data.catalog import Catalog, Movie
from recommender.data.dialogue import Message
from recommender.data.examples import Example, distinct_ids, in_one_text, what_was_said
from recommender.errors import RecommenderError
from recommender.query.facets import Facets, Reader
from recommender.query.refusals import understand
from recommender.query.titles import Match

ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "sixth": 5, "seventh": 6, "eighth": 7,
            "ninth": 8, "tenth": 9, "last": -1}  # fmt: skip
REFERENCE = re.compile(
    rf"\bthe\s+(?P<word>{'|'.join(ORDINALS)})\s+(?:one|movie|film)\b(?!\s+(?:of|in)\b)"
    r"|(?:\bnumber\s+|\bno\.\s?|(?<!\w)#\s?)(?P<number>[1-9]\d?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One message of the user. The user may drop a match or put another movie into it before it is answered."""

    text: str
    matches: tuple[Match, ...] = ()
    refused_genres: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """A conversation so far. The rest are movie ids: liked ones steer, excluded ones are only left out (the user has
    seen them), disliked ones are left out and movies near them pushed down."""

    utterances: tuple[Utterance, ...] = ()
    liked: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()
    disliked: tuple[int, ...] = ()


def facets_of(wish: Wish) -> Facets:
    """All messages together, with the movies that were chosen beside them."""
    reader = Reader()
    for utterance in wish.utterances:
        understood = understand(utterance.text, [(match.start, match.end) for match in utterance.matches])
        stances = [(match.movie.movie_id, match.stance) for match in utterance.matches]
        reader.add(understood, stances, utterance.refused_genres)
    reader.stances |= dict.fromkeys(wish.liked, "liked")
    reader.stances |= {movie_id: "seen" for movie_id in wish.excluded if movie_id not in reader.stances}
    # What was put aside, perhaps months ago, does not overrule what is asked for now.
    reader.stances |= {movie_id: "refused" for movie_id in wish.disliked if reader.stances.get(movie_id) != "liked"}
    return reader.facets()


def clean_wish(text: str, limit: int) -> tuple[str, list[str]]:
    """What the user typed without control characters and cut to `limit` -> (text, notices for the user)."""
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co") else c for c in text[: limit * 2])
    kept = " ".join(kept.split())
    notices = []
    if len(kept) > limit or len(text) > limit * 2:
        kept = kept[:limit]
        notices.append(f"Only the first {limit:,} characters of {len(text):,} were read.")
    letters = [c for c in kept if c.isalpha()]
    if letters and sum(c.isascii() for c in letters) < len(letters) / 2:
        notices.append("The models learned from English dialogues; a wish in English works best.")
    return kept, notices


def check_wish(wish: Wish) -> None:
    """Raises `RecommenderError` when there is nothing to go by: no words and no movie."""
    if not wish.liked and not any(has_words(utterance.text) for utterance in wish.utterances):
        raise RecommenderError('Write what you feel like watching, for example "something like Inception but funnier".')


def has_words(text: str) -> bool:
    return any(c.isalnum() for c in text)


def references(text: str, shown: Sequence[Movie]) -> list[Match]:
    """Words that point at the list on the screen ("the second one", "number 3") -> matches with those movies."""
    found = []
    for words in REFERENCE.finditer(text):
        place = ORDINALS[words["word"].lower()] if words["word"] else int(words["number"]) - 1
        if -len(shown) <= place < len(shown):
            found.append(Match(words.start(), words.end(), words.group(), shown[place], 1.0, ()))
    return found


def to_example(wish: Wish, protocol: Protocol, catalog: Catalog) -> Example:
    """The wish in a protocol's form, built by the same function as the training examples. Only movies that the user
    likes are mentioned; the titles of others stay words of the text."""
    messages = [Message("seeker", _with_ids(utterance)) for utterance in wish.utterances]
    if wish.liked:
        messages.insert(0, Message("seeker", "I like " + ", ".join(f"@{movie_id}" for movie_id in wish.liked)))
    facets = facets_of(wish)
    liked = set(facets.liked)
    said = tuple(
        replace(message, mentioned=tuple(movie_id for movie_id in message.mentioned if movie_id in liked))
        for message in what_was_said(protocol, messages, lambda movie_id: catalog.by_id(movie_id).name)
    )
    mentioned = tuple(movie_id for movie_id in distinct_ids(messages) if movie_id in liked)
    return Example(
        "wish",
        "wish",
        0,
        in_one_text(protocol, said),
        mentioned,
        said=said,
        seen=facets.seen,
        refused=facets.refused,
        refused_genres=facets.refused_genres,
    )


def _with_ids(utterance: Utterance) -> str:
    """The text with `@id` in place of every matched title, as ReDial writes it. An `@` that was typed before a number
    gets a space, so that it is no id."""
    parts, end = [], 0
    for match in sorted(utterance.matches, key=lambda match: match.start):
        parts += [_no_ids(utterance.text[end : match.start]), f"@{match.movie.movie_id}"]
        end = match.end
        if utterance.text[end : end + 1].isdigit():
            parts.append(" ")  # or the digit would belong to the id
    return "".join([*parts, _no_ids(utterance.text[end:])])


def _no_ids(text: str) -> str:
    return re.sub(r"@(?=\d)", "@ ", text)
