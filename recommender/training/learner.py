"""A model and the losses of all its tasks: one forward of it is all that a training step computes, in however many
processes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recommender.config.losses import LossSettings
from recommender.data.collate import Batch
from recommender.data.engagement import column
from recommender.errors import RecommenderError
from recommender.losses.ranking import BinaryCrossEntropy, OpinionLoss, make_loss
from recommender.losses.sampling import make_sampler
from recommender.losses.weighting import ALL_ALIKE, MOVIES, TAGS, TargetFacts, TaskBalance, Weights, make_weights
from recommender.models.base import Recommender


class Learner(nn.Module):
    """What the Trainer trains. `tasks` are those beside ranking: `tag`, `liked`, `seen`.

    Raises `RecommenderError` for a task that the training data, or a sampled catalogue, gives nothing to learn from.
    """

    def __init__(
        self, recommender: Recommender, config: LossSettings, facts: TargetFacts, tasks: Sequence[str]
    ) -> None:
        super().__init__()
        self.recommender = recommender
        self.movie_loss = make_loss(config, facts)
        self.weights = make_weights(config, facts)
        self.sampler = make_sampler(config, facts.counts)
        self.tag_loss = BinaryCrossEntropy()
        self.opinion_loss = OpinionLoss()
        self.balance = TaskBalance(config, tasks)
        _check_tasks(tasks, facts, sampled=self.sampler is not None)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Task -> its loss, a scalar, before the tasks are weighed."""
        candidates = self.sampler(batch["targets"]) if self.sampler is not None else None
        outputs = self.recommender.outputs(batch if candidates is None else batch | {"columns": candidates.indices})
        targets = self._of_rows(batch["targets"], batch)
        positions = targets if candidates is None else candidates.positions(targets)
        losses = {MOVIES: self.movie_loss(outputs.scores, positions, self._weights(targets, batch), candidates)}
        if "tag_targets" in batch:
            losses[TAGS] = self.tag_loss(self.recommender.tag_scores(batch), batch["tag_targets"])
        for opinion, logits in outputs.opinions.items():
            losses[opinion] = self.opinion_loss(logits, _opinions(batch, opinion))
        return losses

    def rows(self, batch: Batch) -> dict[str, Tensor]:
        """Task -> how much its mean weighs among the means of other pieces of the same batch."""
        rows = {MOVIES: self.movie_loss.rows(self._of_rows(batch["targets"], batch))}
        for task in self.balance.tasks[1:]:
            if task != TAGS:
                rows[task] = self.opinion_loss.rows(_opinions(batch, task))
            elif "tag_targets" in batch:
                rows[task] = self.tag_loss.rows(batch["tag_targets"])
        return rows

    def activation_checkpointing_enable(self, **_: object) -> None:
        """What the Trainer asks for under training.gradient_checkpointing: the text encoder is where memory goes."""
        if self.recommender.text is not None:
            self.recommender.text.checkpoint_activations()

    def _of_rows(self, inputs: Tensor, batch: Batch) -> Tensor:
        return self.recommender.training_rows(inputs, batch)

    def _weights(self, targets: Tensor, batch: Batch) -> Weights:
        if self.weights is None:
            return ALL_ALIKE
        known = self._of_rows(batch["engagement"], batch) if "engagement" in batch else None
        weights: Weights = self.weights(targets, known)
        return weights


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


def _opinions(batch: Batch, opinion: str) -> Tensor:
    """[B, T], NaN where unknown."""
    if "engagement" in batch:
        return batch["engagement"][..., column(opinion)]
    return torch.full(batch["targets"].shape, torch.nan, device=batch["targets"].device)
