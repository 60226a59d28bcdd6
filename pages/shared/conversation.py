"""A conversation: what the user wrote, the movies read in it, and the rankings that answered."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from recommender.data.catalog import Movie
from recommender.query.titles import Match
from recommender.query.wish import Utterance, Wish, check_wish

if TYPE_CHECKING:  # it imports torch, and a page is drawn before that is done
    from recommender.query.engine import Answer, Engine

SHOWN = 10


@dataclass
class Turn:
    """One message and its answer; `answer` is None until it is computed for the movies as they are now."""

    utterance: Utterance
    notices: list[str]
    answer: "Answer | None" = None


@dataclass
class Conversation:
    turns: list[Turn] = field(default_factory=list)
    changes: int = 0  # to matches: a menu drawn for the movies of before is not the menu of now
    catalog: str = ""  # fingerprint of the catalogue that the matches are from

    def say(self, text: str, engine: "Engine") -> None:
        """Add a message. Raises `RecommenderError` for one without a word, and keeps the conversation as it is."""
        shown = self.turns[-1].answer if self.turns else None
        utterance, notices = engine.read(text, [item.movie for item in shown.recommendations] if shown else [])
        check_wish(Wish((utterance,)))
        self.turns.append(Turn(utterance, notices))
        self.catalog = engine.catalog.fingerprint

    def answer(self, engine: "Engine") -> "Answer":
        """The answer to everything said so far, computed if need be. Raises `RecommenderError`."""
        if self.catalog != engine.catalog.fingerprint:
            self._read_again(engine)
        last = self.turns[-1]
        if last.answer is None:
            last.answer = engine.recommend(Wish(tuple(turn.utterance for turn in self.turns)), SHOWN)
        return last.answer

    def remove(self, turn: int, place: int) -> None:
        """The user did not mean this movie: its words become words again."""
        matches = self.turns[turn].utterance.matches
        self._put(turn, (*matches[:place], *matches[place + 1 :]))

    def replace(self, turn: int, place: int, movie: Movie) -> None:
        """The user meant another movie; the one before becomes an alternative, so that this can be undone."""
        matches = list(self.turns[turn].utterance.matches)
        before = matches[place]
        others = tuple(other for other in (before.movie, *before.alternatives) if other != movie)
        matches[place] = replace(before, movie=movie, score=1.0, alternatives=others)
        self._put(turn, tuple(matches))

    def ask_again(self) -> None:
        """The last answer no longer holds: another movie is meant, or another model asked."""
        if self.turns:
            self.turns[-1].answer = None

    def _put(self, turn: int, matches: tuple[Match, ...]) -> None:
        self.turns[turn].utterance = replace(self.turns[turn].utterance, matches=matches)
        self.changes += 1
        self.ask_again()

    def _read_again(self, engine: "Engine") -> None:
        """The same messages for a model with other movies."""
        texts = [turn.utterance.text for turn in self.turns]
        self.turns = []
        for text in texts:
            self.say(text, engine)
