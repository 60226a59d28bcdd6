"""What a movie's score is made of: popularity, the movies named, the words, refusals; and which words mattered."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from recommender.data.examples import Example
from recommender.query.wish import Utterance, Wish, facets_of, has_words

MOST_WORDS = 40  # the last ones of a longer wish
_WORD = re.compile(r"[^\W\d_](?:['’-]?[^\W\d_])*")

ToExample = Callable[[Wish], Example]
Scores = Callable[[Sequence[Example]], Tensor]  # examples -> scores [B, V]


@dataclass(frozen=True, slots=True)
class Contribution:
    """The parts of a movie's score above the catalogue's average, in the model's own unit; they add up to `total`."""

    movie_id: int
    popularity: float
    movies: float
    words: float
    refusals: float

    @property
    def total(self) -> float:
        return self.popularity + self.movies + self.words + self.refusals


@dataclass(frozen=True, slots=True)
class WordWeight:
    """How much a movie's score falls when the word is taken out of the wish. `start` counts the characters of the
    messages' texts joined by one blank."""

    word: str
    start: int
    change: float


def shapley(wish: Wish, to_example: ToExample, scores: Scores) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Popularity, movies, words [V] and the model's own scores of the wish [V], all above their catalogue's average.

    Popularity is the score of a wish that says nothing. The rest is shared between the words and the movies named by
    their Shapley values (Shapley 1953): the mean of what a part adds when it comes first and when it comes last.
    A movie's part holds its mention and its title in the text.
    """
    parts = [Wish(), only_words(wish), only_movies(wish), wish]
    nothing, words, movies, both = above_average(scores([to_example(part) for part in parts]))
    from_words = ((words - nothing) + (both - movies)) / 2
    from_movies = ((movies - nothing) + (both - words)) / 2
    return nothing, from_movies, from_words, both


def above_average(scores: Tensor) -> Tensor:
    """[..., V] -> the same, with a mean of 0 over the movies."""
    return scores - scores.mean(dim=-1, keepdim=True)


def only_words(wish: Wish) -> Wish:
    """The wish without the movies that the user likes. Refused and seen ones stay: the model reads them as words."""
    liked = set(facets_of(wish).liked)
    return Wish(_with_words(_parted(utterance, liked)[0] for utterance in wish.utterances))


def only_movies(wish: Wish) -> Wish:
    """The liked movies and nothing else."""
    liked = set(facets_of(wish).liked)
    return Wish(_with_words(_parted(utterance, liked)[1] for utterance in wish.utterances), liked=wish.liked)


def _with_words(utterances: Iterable[Utterance]) -> tuple[Utterance, ...]:
    return tuple(utterance for utterance in utterances if has_words(utterance.text))


def _parted(utterance: Utterance, liked_ids: set[int]) -> tuple[Utterance, Utterance]:
    """The message without the titles that the whole wish likes, and those titles alone.

    Blanks keep every character in its place.
    """
    words, titles = utterance.text, " " * len(utterance.text)
    liked = tuple(match for match in utterance.matches if match.stance == "liked" and match.movie.movie_id in liked_ids)
    for match in liked:
        words = _blank(words, match.start, match.end)
        titles = titles[: match.start] + utterance.text[match.start : match.end] + titles[match.end :]
    others = tuple(match for match in utterance.matches if match not in liked)
    return replace(utterance, text=words, matches=others), replace(utterance, text=titles, matches=liked)


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + " " * (end - start) + text[end:]


def word_weights(wish: Wish, item: int, to_example: ToExample, scores: Scores) -> list[WordWeight]:
    """The change of one movie's score above the average for each word left out, in order of the text. A title counts
    as one word, and its movie stays mentioned."""
    spans = _spans(wish)[-MOST_WORDS:]
    whole = to_example(wish)
    lacking = [_naming_as(whole, to_example(_without(wish, *span))) for span in spans]
    found = above_average(scores([whole, *lacking]))[:, item].tolist()
    starts = [0]
    for utterance in wish.utterances:
        starts.append(starts[-1] + len(utterance.text) + 1)
    return [
        WordWeight(wish.utterances[place].text[start:end], starts[place] + start, found[0] - change)
        for (place, start, end), change in zip(spans, found[1:], strict=True)
    ]


def _naming_as(whole: Example, lacking: Example) -> Example:
    """The example that lacks a word, with the movies that the whole one names, message by message."""
    pairs = zip(whole.said, lacking.said, strict=True)
    said = tuple(replace(message, mentioned=same.mentioned) for same, message in pairs)
    return replace(lacking, mentioned=whole.mentioned, said=said)


def _spans(wish: Wish) -> list[tuple[int, int, int]]:
    """The words and titles: (which message, start, end)."""
    found = []
    for place, utterance in enumerate(wish.utterances):
        text = utterance.text
        for match in utterance.matches:
            found.append((place, match.start, match.end))
            text = _blank(text, match.start, match.end)
        found += [(place, word.start(), word.end()) for word in _WORD.finditer(text)]
    return sorted(found)


def _without(wish: Wish, place: int, start: int, end: int) -> Wish:
    utterance = wish.utterances[place]
    matches = tuple(match for match in utterance.matches if match.start != start)
    without = replace(utterance, text=_blank(utterance.text, start, end), matches=matches)
    return replace(wish, utterances=(*wish.utterances[:place], without, *wish.utterances[place + 1 :]))
