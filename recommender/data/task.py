"""What a run learns from and is measured on: catalogue, dialogues and the examples of its protocol, split."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from recommender.config import DataConfig, Protocol
from recommender.data.assets import CATALOG_FILE
from recommender.data.catalog import Catalog
from recommender.data.examples import Example, build_examples
from recommender.data.movielens import TagRow, load_tags
from recommender.data.redial import Dialogue, DialogueSet, load_dialogues
from recommender.data.splits import hold_out_movies, split_dialogues
from recommender.errors import UnknownNameError
from recommender.settings import Settings

SPLITS = ("train", "validation", "test")


def load_catalog(settings: Settings) -> Catalog:
    return Catalog.load(settings.assets_dir / CATALOG_FILE)


@dataclass(frozen=True)
class Task:
    """Train and validation come from the training dialogues; test is ReDial's, read only when asked for."""

    catalog: Catalog
    dialogues: DialogueSet
    protocol: Protocol
    config: DataConfig
    seed: int
    settings: Settings

    @cached_property
    def _parts(self) -> dict[str, list[Dialogue]]:
        train, validation = split_dialogues(
            self.dialogues.train, self.config.validation, self.seed, self.config.hold_out
        )
        return {"train": train, "validation": validation, "test": self.dialogues.test}

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the training dialogues' ids and the catalogue: a run may only be resumed on the same."""
        ids = sorted(dialogue.dialogue_id for dialogue in self.dialogues.train)
        return hashlib.sha256("\n".join([self.catalog.fingerprint, *ids]).encode()).hexdigest()[:16]

    def split(self, name: str) -> list[Dialogue]:
        """The dialogues of a split. Raises `UnknownNameError` for a split that does not exist."""
        if name not in SPLITS:
            raise UnknownNameError("split", name, SPLITS)
        return self._parts[name]

    def examples(self, split: str) -> list[Example]:
        return build_examples(self.split(split), self.protocol, self.catalog)

    def learning_examples(self) -> list[Example]:
        """The training examples, with the seeker's movies as answers too where the settings ask for that."""
        return build_examples(self.split("train"), self.protocol, self.catalog, self.config.learn_from == "everyone")

    def tags(self) -> list[TagRow]:
        limits = (self.config.tags_per_movie, self.config.tag_min_chars)
        return load_tags(self.settings.data_dir, self.catalog, *limits, self.config.tag_join == "same_number")


def load_task(protocol: Protocol, config: DataConfig, seed: int, settings: Settings) -> Task:
    catalog = load_catalog(settings)
    dialogues = load_dialogues(config.source, settings, catalog)
    kept, _ = hold_out_movies(catalog, config.held_out_movies, seed)
    return Task(kept, dialogues, protocol, config, seed, settings)
