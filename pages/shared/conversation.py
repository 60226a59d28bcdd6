"""A conversation: what the user wrote and marked, the movies read in it, and the rankings that answered."""

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
    """Movie ids that the user marked, the latest last. A movie has one mark at most."""

    liked: tuple[int, ...] = ()
    seen: tuple[int, ...] = ()
    disliked: tuple[int, ...] = ()

    def marked(self, movie_id: int, mark: Mark) -> "Taste":
        rest = self.without(movie_id)
        return replace(rest, **{mark: (*getattr(rest, mark), movie_id)})

    def without(self, movie_id: int) -> "Taste":
        return Taste(*(tuple(other for other in getattr(self, mark) if other != movie_id) for mark in MARKS))

    def lasting(self) -> "Taste":
        """What holds for the next wish too."""
        return replace(self, liked=())

    def lasts_like(self, other: "Taste") -> bool:
        return set(self.seen) == set(other.seen) and set(self.disliked) == set(other.disliked)


@dataclass
class Turn:
    """One message. `answer` is the ranking that was on the screen when the user went on, None for the last message."""

    utterance: Utterance
    notices: list[str]
    answer: "Answer | None" = None


@dataclass(frozen=True)
class Past:
    """What held before the user's last action, and that action in words."""

    action: str
    utterances: tuple[Utterance, ...]
    taste: Taste
    own: Taste


