"""Several tasks at once: the loss of telling an opinion, and how much each task's loss counts beside the movies'."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recommender.config.losses import LossSettings

MOVIES, TAGS = "movie", "tag"  # the task that the others stand beside, and the first of those
SMOOTHING = 0.9  # of the gradient norms: share of what was known that each measurement leaves


class OpinionLoss(nn.Module):
    """Binary cross-entropy, mean over the pairs of wish and movie whose opinion is known."""

    def forward(self, logits: Tensor, opinions: Tensor) -> Tensor:
        """Logits and opinions [B, T], the latter 1, 0 or NaN for unknown -> scalar; 0 when none is known."""
        known = ~opinions.isnan()
        losses = F.binary_cross_entropy_with_logits(logits.float()[known], opinions[known], reduction="sum")
        return losses / known.sum().clamp(min=1)

    def rows(self, opinions: Tensor) -> Tensor:
        """How many pairs the mean is over."""
        return (~opinions.isnan()).sum().float()


class TaskBalance(nn.Module):
    """The weight of each task's loss. The movies' weight is 1, except under uncertainty.

    `fixed`: the weights of the settings. `uncertainty`: `exp(-s)` with a learned s a task, and `s / 2` as its price
    (Kendall et al. 2018, eq. 10, s being the log variance). `gradient_norm`: the settings' weight times how much harder
    the movies' loss pulls at the weights that both share, as measured so far (the aim of GradNorm, Chen et al. 2018,
    reached by scaling rather than by a loss of its own).
    """

    scales: Tensor

    def __init__(self, config: LossSettings, tasks: Sequence[str]) -> None:
        super().__init__()
        self.kind, self.tasks = config.balance, (MOVIES, *tasks)
        settings = {"tag": config.tag_weight, "liked": config.liked_weight, "seen": config.seen_weight}
        self.fixed = [1.0, *(settings[task] for task in tasks)]
        learned = self.kind == "uncertainty"
        self.log_variances = nn.Parameter(torch.zeros(len(self.tasks))) if learned else None
        self.register_buffer("scales", torch.zeros(len(self.tasks)))  # 0: not measured yet

    @property
    def changes(self) -> bool:
        """Whether the weights change while training, so that a run that goes on needs them."""
        return self.kind != "fixed"

    @property
    def asks(self) -> bool:
        """Whether it wants to know how hard the tasks pull."""
        return self.kind == "gradient_norm"

    def weights(self) -> dict[str, Tensor]:
        """Task -> the factor of its loss, as a scalar."""
        if self.log_variances is not None:
            found = torch.exp(-self.log_variances)
        else:
            found = torch.tensor(self.fixed, device=self.scales.device)
            if self.asks:
                found = found * self.scales.where(self.scales > 0, 1.0)
        return dict(zip(self.tasks, found.unbind(), strict=True))

    def price(self) -> Tensor:
        """What is added to the weighted losses, once a step."""
        return self.scales.new_zeros(()) if self.log_variances is None else self.log_variances.sum() / 2

    def measured(self, pulls: Mapping[str, tuple[float, float]]) -> None:
        """Task -> the norms of the movies' and of its own gradient at the weights that both share. A task that shares
        none, or does not pull, keeps its scale."""
        for place, task in enumerate(self.tasks):
            movies, own = pulls.get(task, (0.0, 0.0))
            if movies > 0 and own > 0:
                known = float(self.scales[place])
                self.scales[place] = SMOOTHING * known + (1 - SMOOTHING) * movies / own if known else movies / own
