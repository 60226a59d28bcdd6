"""Dialogues between a seeker and a recommender: what every reader gives and every protocol asks of."""

import re
from dataclasses import dataclass, field
from typing import Literal

from recommender.data.engagement import Engagement
from recommender.data.source import Source
from recommender.wording import SAMPLE

Role = Literal["seeker", "recommender"]
MENTION = re.compile(r"@(\d{1,18})(?!\d)")  # more digits are no id


@dataclass(frozen=True, slots=True)
class Message:
    """One utterance. Movies stand in `text` as `@id`."""

    role: Role
    text: str

    @property
    def movie_ids(self) -> tuple[int, ...]:
        """The mentioned ids in order, each once. The whole number is read, so `@123` is not found in `@1234`."""
        return tuple(dict.fromkeys(int(number) for number in MENTION.findall(self.text)))


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One conversation. `names` holds the movie names that the record itself declares, `engagement` what the two people
    filled in afterwards: whether the seeker liked a movie, had seen it, and who brought it up. `seeker` is the id of
    the person who asks, empty where it is not known."""

    dialogue_id: str
    messages: tuple[Message, ...]
    names: dict[int, str] = field(default_factory=dict)
    engagement: dict[int, Engagement] = field(default_factory=dict)
    seeker: str = ""


@dataclass(frozen=True)
class DialogueSet:
    """The two published splits, which source they came from, and the lines that could not be used.

    `origin` is a path of this machine; `describe` leaves it out, since runs are shared.
    """

    source: Source
    origin: str
    train: list[Dialogue]
    test: list[Dialogue]
    problems: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """One sentence for the screen and the log; it never hides that the sample stands in for ReDial."""
        counts = f"{len(self.train):,} training and {len(self.test):,} test dialogues"
        skipped = f"; {len(self.problems)} malformed line(s) skipped" if self.problems else ""
        what = SAMPLE if self.source is Source.SAMPLE else f"ReDial ({self.source})"
        return f"{what}: {counts}{skipped}"
