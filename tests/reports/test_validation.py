"""The figures that choose an epoch: those of the targets that the run is chosen by, with the weights of the moment."""

import math

import pytest
import torch
from torch import Tensor, nn

from recommender.config.models import PopularitySettings
from recommender.data.catalog import Catalog
from recommender.data.collate import Batch
from recommender.data.examples import Example
from recommender.models.base import Context, Recommender
from recommender.ranking.ranker import Ranker
from recommender.reports.report import Validation

EXAMPLES = [Example("a", "d", 0, "", (30,), (30, 42)), Example("b", "e", 0, "", (40,), (40,))]


class Fixed(Recommender):
    """The same scores for every wish."""

    settings = PopularitySettings

    def __init__(self, scores: Tensor, catalog: Catalog) -> None:
        super().__init__(PopularitySettings(), Context(catalog))
        self.scores = nn.Parameter(scores)

    def forward(self, batch: Batch) -> Tensor:
        return self.scores.expand(len(batch["mentioned"]), -1)


@pytest.fixture
def ranker(small_catalog: Catalog) -> Ranker:
    scores = torch.zeros(len(small_catalog))
    scores[small_catalog.indices([30, 40, 42])] = torch.tensor([3.0, 2.0, 1.0])
    return Ranker(Fixed(scores, small_catalog), torch.device("cpu"))


def test_the_mentioned_movies_are_no_answers_to_new_targets(ranker: Ranker) -> None:
    """One example has an old and a new target, the other only an old one: it does not count."""
    found = Validation(ranker, EXAMPLES, "new").measure()
    assert found["ndcg@10"] == pytest.approx(1 / math.log2(3))  # 40, then 42
    found = Validation(ranker, EXAMPLES, "all").measure()
    assert found["recall@1"] == pytest.approx((1 / 2 + 0) / 2)
    ideal = 1 + 1 / math.log2(3)
    assert found["ndcg@10"] == pytest.approx(((1 + 1 / 2) / ideal + 1 / math.log2(3)) / 2)


def test_each_measurement_is_of_the_weights_of_that_moment(ranker: Ranker, small_catalog: Catalog) -> None:
    validation = Validation(ranker, EXAMPLES, "new")
    before = validation.measure()["recall@1"]
    with torch.no_grad():
        ranker.model.scores[small_catalog.index(42)] = 9.0
    assert (before, validation.measure()["recall@1"]) == (0.0, 1.0)
