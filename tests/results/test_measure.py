"""A run is measured on what it has not seen, and what is measured on other data never stands beside the published."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from recommender.compare.choice import describe_group
from recommender.compare.entries import read_entry
from recommender.compare.table import published_beside
from recommender.config import RunConfig
from recommender.data import digests
from recommender.data.catalog import Catalog
from recommender.data.dialogue import Dialogue
from recommender.data.digests import KEPT, overlap, smallest
from recommender.data.redial import load_dialogues
from recommender.data.sample.dialogues import sample_dialogues
from recommender.data.task import load_catalog
from recommender.errors import DataError
from recommender.results.measure import measure_run
from recommender.runs import folder
from recommender.runs.folder import Run, new_run
from recommender.settings import ROOT, Settings
from recommender.training.run import train_run

Write = Callable[[Path, Sequence[Dialogue]], None]
Strange = tuple[list[Dialogue], list[Dialogue]]
ASKED = ("conversational", "test", "all")


@pytest.fixture
def run(world: Settings) -> Run:
    config = {"protocol": "conversational", "model": {"kind": "item_knn"}, "data": {"validation": 0.25}}
    run = new_run("mine", RunConfig.model_validate(config), world)
    train_run(run, world)
    return run


def here(world: Settings, tmp_path: Path, write_split: Write, train: Sequence[Dialogue], test: Sequence[Dialogue]):  # type: ignore[no-untyped-def]
    """The small installation with other dialogues."""
    write_split(tmp_path / "data" / "train_data.jsonl", train)
    write_split(tmp_path / "data" / "test_data.jsonl", test)
    return world.model_copy(update={"data_dir": tmp_path / "data"})


@pytest.fixture
def known(world: Settings) -> list[Dialogue]:
    return load_dialogues("folder", world, load_catalog(world)).train


@pytest.fixture
def strange(small_catalog: Catalog) -> Strange:
    return sample_dialogues(small_catalog, seed=99, train=30, test=12)


def test_dialogues_that_it_learned_from_are_no_test(
    run: Run, world: Settings, tmp_path: Path, write_split: Write, known: list[Dialogue]
) -> None:
    """Under other numbers, too."""
    again = [Dialogue(f"copy-{d.dialogue_id}", d.messages, d.names) for d in known]
    other = here(world, tmp_path, write_split, known, again)
    with pytest.raises(DataError, match=r"mine was trained on 30 of these 40 dialogues"):
        measure_run(run, *ASKED, other)


def test_a_validation_split_of_other_data_holds_out_nothing_that_it_learned_from(
    run: Run, world: Settings, tmp_path: Path, write_split: Write, known: list[Dialogue], strange: Strange
) -> None:
    again = [Dialogue(f"copy-{d.dialogue_id}", d.messages, d.names) for d in known]
    other = here(world, tmp_path, write_split, again, strange[1])
    with pytest.raises(DataError, match=r"mine was trained on \d+ of these 10 dialogues"):
        measure_run(run, "conversational", "validation", "all", other)


def test_the_run_s_own_splits_and_a_training_split_by_name_are_measured(run: Run, world: Settings) -> None:
    for split in ("train", "validation", "test"):
        assert measure_run(run, "conversational", split, "all", world)[0]["split"] == split


def test_a_run_of_an_older_version_goes_by_the_data_it_was_trained_on(
    run: Run, world: Settings, tmp_path: Path, write_split: Write, known: list[Dialogue],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    (run.folder / "learned.safetensors").unlink()
    measure_run(run, *ASKED, world)
    with pytest.raises(DataError, match="was trained on"):
        measure_run(run, *ASKED, here(world, tmp_path, write_split, known, known))
    measure_run(run, *ASKED, here(world, tmp_path, write_split, known[:20], known[20:]))
    assert "does not say what it learned from" in caplog.text


def test_a_run_that_starts_from_another_has_learned_what_that_one_has(run: Run, world: Settings) -> None:
    config = run.config().model_copy(update={"start_from": "mine", "seed": 42})
    after = new_run("after", config, world)
    train_run(after, world)
    found = after.learned()
    assert found is not None
    assert np.isin(run.learned(), found).all()


def test_other_data_is_a_group_of_its_own_without_published_rows(
    run: Run, world: Settings, tmp_path: Path, write_split: Write, strange: Strange,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    own, _ = measure_run(run, *ASKED, world)
    monkeypatch.setattr("recommender.data.task.PUBLISHED", (own["data"],))  # as if the run's were ReDial's
    for place in (world, here(world, tmp_path, write_split, *strange)):
        run.measurements.write_report(*measure_run(run, *ASKED, place))
    reports = {group: report for group, report in read_entry(run).reports.items() if group.split == "test"}
    published, other = sorted(reports, key=lambda group: group.data)
    assert published_beside(published)
    assert not published_beside(other)
    assert f"data set {other.data[:8]}" in describe_group(other)
    assert reports[published].metrics == pytest.approx(own["metrics"])


def test_a_run_that_ships_is_measured_without_a_change_to_it(
    run: Run, world: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "ROOT", world.checkpoints_dir.parent)
    shutil.move(run.folder, world.checkpoints_dir / "default")
    default = Run(world.checkpoints_dir / "default")
    before = {path.name: path.stat().st_mtime_ns for path in default.folder.iterdir()}
    report, record = measure_run(default, *ASKED, world)
    default.measurements.write_report(report, record)
    assert {path.name: path.stat().st_mtime_ns for path in default.folder.iterdir()} == before
    entry = read_entry(default)
    [group] = entry.measured_here
    assert entry.reports[group].metrics == report["metrics"]
    found = entry.record(entry.reports[group])
    assert found is not None
    assert found.example_ids == record.example_ids


def test_a_sample_of_what_was_learned_tells_as_much_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = np.random.default_rng(0).integers(0, 2**63, 20_000).astype(np.uint64)
    monkeypatch.setattr(digests, "KEPT", 1000)
    learned = smallest(numbers[:10_000])
    seen, of = overlap(numbers[5_000:], learned)
    assert len(learned) == 1000
    assert abs(seen / of - 1 / 3) < 0.05
    assert overlap(numbers[10_000:], learned)[0] == 0
    assert KEPT == 100_000


@pytest.mark.data
@pytest.mark.parametrize("run_id", ["default", "weighted-frozen"])
def test_shipped_runs_say_what_they_learned_from(run_id: str, data_dir: Path) -> None:
    from recommender.data.task import Task, load_data

    here = Settings(data_dir=data_dir)
    run = Run(ROOT / "checkpoints" / run_id)
    config, catalog, learned = run.config(), run.catalog(), run.learned()
    data = config.data.model_copy(update={"source": "folder"})
    task = Task(
        catalog, load_data(config.protocol, data, here, catalog), config.protocol, config.data, config.seed, here
    )
    assert learned is not None
    assert overlap(task.digests("train"), learned) == (len(task.ids("train")),) * 2
    for split in ("validation", "test"):
        assert overlap(task.digests(split), learned)[0] == 0
        assert task.other_data(split) == ""
