"""Sampled candidates, which stand in for a large catalogue, and the negatives that BPR compares a target with.

Both use torch's random numbers, so that a resumed run samples the same.
"""

import logging
from typing import NamedTuple

import torch
from torch import Tensor, nn

from recommender.config.losses import LossSettings, NegativeConfig, SoftmaxSettings
from recommender.data.indices import positions_in
from recommender.errors import RecommenderError

log = logging.getLogger(__name__)

CANDIDATES = 4096  # a step, where a catalogue is sampled because of its size


class Candidates(NamedTuple):
    """C of the V = `catalogue` movies. A sum over them, each divided by its probability, is an unbiased estimate of the
    sum over the catalogue (Horvitz & Thompson 1952)."""

    indices: Tensor  # [C] int64, ascending, each once
    probabilities: Tensor  # [C] float32, that a step has the movie; 1 for the targets, which every step has
    catalogue: int

    def positions(self, targets: Tensor) -> Tensor:
        """Item indices [B, T], padded with -1 -> their positions among the candidates."""
        return positions_in(self.indices, targets)


class CandidateSampler(nn.Module):
    """Samples a step's candidates: every movie independently, with a probability of its own; `number` on average beside
    the targets.

    Probabilities rise with `counts` [V], how often a movie is a target of the training data, to the power `power` (one
    more for each, so that every movie may come). Popular movies are what a model confuses with a target (Bengio &
    Senecal 2008), and dividing by the probability keeps the loss from learning it (the logQ correction, Yi et al.
    2019).
    """

    probabilities: Tensor

    def __init__(self, number: int, counts: Tensor, power: float) -> None:
        super().__init__()
        probabilities = inclusion_probabilities((counts.double() + 1) ** power, number).float()
        probabilities[probabilities.argmax()] = 1.0  # a step without any movie would have nothing to score
        self.register_buffer("probabilities", probabilities, persistent=False)

    def forward(self, targets: Tensor) -> Candidates:
        """Targets [B, T] int64, padded with -1 -> the step's candidates, all targets among them."""
        probabilities = self.probabilities.clone()
        probabilities[targets[targets >= 0]] = 1.0
        indices = (torch.rand_like(probabilities) < probabilities).nonzero().squeeze(1)
        return Candidates(indices, probabilities[indices], len(probabilities))


def inclusion_probabilities(weights: Tensor, number: int) -> Tensor:
    """Weights [V] above 0 -> probabilities [V] in proportion to them, but at most 1, whose sum is `number` (at most V).

    >>> inclusion_probabilities(torch.tensor([8.0, 1.0, 1.0]), 2).tolist()
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


def make_sampler(config: LossSettings, counts: Tensor) -> CandidateSampler | None:
    """The sampler that the settings ask for; None where every step scores the whole catalogue. `counts` [V] as for the
    sampler.

    Raises `RecommenderError` for a loss that cannot be estimated from a sample.
    """
    movies = len(counts)
    number = config.sampled or (CANDIDATES if movies > config.sample_above else 0)
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
    return CandidateSampler(number, counts, config.sampling_power)


def sample_negatives(
    scores: Tensor, wanted: Tensor, config: NegativeConfig, counts: Tensor, candidates: Candidates | None = None
) -> tuple[Tensor, Tensor]:
    """Negatives [B, N] of each row as indices into the scores [B, V], and which of them [B, N] are none of the row's
    own targets: the others are left out, so a row may have fewer than `config.count`.

    `wanted` [B, V] has a one at each target; `counts` [V] says how often each movie is a target of the training data.
    The share `config.hard` is sampled from the first `config.hard_from` places of the model's own ranking without the
    targets, the rest as `config.kind` says. Where the scores are those of sampled `candidates`, a movie is chosen the
    more often, the less often it is a candidate.
    """
    mined = round(config.hard * config.count)
    negatives = _by_kind(wanted, config, config.count - mined, counts, candidates)
    if mined:
        negatives = torch.cat([negatives, _hard(scores, wanted, min(config.hard_from, scores.shape[1]), mined)], dim=1)
    return negatives, wanted.gather(1, negatives) == 0


def _by_kind(
    wanted: Tensor, config: NegativeConfig, number: int, counts: Tensor, candidates: Candidates | None
) -> Tensor:
    rows, movies = wanted.shape
    if not number or (config.kind == "uniform" and candidates is None):
        return torch.randint(movies, (rows, number), device=wanted.device)
    if config.kind != "in_batch":
        own = counts if candidates is None else counts[candidates.indices]
        power = config.power if config.kind == "popularity" else 0.0
        weights = (own + 1.0) ** power  # one more each, so that every movie may come
        if candidates is not None:
            weights = weights / candidates.probabilities
        return torch.multinomial(weights, rows * number, replacement=True).view(rows, number)
    pool = wanted.nonzero()[:, 1]  # each movie as often as it is a target of the batch
    if not len(pool):
        pool = torch.arange(movies, device=wanted.device)
    return pool[torch.randint(len(pool), (rows, number), device=wanted.device)]


def _hard(scores: Tensor, wanted: Tensor, places: int, number: int) -> Tensor:
    top = scores.detach().masked_fill(wanted > 0, -torch.inf).topk(places, dim=1).indices  # [B, places]
    return top.gather(1, torch.randint(places, (len(top), number), device=top.device))
