"""Training, validation and test part of a kind of data, and the examples of each: dialogues, or what people watched."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Protocol as Interface

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.config import DataConfig, Protocol
from recommender.data.catalog import Catalog
from recommender.data.dialogue import Dialogue, DialogueSet
from recommender.data.digests import Digests, dialogue_digests, event_digests, fingerprint
from recommender.data.examples import Example, build_examples
from recommender.data.interaction import InteractionSet
from recommender.data.next_movie import History, histories, next_movies
from recommender.data.splits import split_dialogues, split_events
from recommender.errors import DataError


class Parts(Interface):
    """What a task needs of its data. `split` is one of `splits.SPLITS`."""

    unit: str  # what is split, in the plural

    def ids(self, split: str) -> list[str]:
        """Of what is split."""

    def examples(self, split: str) -> list[Example]: ...

    def learning_examples(self) -> list[Example]:
        """The training examples, and others to learn from where the settings ask for them."""

    def mentions(self, split: str) -> Counter[int]:
        """How often each movie is named or watched."""

    def identity(self) -> Sequence[str]:
        """What the data is known by."""

    def digests(self, split: str) -> Digests:
        """A number for each of what is split."""

    def fingerprint(self, split: str) -> str:
        """A hash of the data that a split is taken from."""


class DialogueParts:
    """Train and validation come from the training dialogues; test is ReDial's own."""

    unit = "dialogues"

    def __init__(
        self, dialogues: DialogueSet, protocol: Protocol, catalog: Catalog, config: DataConfig, seed: int
    ) -> None:
        self.dialogues, self.protocol, self.catalog, self.config, self.seed = dialogues, protocol, catalog, config, seed

    @cached_property
    def _parts(self) -> dict[str, list[Dialogue]]:
        train, validation = split_dialogues(
            self.dialogues.train, self.config.validation, self.seed, self.config.hold_out
        )
        return {"train": train, "validation": validation, "test": self.dialogues.test}

    def of(self, split: str) -> list[Dialogue]:
        return self._parts[split]

    def ids(self, split: str) -> list[str]:
        return [dialogue.dialogue_id for dialogue in self.of(split)]

    def examples(self, split: str) -> list[Example]:
        return build_examples(self.of(split), self.protocol, self.catalog)

    def learning_examples(self) -> list[Example]:
        return build_examples(self.of("train"), self.protocol, self.catalog, self.config.learn_from == "everyone")

    def mentions(self, split: str) -> Counter[int]:
        return Counter(m for dialogue in self.of(split) for message in dialogue.messages for m in message.movie_ids)

    def identity(self) -> Sequence[str]:
        return sorted(dialogue.dialogue_id for dialogue in self.dialogues.train)

    def digests(self, split: str) -> Digests:
        return dialogue_digests(self.of(split))

    def fingerprint(self, split: str) -> str:
        whole = self.dialogues.test if split == "test" else self.dialogues.train
        return fingerprint(dialogue.dialogue_id for dialogue in whole)


class HistoryParts:
    """All three come from the same events, as `data.hold_out` says. An input is all that the person watched before, in
    whichever part it is: what was held out for validation is known by the time of the test."""

    unit = "events"

    def __init__(self, interactions: InteractionSet, catalog: Catalog, config: DataConfig, seed: int) -> None:
        self.events, self.timed = interactions.events, interactions.timed
        self.catalog, self.config, self.seed = catalog, config, seed

    @cached_property
    def _parts(self) -> NDArray[np.str_]:
        shares = self.config.validation, self.config.test
        if self.config.hold_out == "latest" and not self.timed:
            raise DataError("data.hold_out = latest needs times, and these ratings have none. Choose leave_one_out.")
        return split_events(self.events, self.config.hold_out, *shares, self.seed)

    @cached_property
    def _latest(self) -> int:
        """The time of the latest event that is learned from: nothing that is held out tells how late it is. Before all
        others, where times are not known, so that nothing has an age."""
        if not self.timed:
            return -1
        return int(self.of("train")["timestamp"].max()) if "train" in self._parts else 0

    def of(self, split: str) -> pd.DataFrame:
        rows: pd.DataFrame = self.events[self._parts == split]
        return rows

    def ids(self, split: str) -> list[str]:
        rows = self.of(split)
        return [f"{person}:{movie_id}" for person, movie_id in zip(rows["person"], rows["movie_id"], strict=True)]

    def examples(self, split: str) -> list[Example]:
        asked, whole = self._parts == split, split != "train"
        return next_movies(self.events, asked, self.catalog, self.config, self._latest, whole, self.timed)

    def histories(self, split: str) -> Iterator[History]:
        return histories(self.events, self._parts == split, self.catalog, self.config.max_targets)

    def learning_examples(self) -> list[Example]:
        return self.examples("train")

    def mentions(self, split: str) -> Counter[int]:
        return Counter(self.of(split)["movie_id"].tolist())

    def identity(self) -> Sequence[str]:
        hashes = pd.util.hash_pandas_object(self.events, index=False).to_numpy()
        return [hashlib.sha256(hashes.tobytes()).hexdigest()]

    def digests(self, split: str) -> Digests:
        return event_digests(self.of(split))

    def fingerprint(self, split: str) -> str:
        return fingerprint(self.identity())
