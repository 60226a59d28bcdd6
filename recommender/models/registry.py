"""Settings -> a model: the table of kinds is `config.models.MODELS`."""

from importlib import import_module

import torch

from recommender.config import Protocol
from recommender.config.models import MODELS, BaselineSettings, ModelSettings
from recommender.errors import RecommenderError
from recommender.models.base import Context, Recommender


def model_class(settings: type[ModelSettings]) -> type[Recommender]:
    """The class that `settings.implementation` names."""
    module, _, name = settings.implementation.partition(":")
    found: type[Recommender] = getattr(import_module(module), name)
    return found


def make_model(settings: ModelSettings, context: Context) -> Recommender:
    """A fresh model; the same seed gives the same first weights. Raises `RecommenderError` where the vectors of the
    movies' texts are needed and missing."""
    if settings.reads_movie_text and context.movie_text is None:
        raise RecommenderError(f"The model {settings.kind!r} needs the vectors of the movies' texts [V, D].")
    torch.manual_seed(context.seed)
    return model_class(type(settings)).build(settings, context)


def baselines_of(protocol: Protocol) -> dict[str, BaselineSettings]:
    """The baselines that stand beside a model measured under a protocol, by their kind."""
    kinds = [kind for kind in MODELS.values() if issubclass(kind, BaselineSettings)]
    found = (kind.model_validate({}) for kind in kinds if kind.protocols is None or protocol in kind.protocols)
    return {settings.kind: settings for settings in found}
