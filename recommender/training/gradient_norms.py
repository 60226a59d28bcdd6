"""Gradient norms of the tasks' losses: at the encoder, for the log, and at what they share with the movies' loss."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recommender.losses.weighting import MOVIES
from recommender.models.base import Recommender
from recommender.training.optimizer import in_encoder


@dataclass(frozen=True)
class GradientNorms:
    """Of the tasks' losses before they are weighed."""

    at_encoder: dict[str, float]  # empty for a frozen encoder
    shared: dict[str, tuple[float, float]]  # other task -> the movies' and its own, at the weights that both touch


def gradient_norms(losses: Mapping[str, Tensor], model: Recommender) -> GradientNorms:
    """The graphs of the losses, and the gradients gathered so far, are left as they are."""
    named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    weights = [weight for _, weight in named]
    found = {
        task: torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True) for task, loss in losses.items()
    }
    encoder = [place for place, (name, _) in enumerate(named) if in_encoder(name)]
    at_encoder = {task: _norm([own[place] for place in encoder]) for task, own in found.items()} if encoder else {}
    shared = {}
    for task, own in found.items():
        if task != MOVIES:
            both = [(m, o) for m, o in zip(found[MOVIES], own, strict=True) if m is not None and o is not None]
            shared[task] = _norm([movies for movies, _ in both]), _norm([other for _, other in both])
    return GradientNorms(at_encoder, shared)


def _norm(gradients: list[Tensor | None]) -> float:
    known = [gradient for gradient in gradients if gradient is not None]
    return nn.utils.get_total_norm(known).item() if known else 0.0
