"""What a run learns from and is measured on: catalogue, data and the examples of its protocol, split."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from recommender.config import DIALOGUE_PROTOCOLS, DataConfig, Protocol
from recommender.data.assets import CATALOG_FILE
from recommender.data.catalog import Catalog
from recommender.data.dialogue import Dialogue, DialogueSet
from recommender.data.digests import PUBLISHED, Digests
from recommender.data.examples import Example
from recommender.data.interaction import InteractionSet
from recommender.data.movie_files import own_catalog
from recommender.data.next_movie import History
from recommender.data.parts import DialogueParts, HistoryParts, Parts
from recommender.data.ratings import find_source, load_interactions
from recommender.data.redial import load_dialogues
from recommender.data.splits import SPLITS, hold_out_movies
from recommender.data.tags import TagRow, load_tags
from recommender.errors import DataError, UnknownNameError
from recommender.settings import Settings


def load_catalog(settings: Settings) -> Catalog:
    """The shipped catalogue, ReDial's movies."""
    return Catalog.load(settings.assets_dir / CATALOG_FILE)


def catalog_for(config: DataConfig, settings: Settings) -> Catalog:
    """All movies that a run with these settings may rank: ReDial's, or those of the data set itself. The sample has
    none of its own."""
    if config.catalog == "redial":
        return load_catalog(settings)
    path = find_source(config.source, settings)
    return load_catalog(settings) if path is None else own_catalog(path)


def load_data(
    protocol: Protocol, config: DataConfig, settings: Settings, catalog: Catalog
) -> DialogueSet | InteractionSet:
    """The dialogues or interactions that a protocol asks of, over the run's movies, `catalog`. Interactions are joined
    with the shipped catalogue, or the data set's own, so that they are split alike whichever of its movies the run
    knows. Raises `DataError` for dialogues over a catalogue that is not theirs."""
    if protocol not in DIALOGUE_PROTOCOLS:
        return load_interactions(config, settings, catalog_for(config, settings))
    _check_catalog(protocol, config)
    return load_dialogues(config.source, settings, catalog)


def _check_catalog(protocol: Protocol, config: DataConfig) -> None:
    if protocol in DIALOGUE_PROTOCOLS and config.catalog == "own":
        raise DataError(
            f"The protocol {protocol} asks of ReDial's dialogues, and data.catalog = own ranks the movies of a data "
            "set of ratings. Choose the protocol next_movie, or data.catalog = redial."
        )


def measured_with(protocol: Protocol, config: DataConfig) -> DataConfig:
    """A run's settings under a protocol that may be another than its own: a run of ratings that is measured on
    conversations learned from none of them, and nobody's last movies can be left out there."""
    if protocol in DIALOGUE_PROTOCOLS and config.hold_out == "leave_one_out":
        return config.model_copy(update={"hold_out": "latest"})
    return config


@dataclass(frozen=True)
class Task:
    """Examples come from training, validation and test data that are apart; those of the test only when asked for."""

    catalog: Catalog
    data: DialogueSet | InteractionSet
    protocol: Protocol
    config: DataConfig
    seed: int
    settings: Settings

    @cached_property
    def parts(self) -> Parts:
        """Raises `DataError` for a protocol that asks of another kind of data."""
        if isinstance(self.data, DialogueSet) != (self.protocol in DIALOGUE_PROTOCOLS):
            raise DataError(f"The protocol {self.protocol} does not ask of such data: {self.data.describe()}.")
        if isinstance(self.data, DialogueSet):
            return DialogueParts(self.data, self.protocol, self.catalog, self.config, self.seed)
        return HistoryParts(self.data, self.catalog, self.config, self.seed)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the data's ids and the catalogue: a run may only be resumed on the same."""
        return hashlib.sha256("\n".join([self.catalog.fingerprint, *self.parts.identity()]).encode()).hexdigest()[:16]

    def digests(self, split: str) -> Digests:
        """A number for each dialogue or event of a split."""
        _check(split)
        return self.parts.digests(split)

    def other_data(self, split: str) -> str:
        """A fingerprint of the data that a split is taken from; empty for ReDial's own splits and for the sample."""
        _check(split)
        found = "" if self.data.source == "sample" else self.parts.fingerprint(split)
        return "" if found in PUBLISHED else found

    def split(self, name: str) -> list[Dialogue]:
        """The dialogues of a split. Raises `UnknownNameError` for a split that does not exist and `DataError` for a
        task without dialogues."""
        _check(name)
        if not isinstance(self.parts, DialogueParts):
            raise DataError(f"This needs dialogues, and the protocol {self.protocol} has none.")
        return self.parts.of(name)

    def ids(self, split: str) -> list[str]:
        """Of the dialogues or events of a split."""
        _check(split)
        return self.parts.ids(split)

    def mentions(self, split: str) -> Counter[int]:
        """In how many messages, or by how many people, each movie is named in a split: movie id -> count."""
        _check(split)
        return self.parts.mentions(split)

    def examples(self, split: str) -> list[Example]:
        _check(split)
        return self.parts.examples(split)

    def histories(self, split: str) -> Iterator[History]:
        """What each person watched, as one sequence in which the targets of the split are marked. Raises `DataError`
        for a task of dialogues."""
        _check(split)
        if not isinstance(self.parts, HistoryParts):
            raise DataError(f"The protocol {self.protocol} asks of dialogues: no person has a history there.")
        return self.parts.histories(split)

    def learning_examples(self) -> list[Example]:
        """The training examples, with the seeker's movies as answers too where the settings ask for that."""
        return self.parts.learning_examples()

    def tags(self) -> list[TagRow]:
        """Raises `DataError` if there are none, or none that belong to the catalogue."""
        if self.config.catalog == "own":
            raise DataError("Tags are joined with ReDial's movies. Leave model.tags out, or set data.catalog = redial.")
        limits = (self.config.tags_per_movie, self.config.tag_min_chars)
        return load_tags(self.settings.data_dir, self.catalog, *limits, self.config.tag_join == "same_number")


def _check(split: str) -> None:
    if split not in SPLITS:
        raise UnknownNameError("split", split, SPLITS)


def load_task(protocol: Protocol, config: DataConfig, seed: int, settings: Settings) -> Task:
    """Raises `DataError` for data that is not there or cannot be used, and for settings that it does not fit."""
    _check_catalog(protocol, config)
    catalog = catalog_for(config, settings)
    data = load_data(protocol, config, settings, catalog)
    kept, _ = hold_out_movies(catalog, config.held_out_movies, seed)
    return Task(kept, data, protocol, config, seed, settings)
