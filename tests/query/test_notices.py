"""What was left out because of a wish is said in plain words, and no more than was done."""

import torch
from torch import Tensor

from recommender.config.models import PopularitySettings
from recommender.data.catalog import Catalog
from recommender.data.collate import Batch
from recommender.models.base import Context, ItemVectors, Recommender
from recommender.query.facets import Facets
from recommender.query.notices import applied_filters
from recommender.ranking.ranker import Ranker


class Placed(Recommender):
    """A model that is asked for the movies' places only."""

    settings = PopularitySettings

    def __init__(self, vectors: Tensor | None, catalog: Catalog) -> None:
        super().__init__(PopularitySettings(), Context(catalog))
        self.vectors = vectors

    def forward(self, batch: Batch) -> Tensor:
        raise NotImplementedError

    def item_vectors(self) -> ItemVectors | None:
        return None if self.vectors is None else ItemVectors(self.vectors, torch.zeros(len(self.vectors)))


def ranker_of(catalog: Catalog, vectors: Tensor | None) -> Ranker:
    return Ranker(Placed(vectors, catalog), torch.device("cpu"))


def test_what_was_left_out_is_said_with_how_many(small_catalog: Catalog) -> None:
    ranker = ranker_of(small_catalog, torch.eye(12))
    assert applied_filters(Facets(liked=(20,)), ranker) == []
    assert applied_filters(Facets(refused_genres=("horror",)), ranker) == [
        "Left out because you asked for no horror: 3 movies."
    ]
    assert applied_filters(Facets(refused_genres=("horror", "family", "war")), ranker) == [
        "Left out because you asked for no horror, family or war: 4 movies."
    ]
    assert applied_filters(Facets(refused_genres=("family",)), ranker) == [
        "Left out because you asked for no family: 1 movie."
    ]
    assert applied_filters(Facets(refused=(30,)), ranker) == [
        "The Cellar Door (1995) is left out, and movies like it rank lower."
    ]
    assert applied_filters(Facets(refused=(30, 20), seen=(51,)), ranker) == [
        "The Cellar Door (1995) and Iron Comet (1982) are left out, and movies like them rank lower.",
        "Left out because you have seen it: Lost Footage.",
    ]
    assert applied_filters(Facets(seen=(30, 20, 51, 42, 60)), ranker) == [
        "Left out because you have seen them: The Cellar Door (1995), Iron Comet (1982), Lost Footage and 2 more."
    ]


def test_a_model_without_a_space_promises_no_more_than_it_does(small_catalog: Catalog) -> None:
    assert applied_filters(Facets(refused=(30,)), ranker_of(small_catalog, None)) == [
        "The Cellar Door (1995) is left out."
    ]
