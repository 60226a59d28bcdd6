"""The text vectors of a run's movies: shipped for ReDial's, computed for those of another data set."""

import logging

import numpy as np

from recommender.config import DataConfig
from recommender.config.models import FrozenText
from recommender.data.assets import MOVIE_TEXT_TOKENS, MovieInfo, load_movie_text, movie_text
from recommender.data.catalog import Catalog
from recommender.data.ratings import find_source
from recommender.data.task import load_catalog
from recommender.models.text_encoder import TextEncoder
from recommender.models.vector_cache import cached_vectors
from recommender.settings import Settings

log = logging.getLogger(__name__)


def movie_vectors(catalog: Catalog, config: DataConfig, settings: Settings) -> np.ndarray:
    """[V, D]. A data set's own movies are known by title, year and genres, read by the encoder that the shipped vectors
    are of; computed once and kept in the cache. Raises `DataError` for assets that are missing or damaged."""
    if config.catalog == "redial" or find_source(config.source, settings) is None:
        return load_movie_text(settings.assets_dir, load_catalog(settings), catalog)
    encoder = TextEncoder(FrozenText())
    log.info("computing the text vectors of %s movies that are not in the cache", f"{len(catalog):,}")
    texts = [movie_text(movie, MovieInfo()) for movie in catalog]
    vectors: np.ndarray = cached_vectors(
        encoder, encoder.tokenize(texts, MOVIE_TEXT_TOKENS, "first"), settings.cache_dir
    ).numpy()
    return vectors