@dataclass
class Conversation:
    """One for each session. Callbacks change it in place; every change is whole, and the same one twice is one."""

    turns: list[Turn] = field(default_factory=list)
    taste: Taste = Taste()  # what holds for this wish
    own: Taste = Taste()  # the user's seen and disliked movies, of every wish and visit
    own_of: str = ""  # the person whose they are
    shared: bool = False  # came by a link, whose marks hold instead of the user's own
    typed: str | None = None  # a message that no model has read yet
    opened: Link | None = None  # a link that no model has read yet
    problem: str = ""  # why the last action came to nothing, to be told until the next one
    comparing: bool = False
    beside: str = ""  # the run to compare with
    shown: "Answer | None" = None
    past: list[Past] = field(default_factory=list)
    changes: int = 0  # a menu drawn for the movies of before is not the menu of now
    catalog: str = ""  # fingerprint of the trained catalogue that the matches are from
    answers: "dict[tuple[str, float, str], Answer]" = field(default_factory=dict)  # to the wish as it is, by run

    @property
    def begun(self) -> bool:
        """There is a wish, or one that waits for a model."""
        return bool(self.turns or self.taste.liked or self.opened or self.typed is not None)

    @property
    def texts(self) -> list[str]:
        """Every message, also one that waits for a model."""
        waiting = [said.text for said in self.opened.said] if self.opened else []
        return [*(turn.utterance.text for turn in self.turns), *waiting, *filter(None, [self.typed])]

    @property
    def kept(self) -> Taste:
        """What is to be kept of this person."""
        return replace(self.own, liked=self.taste.liked)

    def wish(self, catalog: Catalog) -> Wish:
        """Everything said and marked so far. Movies that the model does not know are left out."""
        liked, seen, disliked = (tuple(filter(catalog.has, getattr(self.taste, mark))) for mark in MARKS)
        return Wish(tuple(_known(turn.utterance, catalog) for turn in self.turns), liked, seen, disliked)

    def take(self, text: str, limit: int) -> None:
        """Keep a message until a model reads it; one without a word is a problem and no message."""
        try:
            check_wish(Wish((Utterance(clean_wish(text, limit)[0]),)))
        except RecommenderError as error:
            self.problem = str(error)
        else:
            self.typed, self.problem = text, ""

    def say(self, text: str, engine: "Engine") -> None:
        """Add a message. Raises `RecommenderError` for one without a word, and keeps the conversation as it is."""
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
        """The answer to everything said so far, computed if need be. Raises `RecommenderError`."""
        self.fit(engine)
        self.shown = self.ask(engine)
        return self.shown

    def fit(self, engine: "Engine") -> bool:
        """Read the messages again for a model of other movies, and let go of those that this one lacks. Whether that
        changed anything of what was read."""
        before = [turn.utterance for turn in self.turns]
        if self.turns and self.catalog != engine.trained.fingerprint:
            self._read_again(engine)
        for turn in self.turns:
            turn.utterance = _known(turn.utterance, engine.catalog)
        return [turn.utterance for turn in self.turns] != before

    def ask(self, engine: "Engine") -> "Answer":
        """A run's answer, without a trace in the conversation. Raises `RecommenderError`."""
        key = engine.run.run_id, engine.run.stamp, engine.catalog.fingerprint
        if key not in self.answers:
            self.answers[key] = engine.recommend(self.wish(engine.catalog), SHOWN)
        return self.answers[key]

    def remove(self, turn: int, match: Match) -> None:
        """The user did not mean this movie: its words become words again."""
        matches = self.turns[turn].utterance.matches
        self._put(turn, f"{match.movie.name}: removed", matches=tuple(other for other in matches if other != match))

    def replace(self, turn: int, match: Match, movie: Movie) -> None:
        """The user meant another movie; the one before becomes an alternative, so that this can be had back."""
        others = tuple(other for other in (match.movie, *match.alternatives) if other != movie)
        meant = replace(match, movie=movie, score=1.0, alternatives=others)
        matches = self.turns[turn].utterance.matches
        action = f"{match.movie.name}: changed to {movie.name}"
        self._put(turn, action, matches=tuple(meant if other == match else other for other in matches))

    def allow_genre(self, turn: int, genre: str) -> None:
        """The user does not refuse this genre."""
        genres = self.turns[turn].utterance.refused_genres
        self._put(turn, f"No {genre}: removed", refused_genres=tuple(other for other in genres if other != genre))

    def mark(self, movie: Movie, mark: Mark, action: str) -> None:
        movie_id = movie.movie_id
        self._mark(self.taste.marked(movie_id, mark), self.own.marked(movie_id, mark).lasting(), movie, action)

    def unmark(self, movie: Movie) -> None:
        self._mark(self.taste.without(movie.movie_id), self.own.without(movie.movie_id), movie, "removed")

    def undo(self) -> None:
        """Back to what held before the last action."""
        if not self.past:
            return
        before = self.past.pop()
        for turn, utterance in zip(self.turns, before.utterances, strict=True):
            turn.utterance = utterance
        self.taste, self.own = before.taste, before.own
        self._changed()

    def start_over(self) -> None:
        """Forget the wish. What the user has seen or put aside still holds."""
        self.turns, self.shown, self.typed, self.opened, self.problem = [], None, None, None, ""
        self.taste, self.shared = self.own, False
        self.past.clear()
        self._changed()

    def use_own(self, person: str, own: Taste) -> None:
        """What this person has seen and put aside before: it holds, unless a link's marks do."""
        self.own_of, self.own = person, own.lasting()
        self.shared = self.shared and not self.taste.lasts_like(own)
        if not self.shared:
            self.make_mine()

    def make_mine(self) -> None:
        """The user's own marks hold, for a shared wish too."""
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
        """Become the wish of the link that was opened. What this model does not know is passed over, and said.

        Raises `RecommenderError` where nothing is left of it.
        """
        link, self.opened = self.opened, None
        turns = [_read_said(said, engine) for said in link.said]
        named = {*link.liked, *(chip.movie_id for said in link.said for chip in said.chips or ())}
        unknown = sum(not engine.catalog.has(movie_id) for movie_id in named)
        if not turns and unknown == len(named):
            raise LinkError("This model knows no movie that the link names. Choose another model, or write your wish.")
        if unknown:
            movies = "a movie" if unknown == 1 else f"{unknown} movies"
            self.problem = f"The link names {movies} that this model does not know: passed over."
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
        """The menus and the answers are those of before."""
        self.changes += 1
        self.answers.clear()

    def _read_again(self, engine: "Engine") -> None:
        """The same messages for a model with other movies."""
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
