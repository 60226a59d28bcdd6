"""Which movies a target is compared with: by chance, by popularity, from the batch, or mined from the top ranks."""

import torch
from torch import Tensor

from recommender.config.losses import NegativeConfig
from recommender.losses.sampled import Drawn


def draw_negatives(
    scores: Tensor, wanted: Tensor, config: NegativeConfig, counts: Tensor, drawn: Drawn | None = None
) -> tuple[Tensor, Tensor]:
    """Columns [B, N] of the scores [B, V] that each row's targets are compared with, and which of them [B, N] are none
    of the row's own targets: the others are left out, so a row may have fewer than `config.count`.

    `wanted` [B, V] has a one at each target; `counts` [V] says how often each movie is a target of the training data.
    The share `config.hard` is drawn from the first `config.hard_from` places of the model's own ranking without the
    targets, the rest as `config.kind` says. Drawn with torch's random numbers, so that a resumed run draws the same.
    Where the scores are those of a step's `drawn` movies, a movie comes as much more often as it is there less often.
    """
    mined = round(config.hard * config.count)
    columns = _by_kind(wanted, config, config.count - mined, counts, drawn)
    if mined:
        columns = torch.cat([columns, _hard(scores, wanted, min(config.hard_from, scores.shape[1]), mined)], dim=1)
    return columns, wanted.gather(1, columns) == 0


def _by_kind(wanted: Tensor, config: NegativeConfig, number: int, counts: Tensor, drawn: Drawn | None) -> Tensor:
    rows, movies = wanted.shape
    if not number or (config.kind == "uniform" and drawn is None):
        return torch.randint(movies, (rows, number), device=wanted.device)
    if config.kind != "in_batch":
        own = counts if drawn is None else counts[drawn.columns]
        power = config.power if config.kind == "popularity" else 0.0
        chances = (own + 1.0) ** power  # one more each, so that every movie may come
        if drawn is not None:
            chances = chances / drawn.chances
        return torch.multinomial(chances, rows * number, replacement=True).view(rows, number)
    pool = wanted.nonzero()[:, 1]  # each movie as often as the batch wants it
    if not len(pool):
        pool = torch.arange(movies, device=wanted.device)
    return pool[torch.randint(len(pool), (rows, number), device=wanted.device)]


def _hard(scores: Tensor, wanted: Tensor, places: int, number: int) -> Tensor:
    top = scores.detach().masked_fill(wanted > 0, -torch.inf).topk(places, dim=1).indices  # [B, places]
    return top.gather(1, torch.randint(places, (len(top), number), device=top.device))
