"""The losses of one run, applied to what a model makes of a batch."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from recommender.config.losses import LossSettings
from recommender.data.collate import Batch
from recommender.data.engagement import place_of
from recommender.errors import RecommenderError
from recommender.losses.ranking import BinaryCrossEntropy, OpinionLoss, make_loss
from recommender.losses.sampling import Candidates, make_sampler
from recommender.losses.weighting import ALL_ALIKE, MOVIES, TAGS, TargetFacts, make_weights


class Objective(nn.Module):
    """`tasks` are those beside ranking: `tag`, `liked`, `seen`.

    Raises `RecommenderError` for a task that the training data, or a sampled catalogue, gives nothing to learn from.
    """

    def __init__(self, config: LossSettings, facts: TargetFacts, tasks: Sequence[str] = ()) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.ranking_loss = make_loss(config, facts)
        self.weights = make_weights(config, facts)
        self.sampler = make_sampler(config, facts.counts)
        self.tag_loss = BinaryCrossEntropy()
        self.opinion_loss = OpinionLoss()
        _check_tasks(tasks, facts, sampled=self.sampler is not None)

    def candidates(self, targets: Tensor) -> Candidates | None:
        """The movies that this step scores, for targets [R, T]; None for the whole catalogue."""
        return None if self.sampler is None else self.sampler(targets)

    def ranking(
        self, scores: Tensor, targets: Tensor, engagement: Tensor | None, candidates: Candidates | None
    ) -> Tensor:
        """Scores [R, V] or [R, C], targets [R, T] (item indices, padded with -1), [R, T, F] -> scalar."""
        positions = targets if candidates is None else candidates.positions(targets)
        weights = ALL_ALIKE if self.weights is None else self.weights(targets, engagement)
        loss: Tensor = self.ranking_loss(scores, positions, weights, candidates)
        return loss

    def tags(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Scores [G, V] of the tag task, its targets [G, 1] -> scalar."""
        loss: Tensor = self.tag_loss(scores, targets)
        return loss

    def opinions(self, logits: Mapping[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """Opinion -> logits [R, T] for the batch's targets -> opinion -> scalar."""
        return {opinion: self.opinion_loss(found, _known(batch, opinion)) for opinion, found in logits.items()}

    def rows(self, targets: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Task -> the number of rows that its loss is a mean over, `targets` [R, T] being those of the ranking loss."""
        rows = {MOVIES: self.ranking_loss.rows(targets)}
        for task in self.tasks:
            if task != TAGS:
                rows[task] = self.opinion_loss.rows(_known(batch, task))
            elif "tag_targets" in batch:
                rows[task] = self.tag_loss.rows(batch["tag_targets"])
        return rows


def _check_tasks(tasks: Sequence[str], facts: TargetFacts, sampled: bool) -> None:
    if TAGS in tasks and sampled:
        raise RecommenderError(
            "The tag task (model.tags) scores every movie for every tag, and here only some movies are scored. Set "
            "model.tags = false, or loss.sampled = 0 and loss.sample_above above the number of movies."
        )
    for opinion in tasks:
        if opinion != TAGS and not facts.knows(opinion):
            raise RecommenderError(
                f"model.opinions: of none of the {len(facts.movies):,} training targets it is known whether it was "
                f"{opinion}. Leave {opinion!r} out, or learn from other data: ReDial tells both, ratings tell liked."
            )


def _known(batch: Batch, opinion: str) -> Tensor:
    """[R, T], NaN where unknown."""
    if "engagement" in batch:
        return batch["engagement"][..., place_of(opinion)]
    return torch.full(batch["targets"].shape, torch.nan, device=batch["targets"].device)
