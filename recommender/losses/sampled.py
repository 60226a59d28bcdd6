"""Which movies a training step is scored over where the catalogue is too large for all: its targets, and others drawn
by their popularity."""

import logging
from typing import NamedTuple

import torch
from torch import Tensor, nn

from recommender.config.losses import LossSettings, SoftmaxSettings
from recommender.errors import RecommenderError
from recommender.models.columns import places_among

log = logging.getLogger(__name__)

DRAWN = 4096  # movies a step, where a catalogue is sampled because of its size


class Drawn(NamedTuple):
    """C of the V = `catalogue` movies. What is summed over them, each divided by its chance, is on average the sum over
    the catalogue (Horvitz & Thompson 1952)."""

    columns: Tensor  # [C] int64, ascending, each once
    chances: Tensor  # [C] float32, that a step has the column; 1 for the targets, which every step has
    catalogue: int

    def places(self, targets: Tensor) -> Tensor:
        """Columns of the catalogue [B, T], padded with -1 -> where they stand among the drawn ones."""
        return places_among(self.columns, targets)


class ColumnSampler(nn.Module):
    """Draws a step's movies: every movie by a chance of its own, independently, `number` on average beside the targets.

    Chances rise with `counts` [V], how often a movie is a target of the training data, to the power `power` (one more
    for each, so that every movie may come). Popular movies are what a model confuses with a target (Bengio & Senecal
    2008), and dividing by the chance keeps the loss from learning it (the logQ correction: Yi et al. 2019). Drawn with
    torch's random numbers, so that a resumed run draws the same.
    """

    chances: Tensor

    def __init__(self, number: int, counts: Tensor, power: float) -> None:
        super().__init__()
        chances = chances_of((counts.double() + 1) ** power, number).float()
        chances[chances.argmax()] = 1.0  # a step without any movie would have nothing to score
        self.register_buffer("chances", chances, persistent=False)

    def forward(self, targets: Tensor) -> Drawn:
        """Targets [B, T] int64, padded with -1 -> the step's movies, all targets among them."""
        chances = self.chances.clone()
        chances[targets[targets >= 0]] = 1.0
        columns = (torch.rand_like(chances) < chances).nonzero().squeeze(1)
        return Drawn(columns, chances[columns], len(chances))


def chances_of(weights: Tensor, number: int) -> Tensor:
    """Weights [V] above 0 -> chances [V] in proportion to them, but at most 1, whose sum is `number` (at most V).

    >>> chances_of(torch.tensor([8.0, 1.0, 1.0]), 2).tolist()
    [1.0, 0.5, 0.5]
    """
    if number >= len(weights):
        return torch.ones_like(weights)
    highest = weights.sort(descending=True).values
    # With the n heaviest sure to come, `number - n` are left for the rest in proportion to their weights.
    rest = highest.flip(0).cumsum(0).flip(0)  # [V], what those from place n on weigh together
    scales = (number - torch.arange(len(weights), device=weights.device)) / rest
    sure = int((scales * highest > 1).sum())
    return (weights * scales[sure]).clamp(max=1)


def make_sampler(config: LossSettings, counts: Tensor) -> ColumnSampler | None:
    """What the settings ask for; None where every step scores the whole catalogue. `counts` [V] as for the sampler.

    Raises `RecommenderError` for a loss that a sample cannot stand in for.
    """
    movies = len(counts)
    number = config.sampled or (DRAWN if movies > config.sample_above else 0)
    if not 0 < number < movies:
        return None
    if isinstance(config, SoftmaxSettings) and config.label_smoothing:
        whole = "loss.sampled = 0" if config.sampled else f"loss.sample_above = {movies}"
        raise RecommenderError(
            f"loss.label_smoothing spreads weight over the whole catalogue, of which each step would see {number:,} of "
            f"{movies:,} movies. Set loss.label_smoothing = 0, or {whole} to score all of them."
        )
    log.info(
        "each step compares with about %s of %s movies: loss.sampled = %s, loss.sample_above = %s",
        f"{number:,}",
        f"{movies:,}",
        config.sampled,
        config.sample_above,
    )
    return ColumnSampler(number, counts, config.sampling_power)
