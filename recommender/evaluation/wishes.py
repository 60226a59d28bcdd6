"""The words behind a record. They belong to the data and are not kept with a run, so they are looked up where the data
is at hand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from recommender.config import DIALOGUE_PROTOCOLS, DataConfig
from recommender.data.catalog import Catalog
from recommender.data.dialogue import DialogueSet
from recommender.data.examples import Example
from recommender.data.interaction import InteractionSet
from recommender.data.source import Source
from recommender.data.task import Task, load_data, measured_with
from recommender.errors import DataError
from recommender.settings import Settings


def look_up(
    example_ids: Sequence[str], report: Mapping[str, Any], config: DataConfig, catalog: Catalog, settings: Settings
) -> list[Example]:
    """The examples of a report by their ids, in that order; `targets` are those that the report measured.

    `config` and `catalog` are the run's. Reads the data folder or the cache and downloads nothing; takes a second or
    two for ReDial. Raises `DataError` that says what to do when the data is not at hand, or is other data.
    """
    data = _data(report, config, catalog, settings)
    held_out = measured_with(report["protocol"], config)
    task = Task(catalog, data, report["protocol"], held_out, report["seed"], settings)
    examples = {example.example_id: example for example in task.examples(report["split"])}
    missing = [example_id for example_id in example_ids if example_id not in examples]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(example_ids)} wishes are not in {data.describe()}: "
            f"the run was measured on other {task.parts.unit}."
        )
    found = [examples[example_id] for example_id in example_ids]
    return [replace(example, targets=example.new_targets) for example in found] if report["targets"] == "new" else found


def _data(
    report: Mapping[str, Any], config: DataConfig, catalog: Catalog, settings: Settings
) -> DialogueSet | InteractionSet:
    """The sample for a run that was measured on it; else the data from wherever it is on this machine."""
    protocol = report["protocol"]

    def read(source: Source) -> DialogueSet | InteractionSet:
        return load_data(protocol, config.model_copy(update={"source": source}), settings, catalog)

    if report["source"] == Source.SAMPLE:
        return read(Source.SAMPLE)
    if protocol not in DIALOGUE_PROTOCOLS:
        return read(Source.FOLDER)
    try:
        return read(Source.CACHE if settings.data_dir is None else Source.FOLDER)
    except DataError as error:
        raise DataError(
            "The words of these wishes are in ReDial, which is not at hand here. Set RECOMMENDER_DATA_DIR to a folder "
            "that holds it, or fetch it with: python -m recommender prepare --source hub"
        ) from error
