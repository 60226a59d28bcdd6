"""Wishes and texts as JSON lines, for programs: one object in, one object out."""

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from recommender.data.catalog import Movie
from recommender.errors import RecommenderError
from recommender.query.refusals import with_stances
from recommender.query.titles import Match, TitleMatcher
from recommender.query.wish import Wish, has_words

if TYPE_CHECKING:  # it imports torch
    from recommender.query.engine import Engine


def answer(engine: "Engine", row: dict[str, Any], k: int) -> dict[str, Any]:
    """The best `k` movies for `{"text": ..., "like": [...], "exclude": [...]}`, of which each part may be missing.

    A title that is not in the catalogue does not fail the wish: it is listed in `unknown`, and a notice names the
    nearest titles.

    Raises `RecommenderError` for parts of another kind and for a wish that says nothing.
    """
    text, like, exclude = row.get("text", ""), row.get("like", []), row.get("exclude", [])
    if not isinstance(text, str) or not _are_titles(like) or not _are_titles(exclude):
        raise RecommenderError('A line must be {"text": "...", "like": ["..."], "exclude": ["..."]}.')
    utterance, notices = engine.read(text)
    liked, unknown_liked = engine.lookup_all(like)
    excluded, unknown_excluded = engine.lookup_all(exclude)
    unknown = unknown_liked | unknown_excluded
    if unknown and not liked and not has_words(text):
        raise RecommenderError(" ".join(unknown.values()))
    notices += unknown.values()
    answer = engine.recommend(Wish((utterance,), *(tuple(m.movie_id for m in part) for part in (liked, excluded))), k)
    return {
        "run": engine.run.run_id,
        "matched": [_match(match) for match in utterance.matches],
        "liked": [_movie(movie) for movie in liked],
        "excluded": [_movie(movie) for movie in excluded],
        "unknown": list(unknown),
        "recommendations": [
            {**_movie(item.movie), "rank": item.rank, "score": round(item.score, 4), "reason": "; ".join(item.reasons)}
            for item in answer.recommendations
        ],
        "notices": notices + answer.notices,
        "heeded": answer.filters,
    }


def _are_titles(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(title, str) for title in value)


def matches(matcher: TitleMatcher, text: str) -> dict[str, Any]:
    """The movies that a text names, where it names them, and the genres that it refuses."""
    found, refused_genres = with_stances(text, matcher.find(text))
    return {
        "text": text,
        "refused_genres": refused_genres,
        "matched": [
            {**_match(m), "start": m.start, "end": m.end, "alternatives": [_movie(other) for other in m.alternatives]}
            for m in found
        ],
    }


def _movie(movie: Movie) -> dict[str, Any]:
    return {"movie_id": movie.movie_id, "title": movie.title, "year": movie.year}


def _match(match: Match) -> dict[str, Any]:
    return {**_movie(match.movie), "score": round(match.score, 4), "text": match.text, "stance": match.stance}


def answer_lines(engine: "Engine", k: int) -> None:
    """Wishes on standard input, rankings on standard output, in order. A line that cannot be answered gives
    `{"error": ...}`."""
    for line in lines():
        try:
            row = json.loads(line)
            result = answer(engine, row if isinstance(row, dict) else {"text": row}, k)
        except json.JSONDecodeError as error:
            result = {"error": f"not JSON: {error.msg} at column {error.colno}"}
        except RecursionError:
            result = {"error": "JSON nested too deeply"}
        except (ValueError, RecommenderError) as error:  # a number of thousands of digits is JSON, and cannot be read
            result = {"error": str(error)}
        print(json.dumps(result, ensure_ascii=False), flush=True)


def lines() -> Iterator[str]:
    """Standard input line by line; bytes that are no text become the replacement character."""
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", errors="replace").rstrip("\r\n")
