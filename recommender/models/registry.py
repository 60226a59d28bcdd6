"""The table of models: a configuration's `model.kind` -> a model for a catalogue."""

import torch
from torch import Tensor

from recommender.config.models import DialogueSettings, ModelSettings, OneShotSettings
from recommender.models.base import Recommender
from recommender.models.baselines import Copy, ItemKnn, Popularity
from recommender.models.dialogue import DialogueRecommender
from recommender.models.one_shot import OneShotRecommender

BASELINES: dict[str, type[Popularity] | type[Copy] | type[ItemKnn]] = {
    "popularity": Popularity,
    "copy": Copy,
    "item_knn": ItemKnn,
}


def make_model(config: ModelSettings, movies: int, movie_text: Tensor | None, seed: int) -> Recommender:
    """A fresh model for V = `movies` columns; the same seed gives the same first weights."""
    if config.kind in BASELINES:
        return BASELINES[config.kind](movies)
    if config.reads_movie_text and movie_text is None:
        raise ValueError(f"the model {config.kind!r} needs movie_text [V, D]")
    torch.manual_seed(seed)
    if isinstance(config, DialogueSettings):
        assert movie_text is not None
        return DialogueRecommender(config, movies, movie_text)
    assert isinstance(config, OneShotSettings)
    return OneShotRecommender(config, movies, movie_text)
