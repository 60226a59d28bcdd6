"""The words behind a record. They belong to the data and are not kept with a run, so they are looked up where the data
is at hand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from recommender.config import DataConfig
from recommender.data.catalog import Catalog
from recommender.data.examples import Example
from recommender.data.redial import DialogueSet, load_dialogues
from recommender.data.task import Task
from recommender.errors import DataError
from recommender.settings import Settings


def look_up(
    example_ids: Sequence[str], report: Mapping[str, Any], config: DataConfig, catalog: Catalog, settings: Settings
) -> list[Example]:
    """The examples of a report by their ids, in that order; `targets` are those that the report measured.

    `config` and `catalog` are the run's. Reads the data folder or the cache and downloads nothing; takes a second or
    two for ReDial. Raises `DataError` that says what to do when the dialogues are not at hand, or are others.
    """
    dialogues = _dialogues(report, catalog, settings)
    task = Task(catalog, dialogues, report["protocol"], config, report["seed"], settings)
    examples = {example.example_id: example for example in task.examples(report["split"])}
    missing = [example_id for example_id in example_ids if example_id not in examples]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(example_ids)} wishes are not in {dialogues.describe()}: "
            "the run was measured on other dialogues."
        )
    found = [examples[example_id] for example_id in example_ids]
    return [replace(example, targets=example.new_targets) for example in found] if report["targets"] == "new" else found


def _dialogues(report: Mapping[str, Any], catalog: Catalog, settings: Settings) -> DialogueSet:
    """The sample for a run that was measured on it; else ReDial from wherever it is on this machine."""
    if report["source"] == "sample":
        return load_dialogues("sample", settings, catalog)
    try:
        return load_dialogues("cache" if settings.data_dir is None else "folder", settings, catalog)
    except DataError as error:
        raise DataError(
            "The words of these wishes are in ReDial, which is not at hand here. Set RECOMMENDER_DATA_DIR to a folder "
            "that holds it, or fetch it with: python -m recommender prepare --source hub"
        ) from error
