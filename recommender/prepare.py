"""Checks a data source and, from a folder that holds the movie facts, builds the shipped assets again."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

from recommender.config import DIALOGUE_PROTOCOLS, DataConfig
from recommender.config.models import FrozenText
from recommender.data.assets import (
    CATALOG_FILE,
    COUNTS_FILE,
    CSV_FILE,
    INFO_FILE,
    MOVIE_TEXT_TOKENS,
    VECTORS_FILE,
    MovieInfo,
    build_catalog,
    count_follows,
    movie_text,
    read_info,
    save_arrays,
)
from recommender.data.catalog import Catalog
from recommender.data.dialogue import DialogueSet
from recommender.data.examples import build_examples
from recommender.data.facts import FACTS_FILE, build_facts
from recommender.data.finding import find_file
from recommender.data.movielens import coverage
from recommender.data.ratings import find_source, has_ratings, load_interactions
from recommender.data.redial import find_split, load_dialogues
from recommender.data.source import Source
from recommender.data.task import catalog_for, load_catalog
from recommender.errors import DataError
from recommender.models.text_encoder import TextEncoder
from recommender.settings import Settings

log = logging.getLogger(__name__)

MOVIES_OF = {"redial": "ReDial's movies", "own": "their own movies"}


@dataclass
class Prepared:
    """What `prepare` found, for the screen."""

    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def prepare(source: str, settings: Settings) -> Prepared:
    """Read the source, count its examples under every protocol, and rebuild the assets where the folder allows it."""
    if _ratings_alone(source, settings):
        ratings = _ratings(Source.FOLDER, settings)
        return Prepared(
            [f"{settings.data_dir} holds ratings and no dialogues: next_movie alone", *ratings.lines], ratings.problems
        )
    catalog = load_catalog(settings) if (settings.assets_dir / CATALOG_FILE).is_file() else None
    dialogues = load_dialogues(source, settings, catalog)
    result = Prepared([f"{dialogues.describe()}, read from {dialogues.origin}"], [*dialogues.problems])
    if dialogues.source is Source.FOLDER and settings.data_dir is not None:
        if find_file(settings.data_dir, CSV_FILE) and find_file(settings.data_dir, INFO_FILE):
            catalog = build_assets(dialogues, settings.data_dir, settings)
            names = f"{CATALOG_FILE}, {VECTORS_FILE}, {COUNTS_FILE} and {FACTS_FILE}"
            result.lines.append(f"rebuilt {names} in {settings.assets_dir}")
        else:
            result.lines.append(f"the shipped catalogue stays: {settings.data_dir} lacks {CSV_FILE} or {INFO_FILE}")
    catalog = catalog or load_catalog(settings)
    result.lines.append(f"catalogue: {len(catalog):,} movies; with a MovieLens id: {coverage(catalog)}")
    for protocol in DIALOGUE_PROTOCOLS:
        for split, part in (("train", dialogues.train), ("test", dialogues.test)):
            examples = build_examples(part, protocol, catalog)
            targets = sum(len(example.targets) for example in examples)
            new = sum(len(example.new_targets) for example in examples)
            result.lines.append(
                f"{protocol:15} {split:5} {len(examples):6,} examples {targets:6,} targets {new:6,} of them new"
            )
    ratings = _ratings(dialogues.source, settings)
    return Prepared([*result.lines, *ratings.lines], [*result.problems, *ratings.problems])


def _ratings_alone(source: str, settings: Settings) -> bool:
    """Whether the folder that would be read holds ratings and nothing of ReDial."""
    folder = settings.data_dir
    if folder is None or source not in ("auto", Source.FOLDER):
        return False
    return not find_split(folder, "train") and not find_split(folder, "test") and has_ratings(folder)


def _ratings(source: Source, settings: Settings) -> Prepared:
    """What `next_movie` would learn from here, over ReDial's movies and over the data set's own, or why it cannot."""
    data = DataConfig(source="sample" if source is Source.SAMPLE else "auto")
    try:
        sampled = find_source(data.source, settings) is None
    except DataError as error:
        return Prepared([f"ratings: {error}"])
    found = Prepared()
    for catalog in ("redial",) if sampled else ("redial", "own"):
        config = data.model_copy(update={"catalog": catalog})
        try:
            events = load_interactions(config, settings, catalog_for(config, settings))
        except DataError as error:
            found.lines.append(f"ratings over {MOVIES_OF[catalog]}: {error}")
            continue
        found.lines.append(f"ratings over {MOVIES_OF[catalog]}: {events.describe()}, read from {events.origin}")
        found.problems = events.problems
    return found


def build_assets(dialogues: DialogueSet, folder: Path, settings: Settings) -> Catalog:
    """Catalogue, text vectors, counts and facts from the data folder -> the assets folder."""
    info = read_info(folder)
    catalog = build_catalog(folder, info, dialogues.train)
    encoder = TextEncoder(FrozenText())
    texts = [movie_text(movie, info.get(movie.movie_id, MovieInfo())) for movie in catalog]
    log.info("computing the text vectors of %s movies", f"{len(catalog):,}")
    vectors = encoder.vectors(encoder.tokenize(texts, MOVIE_TEXT_TOKENS, "first"))  # [V, D]
    catalog.save(settings.assets_dir / CATALOG_FILE)
    save_arrays(settings.assets_dir / VECTORS_FILE, {"vectors": vectors.half().numpy()}, catalog)
    save_arrays(settings.assets_dir / COUNTS_FILE, count_follows(dialogues.train, catalog), catalog)
    build_facts(dialogues, catalog).save(settings.assets_dir / FACTS_FILE)
    return catalog
