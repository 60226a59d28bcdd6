"""A model with the losses of its tasks: what the Trainer trains, in however many processes."""

from collections.abc import Sequence

from torch import Tensor, nn

from recommender.config.losses import LossSettings
from recommender.data.collate import Batch
from recommender.losses.objective import Objective
from recommender.losses.weighting import TargetFacts, TaskBalance
from recommender.models.base import Recommender


class Learner(nn.Module):
    """`tasks` are those beside ranking: `tag`, `liked`, `seen`. Raises what `Objective` raises."""

    def __init__(
        self, recommender: Recommender, config: LossSettings, facts: TargetFacts, tasks: Sequence[str]
    ) -> None:
        super().__init__()
        self.recommender = recommender
        self.objective = Objective(config, facts, tasks)
        self.balance = TaskBalance(config, tasks)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Task -> its loss, a scalar, before the tasks are weighed."""
        return self.recommender.losses(batch, self.objective)

    def rows(self, batch: Batch) -> dict[str, Tensor]:
        """Task -> how much its mean weighs among the means of other pieces of the same batch."""
        return self.recommender.loss_rows(batch, self.objective)

    def activation_checkpointing_enable(self, **_: object) -> None:
        """What the Trainer asks for under training.gradient_checkpointing: the text encoder is where memory goes."""
        if self.recommender.text is not None:
            self.recommender.text.checkpoint_activations()
