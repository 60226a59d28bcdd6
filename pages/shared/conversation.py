"""The state of a conversation: messages, recognised movies, marks, and the rankings shown."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pages.shared.link import Chip, Link, LinkError, Said
from recommender.data.catalog import Catalog, Movie
from recommender.errors import RecommenderError
from recommender.query.cues import GENRES
from recommender.query.titles import Match
from recommender.query.wish import Utterance, Wish, check_wish, clean_wish

if TYPE_CHECKING:  # it imports torch, and a page is drawn before that is done
    from recommender.query.engine import Answer, Engine

SHOWN = 10
Mark = Literal["liked", "seen", "disliked"]
MARKS: tuple[Mark, ...] = ("liked", "seen", "disliked")


@dataclass(frozen=True, slots=True)
class Taste:
    """Ids of the movies that the user marked, the latest last. A movie has at most one mark."""

    liked: tuple[int, ...] = ()
    seen: tuple[int, ...] = ()
    disliked: tuple[int, ...] = ()

    def marked(self, movie_id: int, mark: Mark) -> "Taste":
        rest = self.without(movie_id)
        return replace(rest, **{mark: (*getattr(rest, mark), movie_id)})

    def without(self, movie_id: int) -> "Taste":
        return Taste(*(tuple(other for other in getattr(self, mark) if other != movie_id) for mark in MARKS))

    def lasting(self) -> "Taste":
        """The marks that also apply to the next wish."""
        return replace(self, liked=())

    def lasts_like(self, other: "Taste") -> bool:
        return set(self.seen) == set(other.seen) and set(self.disliked) == set(other.disliked)


@dataclass
class Turn:
    """One message. `answer` is the ranking that was shown before the next message; None for the last message."""

    utterance: Utterance
    notices: list[str]
    answer: "Answer | None" = None


@dataclass(frozen=True)
class Past:
    """The state before an action of the user, and a description of the action, for undo."""

    action: str
    utterances: tuple[Utterance, ...]
    taste: Taste
    own: Taste


@dataclass
class Conversation:
    """One per session. Callbacks change it in place; every change is complete and idempotent."""

    turns: list[Turn] = field(default_factory=list)
    taste: Taste = Taste()  # applies to this wish
    own: Taste = Taste()  # the user's seen and disliked movies, of every wish and visit
    own_of: str = ""  # the person they belong to
    shared: bool = False  # opened from a link, whose marks apply instead of the user's own
    typed: str | None = None  # a message that no model has read yet
    opened: Link | None = None  # a link that no model has read yet
    problem: str = ""  # why the last action failed, shown until the next one
    comparing: bool = False
    beside: str = ""  # the run to compare with
    shown: "Answer | None" = None
    past: list[Past] = field(default_factory=list)
    changes: int = 0  # part of the menus' keys: old menus are not reused
    catalog: str = ""  # fingerprint of the trained catalogue that the matches are from
    answers: "dict[tuple[str, float, str], Answer]" = field(default_factory=dict)  # for the current wish, by run

    @property
    def begun(self) -> bool:
        """Whether there is a wish, or one that waits for a model."""
        return bool(self.turns or self.taste.liked or self.opened or self.typed is not None)

    @property
    def texts(self) -> list[str]:
        """All messages, including those that wait for a model."""
        waiting = [said.text for said in self.opened.said] if self.opened else []
        return [*(turn.utterance.text for turn in self.turns), *waiting, *filter(None, [self.typed])]

    @property
    def kept(self) -> Taste:
        """The marks to store for this person."""
        return replace(self.own, liked=self.taste.liked)

    def wish(self, catalog: Catalog) -> Wish:
        """The wish: all messages and marks so far, without movies that the model does not know."""
        liked, seen, disliked = (tuple(filter(catalog.has, getattr(self.taste, mark))) for mark in MARKS)
        return Wish(tuple(_known(turn.utterance, catalog) for turn in self.turns), liked, seen, disliked)

    def take(self, text: str, limit: int) -> None:
        """Keep a message until a model reads it. A message without words becomes a problem instead."""
        try:
            check_wish(Wish((Utterance(clean_wish(text, limit)[0]),)))
        except RecommenderError as error:
            self.problem = str(error)
        else:
            self.typed, self.problem = text, ""

    def say(self, text: str, engine: "Engine") -> None:
        """Add a message. Raises `RecommenderError` for one without words; the conversation is then unchanged."""
        on_screen = [item.movie for item in self.shown.recommendations] if self.shown else []
        utterance, notices = engine.read(text, on_screen)
        check_wish(Wish((utterance,)))
        if self.turns:
            self.turns[-1].answer = self.shown
        self.turns.append(Turn(utterance, notices))
        self.catalog = engine.trained.fingerprint
        self.past.clear()
        self.answers.clear()

    def answer(self, engine: "Engine") -> "Answer":
        """The ranking for everything said so far, computed if necessary. Raises `RecommenderError`."""
        self.fit(engine)
        self.shown = self.ask(engine)
        return self.shown

    def fit(self, engine: "Engine") -> bool:
        """Adapt the recognised movies to this model's catalogue; returns whether anything changed."""
        before = [turn.utterance for turn in self.turns]
        if self.turns and self.catalog != engine.trained.fingerprint:
            self._read_again(engine)
        for turn in self.turns:
            turn.utterance = _known(turn.utterance, engine.catalog)
        return [turn.utterance for turn in self.turns] != before

    def ask(self, engine: "Engine") -> "Answer":
        """A run's ranking; does not change what is shown. Raises `RecommenderError`."""
        key = engine.run.run_id, engine.run.stamp, engine.catalog.fingerprint
        if key not in self.answers:
            self.answers[key] = engine.recommend(self.wish(engine.catalog), SHOWN)
        return self.answers[key]

    def remove(self, turn: int, match: Match) -> None:
        """Remove a match: its words are ordinary words again."""
        matches = self.turns[turn].utterance.matches
        self._put(turn, f"{match.movie.name}: removed", matches=tuple(other for other in matches if other != match))

    def replace(self, turn: int, match: Match, movie: Movie) -> None:
        """Change the movie of a match; the previous one becomes an alternative, so that the change can be reversed."""
        others = tuple(other for other in (match.movie, *match.alternatives) if other != movie)
        meant = replace(match, movie=movie, score=1.0, alternatives=others)
        matches = self.turns[turn].utterance.matches
        action = f"{match.movie.name}: changed to {movie.name}"
        self._put(turn, action, matches=tuple(meant if other == match else other for other in matches))

    def allow_genre(self, turn: int, genre: str) -> None:
        """Remove a refused genre."""
        genres = self.turns[turn].utterance.refused_genres
        self._put(turn, f"No {genre}: removed", refused_genres=tuple(other for other in genres if other != genre))

    def mark(self, movie: Movie, mark: Mark, action: str) -> None:
        movie_id = movie.movie_id
        self._mark(self.taste.marked(movie_id, mark), self.own.marked(movie_id, mark).lasting(), movie, action)

    def unmark(self, movie: Movie) -> None:
        self._mark(self.taste.without(movie.movie_id), self.own.without(movie.movie_id), movie, "removed")

    def undo(self) -> None:
        """Restore the state before the last action."""
        if not self.past:
            return
        before = self.past.pop()
        for turn, utterance in zip(self.turns, before.utterances, strict=True):
            turn.utterance = utterance
        self.taste, self.own = before.taste, before.own
        self._changed()

    def start_over(self) -> None:
        """Begin a new wish. Seen and disliked movies still apply."""
        self.turns, self.shown, self.typed, self.opened, self.problem = [], None, None, None, ""
        self.taste, self.shared = self.own, False
        self.past.clear()
        self._changed()

    def use_own(self, person: str, own: Taste) -> None:
        """Apply the person's stored marks, unless a link's marks apply."""
        self.own_of, self.own = person, own.lasting()
        self.shared = self.shared and not self.taste.lasts_like(own)
        if not self.shared:
            self.make_mine()

    def make_mine(self) -> None:
        """Apply the user's own marks to a shared wish."""
        self.shared, self.taste = False, self.kept
        self.past.clear()
        self._changed()

    def forget_marks(self) -> None:
        self.own, self.taste = Taste(), Taste()
        self.past.clear()
        self._changed()

    def link(self, run_id: str) -> Link:
        said = tuple(
            Said(
                turn.utterance.text,
                tuple(Chip(m.start, m.end, m.stance, m.movie.movie_id) for m in turn.utterance.matches),
                turn.utterance.refused_genres,
            )
            for turn in self.turns
        )
        beside = self.beside if self.comparing else ""
        return Link(said, self.taste.liked, self.taste.seen, self.taste.disliked, run_id, beside)

    def open(self, engine: "Engine") -> None:
        """Take over the wish of the opened link. Movies that this model does not know are left out, with a notice.

        Raises `RecommenderError` if nothing of the link is left.
        """
        link, self.opened = self.opened, None
        turns = [_read_said(said, engine) for said in link.said]
        named = {*link.liked, *(chip.movie_id for said in link.said for chip in said.chips or ())}
        unknown = sum(not engine.catalog.has(movie_id) for movie_id in named)
        if not turns and unknown == len(named):
            raise LinkError("This model knows no movie in the link. Choose another model, or write your wish.")
        if unknown:
            movies = "a movie" if unknown == 1 else f"{unknown} movies"
            self.problem = f"The link names {movies} that this model does not know; left out."
        self.turns, self.taste = turns, Taste(link.liked, link.seen, link.disliked)
        self.shared = not self.taste.lasts_like(self.own)
        self.catalog = engine.trained.fingerprint
        self._changed()

    def _mark(self, taste: Taste, own: Taste, movie: Movie, action: str) -> None:
        if taste != self.taste:
            self._remember(f"{movie.name}: {action}")
            self.taste, self.own = taste, own
            self._changed()

    def _put(self, turn: int, action: str, **changed: object) -> None:
        utterance = replace(self.turns[turn].utterance, **changed)
        if utterance != self.turns[turn].utterance:
            self._remember(action)
            self.turns[turn].utterance = utterance
            self._changed()

    def _remember(self, action: str) -> None:
        self.problem = ""
        self.past.append(Past(action, tuple(turn.utterance for turn in self.turns), self.taste, self.own))

    def _changed(self) -> None:
        """Discard the menus and the rankings of the previous state."""
        self.changes += 1
        self.answers.clear()

    def _read_again(self, engine: "Engine") -> None:
        """Match the messages again, for a model with another catalogue."""
        texts = [turn.utterance.text for turn in self.turns]
        self.turns, self.shown = [], None
        for text in texts:
            self.say(text, engine)


