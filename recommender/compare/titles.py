"""The catalogue that a record's item indices refer to."""

from recommender.compare.entries import Entry
from recommender.data.catalog import Catalog
from recommender.data.task import load_catalog
from recommender.errors import CheckpointError
from recommender.evaluation.records import Record
from recommender.settings import Settings


def catalog_of(entry: Entry, record: Record, settings: Settings) -> Catalog:
    """The run's own catalogue, or the installed one if the run has none.

    Raises `RecommenderError` if it is not the one that the record was made with.
    """
    try:
        catalog = entry.run.catalog()
    except CheckpointError:
        catalog = load_catalog(settings)
    if record.catalog != catalog.fingerprint:
        raise CheckpointError(
            f"The catalogue of {entry.run_id} is missing or is not the one it was measured with, so its titles are "
            f"unknown. Evaluate it again."
        )
    return catalog
