"""The measurement that chooses a run's best epoch: validation examples prepared once, ranked after every epoch."""

from collections.abc import Sequence

from recommender.config import TargetKind
from recommender.data.examples import Example
from recommender.evaluation.metrics import CUTOFFS, evaluate_rankings
from recommender.ranking.ranker import Ranker
from recommender.reports.report import left_out_for, wanted


class Validation:
    """The examples of a validation split that have a target of the kind `targets`."""

    def __init__(self, ranker: Ranker, examples: Sequence[Example], targets: TargetKind) -> None:
        self.ranker, self.targets = ranker, targets
        asked = [example for example in examples if wanted(example, targets)]
        self.prepared = ranker.prepare(asked)
        self.wanted = [ranker.catalog.indices(wanted(example, targets)) for example in asked]  # [N] lists of items

    def measure(self) -> dict[str, float]:
        """The means of the metrics for the weights that the model has now. Raises `MetricError` for NaN scores."""
        rankings = self.ranker.rank_prepared(self.prepared, max(CUTOFFS), left_out_for(self.targets))
        values = evaluate_rankings(rankings, self.wanted, CUTOFFS)
        return {name: float(per_example.mean()) for name, per_example in values.items()}