def _known(utterance: Utterance, catalog: Catalog) -> Utterance:
    """Without movies that the model lacks, such as one that was added and taken out again."""
    return replace(utterance, matches=tuple(m for m in utterance.matches if catalog.has(m.movie.movie_id)))


def _read_said(said: Said, engine: "Engine") -> Turn:
    """The message with the chips of the link, as far as the model knows their movies."""
    utterance, notices = engine.read(said.text)
    check_wish(Wish((utterance,)))
    if said.chips is None or utterance.text != said.text:  # a message cut here is not the one the chips are of
        return Turn(utterance, notices)
    # What else the words could mean is not in the link.
    read = {(match.start, match.end): match for match in utterance.matches}
    chips = [chip for chip in said.chips if engine.catalog.has(chip.movie_id)]
    matches = tuple(_match(chip, said.text, read, engine.catalog) for chip in chips)
    refused = tuple(genre for genre in said.refused_genres if genre in GENRES)
    return Turn(replace(utterance, matches=matches, refused_genres=refused), notices)


def _match(chip: Chip, text: str, read: dict[tuple[int, int], Match], catalog: Catalog) -> Match:
    movie = catalog.by_id(chip.movie_id)
    found = read.get((chip.start, chip.end))
    others = (found.movie, *found.alternatives) if found else ()
    rest = tuple(other for other in others if other != movie)
    return Match(chip.start, chip.end, text[chip.start : chip.end], movie, 1.0, rest, chip.stance)
