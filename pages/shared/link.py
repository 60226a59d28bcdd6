"""Links that hold a wish: converts between a wish and the parameters of the page's address, and validates them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args
from urllib.parse import urlencode, urlsplit

from recommender.data.examples import Stance
from recommender.errors import RecommenderError
from recommender.runs.folder import RUN_ID

WISH, CHIPS, RUN, BESIDE = "wish", "chips", "run", "beside"
MARKS = ("liked", "seen", "disliked")
NAMES = (WISH, CHIPS, *MARKS, RUN, BESIDE)
MAX_CHARACTERS = 12_000  # of all values together
MAX_MESSAGES = 20
MAX_CHIPS = 100  # of a message
MAX_MARKED = 500  # movies in one of the lists

NO_CHIPS = "none"
NUMBER = r"[0-9]{1,10}"  # the id of a movie that a user added is the time: ten digits
MOVIE_CHIP = re.compile(rf"({NUMBER})-({NUMBER})\.({'|'.join(get_args(Stance))})\.({NUMBER})")
GENRE_CHIP = re.compile(r"no\.([a-z][a-z-]{0,31})")
ADVICE = "Ask for a fresh link, or write your wish below."


class LinkError(RecommenderError):
    """An invalid link, or a wish too long for a link."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A recognised movie: characters `start` to `end` of a message."""

    start: int
    end: int
    stance: Stance
    movie_id: int


@dataclass(frozen=True, slots=True)
class Said:
    """One message. With `chips=None` the model recognises the movies itself."""

    text: str
    chips: tuple[Chip, ...] | None = None
    refused_genres: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A wish and the runs that rank for it. `liked`, `seen` and `disliked` are movie ids."""

    said: tuple[Said, ...] = ()
    liked: tuple[int, ...] = ()
    seen: tuple[int, ...] = ()
    disliked: tuple[int, ...] = ()
    run: str = ""
    beside: str = ""


def to_params(link: Link) -> dict[str, list[str]]:
    """The address's parameters, `{}` for an empty link. Raises `LinkError` for a wish too long for an address."""
    params = {
        WISH: [said.text for said in link.said],
        CHIPS: [_write_chips(said) for said in link.said if said.chips is not None],
        **{mark: ["-".join(map(str, getattr(link, mark)))] for mark in MARKS},
        RUN: [link.run],
        BESIDE: [link.beside],
    }
    params = {name: values for name, values in params.items() if any(values)}
    try:
        if from_params(params) in (link, None):
            return params
    except LinkError:
        pass
    raise LinkError("This wish is too long for a link.")


def from_params(params: Mapping[str, Sequence[str]]) -> Link | None:
    """The link in an address, or None if there is no wish in it. Unknown parameters are ignored.

    Raises `LinkError` for anything that `to_params` would not have written.
    """
    known = {name: list(params[name]) for name in NAMES if name in params}
    if not known:
        return None
    if sum(len(value) for values in known.values() for value in values) > MAX_CHARACTERS:
        raise _damaged(f"it is longer than {MAX_CHARACTERS:,} characters")
    marks = {mark: _read_ids(mark, _single(known, mark)) for mark in MARKS}
    return Link(_read_said(known), **marks, run=_read_run(known, RUN), beside=_read_run(known, BESIDE))


def address(base: str, params: Mapping[str, Sequence[str]]) -> str:
    """`base` with the parameters, for the user to copy."""
    slash = "" if urlsplit(base).path else "/"
    return f"{base}{slash}?{urlencode(params, doseq=True)}"


def _write_chips(said: Said) -> str:
    movies = [f"{chip.start}-{chip.end}.{chip.stance}.{chip.movie_id}" for chip in said.chips or ()]
    return "~".join([*movies, *(f"no.{genre}" for genre in said.refused_genres)]) or NO_CHIPS


def _read_said(known: Mapping[str, list[str]]) -> tuple[Said, ...]:
    texts, chips = known.get(WISH, []), known.get(CHIPS, [])
    if len(texts) > MAX_MESSAGES:
        raise _damaged(f"it holds more than {MAX_MESSAGES} messages")
    if any(not text.strip() for text in texts):
        raise _damaged("a message in it is empty")
    if any("\ud800" <= letter <= "\udfff" for text in texts for letter in text):  # half of a surrogate pair
        raise _damaged("a message in it is not valid Unicode")
    if not chips:
        return tuple(map(Said, texts))
    if len(chips) != len(texts):
        raise _damaged(f"it holds {len(texts)} messages and chips for {len(chips)}")
    return tuple(_read_chips(text, written) for text, written in zip(texts, chips, strict=True))


def _read_chips(text: str, written: str) -> Said:
    parts = [] if written == NO_CHIPS else written.split("~")
    if len(parts) > MAX_CHIPS:
        raise _damaged(f"a message in it has more than {MAX_CHIPS} chips")
    chips, genres = [], []
    for part in parts:
        if movie := MOVIE_CHIP.fullmatch(part):
            chips.append(Chip(int(movie[1]), int(movie[2]), movie[3], int(movie[4])))
        elif genre := GENRE_CHIP.fullmatch(part):
            genres.append(genre[1])
        else:
            raise _damaged(f"{part[:40]!r} is not a chip")
    end = 0
    for chip in chips:
        if not end <= chip.start < chip.end <= len(text):
            raise _damaged("the chips in it do not fit the message")
        end = chip.end
    return Said(text, tuple(chips), tuple(genres))


def _read_ids(name: str, written: str) -> tuple[int, ...]:
    parts = written.split("-") if written else []
    if len(parts) > MAX_MARKED:
        raise _damaged(f"it lists more than {MAX_MARKED} movies as {name}")
    if any(not re.fullmatch(NUMBER, part) for part in parts):
        raise _damaged(f"{written[:40]!r} is not a list of movies")
    return _distinct(map(int, parts))


def _read_run(known: Mapping[str, list[str]], name: str) -> str:
    written = _single(known, name)
    if written and not RUN_ID.fullmatch(written):
        raise _damaged(f"{written[:40]!r} is not the name of a model")
    return written


def _single(known: Mapping[str, list[str]], name: str) -> str:
    values = known.get(name, [""])
    if len(values) != 1:
        raise _damaged(f"{name!r} occurs {len(values)} times")
    return values[0]


def _distinct(ids: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(ids))


def _damaged(what: str) -> LinkError:
    return LinkError(f"This link is damaged: {what}. {ADVICE}")
