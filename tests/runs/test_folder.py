"""Run folders: names that are no paths, files that are whole or absent, and a status that tells the truth."""

import json
import os
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from safetensors.numpy import load, save

from recommender.config import RunConfig
from recommender.data.catalog import Catalog
from recommender.errors import CheckpointError, RecommenderError, UnknownNameError
from recommender.evaluation.records import Record
from recommender.files import write_atomically
from recommender.runs.folder import Run, best_row, find_run, list_runs, new_run
from recommender.runs.status import Status, process_start
from recommender.settings import Settings, settings
from tests.compared import reports_of

CONFIG = RunConfig(protocol="conversational", seed=7)
PATHS = ["../x", "a/b", ".", "..", "", "/etc", ".hidden", "a\\b", "a b", "a\n", "é", "x" * 65, "-x"]


@pytest.fixture
def run() -> Run:
    return new_run("r", CONFIG, settings())


@pytest.mark.parametrize("run_id", PATHS)
def test_a_run_id_is_a_name_and_never_a_path(run_id: str) -> None:
    with pytest.raises(RecommenderError, match="letters, digits"):
        new_run(run_id, CONFIG, settings())
    new_run("x", CONFIG, settings())
    with pytest.raises(UnknownNameError):
        find_run(run_id, settings())


def test_a_path_to_a_real_run_is_not_found_either() -> None:
    outside = Settings(checkpoints_dir=settings().checkpoints_dir / "deeper")
    new_run("x", CONFIG, settings())
    new_run("y", CONFIG, outside)
    for path in ("../x", str(settings().checkpoints_dir / "x"), "y/../y"):
        with pytest.raises(UnknownNameError):
            find_run(path, outside)


@pytest.mark.parametrize("run_id", ["a", "weighted-rnn-20260101-101010", "A.b_c-9", "x" * 64])
def test_a_new_run_is_found_with_its_settings(run_id: str) -> None:
    run = new_run(run_id, CONFIG, settings())
    assert find_run(run_id, settings()) == run
    assert run.config() == CONFIG
    assert (run.status().state, run.status().seed) == ("queued", 7)
    assert run.metrics() == reports_of(run) == []
    assert not run.has_weights
    assert run.stamp == 0


def test_a_name_that_is_taken_is_kept() -> None:
    run = new_run("r", CONFIG, settings())
    with pytest.raises(RecommenderError, match=r"r exists. Resume it"):
        new_run("r", RunConfig(protocol="paper"), settings())
    assert run.config() == CONFIG


def test_an_unknown_run_names_the_nearest() -> None:
    new_run("weighted-rnn", CONFIG, settings())
    with pytest.raises(UnknownNameError, match="Did you mean: weighted-rnn"):
        find_run("wieghted-rnn", settings())


def test_without_runs_there_is_nothing_to_name() -> None:
    assert list_runs(settings()) == []
    with pytest.raises(UnknownNameError, match="There is no run yet"):
        find_run("default", settings())


def test_runs_are_listed_by_name_and_other_folders_passed_over() -> None:
    for name in ("b", "a"):
        new_run(name, CONFIG, settings())
    (settings().checkpoints_dir / "empty").mkdir()
    (settings().checkpoints_dir / "file").write_text("")
    assert [run.run_id for run in list_runs(settings())] == ["a", "b"]


def test_a_checkpoints_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecommenderError, match="Cannot create"):
        new_run("r", CONFIG, Settings(checkpoints_dir=tmp_path / "file" / "below"))


def test_the_status_comes_back_with_the_time_it_was_written(run: Run) -> None:
    before = time.time()
    written = Status(state="failed", reason="why", epoch=1.5, step=3, steps=6)
    run.write_status(written)
    read = run.status()
    assert read.model_copy(update={"updated": None}) == written
    assert before <= read.updated <= time.time()


def test_running_holds_only_while_its_process_does(run: Run) -> None:
    own = Status(state="running", pid=os.getpid(), process_started=process_start(os.getpid()))
    run.write_status(own)
    assert run.status().state == "running"
    for gone in ({"pid": None}, {"process_started": None}, {"process_started": 5.0}, {"pid": 2**22 + 1}):
        run.write_status(own.model_copy(update=gone))
        assert run.status().state == "interrupted"
        assert json.loads((run.folder / "status.json").read_text())["state"] == "running"


@pytest.mark.parametrize("jump", [-7200.0, 7200.0])
def test_a_live_run_stays_one_when_the_clock_jumps(jump: float, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a laptop that finds the network, and the time, after its start; both times are told by the clock."""
    own = Status(state="running", pid=os.getpid(), process_started=process_start(os.getpid()))
    run.write_status(own)
    since, created = psutil.boot_time(), psutil.Process().create_time()
    monkeypatch.setattr(psutil, "boot_time", lambda: since + jump)
    monkeypatch.setattr(psutil.Process, "create_time", lambda _: created + jump)
    assert run.status().state == "running"
    monkeypatch.setattr(psutil.Process, "create_time", lambda _: created + jump + 60)
    assert run.status().state == "interrupted", "a process that began a minute later has its number now"


def test_a_queued_run_whose_process_is_gone_does_not_wait_for_ever(run: Run) -> None:
    """Loading data and encoder takes a while, and a process can end there as well."""
    run.write_status(run.status().model_copy(update={"pid": 2**22 + 1}))
    assert run.status().state == "interrupted"


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b'{"state": "asleep"}', b'{"reason": "no state"}', b"\xff", b"[" * 100_000),
        *(b'{"state": "finished", "seconds": NaN}', b'{"state": "finished", "seconds": 1e999}'),
        *(b'{"state": "running", "pid": -1}', b'{"state": "running", "pid": 1' + b"0" * 400 + b"}"),
        *(
            b'{"state": "finished", "step": 1' + b"0" * 400 + b"}",
            b'{"state": "finished", "step": ' + b"9" * 5000 + b"}",
        ),
    ],
)
def test_a_damaged_status_is_an_error_that_names_the_file(content: bytes, run: Run) -> None:
    (run.folder / "status.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"r/status\.json is damaged"):
        run.status()


def test_a_missing_status_is_an_error_that_names_the_file(run: Run) -> None:
    (run.folder / "status.json").unlink()
    with pytest.raises(CheckpointError, match=r"Cannot read r/status\.json"):
        run.status()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"[]", b'{"protocol": "x"}', b'{"protocol": "paper", "new": 1}', b'{"a":' * 5000, b"9" * 5000],
)
def test_a_damaged_config_is_an_error_that_names_the_file(content: bytes, run: Run) -> None:
    (run.folder / "config.json").write_bytes(content)
    with pytest.raises(RecommenderError, match=r"r/config\.json"):
        run.config()


def test_a_line_cut_by_a_kill_is_passed_over(run: Run) -> None:
    run.append_metrics({"step": 1, "loss": 0.5})
    run.append_metrics({"step": 2, "loss": 0.25})
    path = run.metrics_file
    for _ in range(1, len(b'{"step": 2, "loss": 0.25}\n')):
        path.write_bytes(path.read_bytes()[:-1])
        assert run.metrics() == [{"step": 1, "loss": 0.5}]


def test_the_best_row_passes_over_what_is_no_number() -> None:
    rows = [{"epoch": 1, "eval_ndcg@10": value} for value in (0.1, None, "0.9", float("nan"), 0.3, 0.2, 10**400)]
    assert best_row(rows) == {"epoch": 1, "eval_ndcg@10": 0.3}
    assert best_row(rows[1:4]) is None


def test_metrics_after_a_step_are_dropped(run: Run) -> None:
    for step in (1, 2, 3):
        run.append_metrics({"step": step})
    with (run.metrics_file).open("a") as file:
        file.write('{"step": 4, "lo')
    run.keep_metrics_until(2)
    run.append_metrics({"step": 3, "again": True})
    assert run.metrics() == [{"step": 1}, {"step": 2}, {"step": 3, "again": True}]
    run.keep_metrics_until(0)
    assert run.metrics() == []


def test_rows_with_no_step_that_counts_are_dropped(run: Run) -> None:
    for step in (1, "1", None, [], float("nan"), 10**400, 3):
        run.append_metrics({"step": step})
    run.keep_metrics_until(2)
    assert run.metrics() == [{"step": 1}]


def report(protocol: str, targets: str) -> dict[str, object]:
    return {"source": "folder", "protocol": protocol, "split": "test", "targets": targets, "metrics": {"ndcg@10": 0.5}}


def record(value: float) -> Record:
    one = np.array([3], dtype=np.int32)
    values = {"ndcg@10": np.array([value], dtype=np.float32)}
    return Record(
        ("d:1",),
        ("d",),
        values,
        np.array([[4, -1]], dtype=np.int32),
        np.array([[True, False]]),
        one,
        one,
        values["ndcg@10"],
        "c",
    )


def test_each_protocol_split_and_kind_of_target_has_one_report(run: Run) -> None:
    for protocol, targets, value in (("paper", "all", 0.1), ("conversational", "new", 0.2), ("paper", "all", 0.3)):
        run.write_report(report(protocol, targets), record(value))
    first, second = reports_of(run)
    assert (first, second) == (report("conversational", "new"), report("paper", "all"))
    kept = [run.record(first), run.record(second)]
    assert [r.values["ndcg@10"].tolist() for r in kept if r] == [pytest.approx([0.2]), pytest.approx([0.3])]


def test_a_report_of_an_older_version_has_no_record(run: Run) -> None:
    name = "report-folder-paper-test-all.json"
    (run.folder / name).write_text(json.dumps(report("paper", "all")))
    [found] = reports_of(run)
    assert run.record(found) is None


@pytest.mark.parametrize(
    "content",
    [b"", b'{"protocol": ', b"\xff", b"[]", b"null", b"{}", json.dumps(report("paper", "new")).encode()],
)
def test_a_damaged_report_is_an_error_that_names_the_file(content: bytes, run: Run) -> None:
    run.write_report(report("conversational", "all"), record(0.5))
    (run.folder / "report-folder-paper-test-all.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"r/report-folder-paper-test-all\.json is damaged"):
        reports_of(run)


def with_facts(facts: str) -> bytes:
    return save(load(record(0.5).to_bytes()), {"facts": facts})


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{}", b"\x00" * 100, record(0.5).to_bytes()[:-1], (2**60).to_bytes(8, "little") + b"{}"),
        *(with_facts("[" * 5000), with_facts("[]"), with_facts('{"metrics": 5}'), with_facts("9" * 5000)),
    ],
)
def test_a_damaged_record_is_an_error_that_names_the_file(content: bytes, run: Run) -> None:
    run.write_report(report("paper", "all"), record(0.5))
    (run.folder / "report-folder-paper-test-all.safetensors").write_bytes(content)
    [found] = reports_of(run)
    with pytest.raises(CheckpointError, match=r"r/report-folder-paper-test-all\.safetensors is damaged"):
        run.record(found)


def test_a_report_is_told_of_the_epoch_whose_weights_were_kept(run: Run) -> None:
    assert run.training_facts() == {"epoch": None, "seconds": 0, "device": "", "peak_memory_mb": 0}
    run.write_status(Status(state="finished", seconds=62.5, device="a GPU", peak_memory_mb=900))
    for epoch, value in ((1, 0.1), (2, 0.3), (3, 0.3), (4, 0.2)):
        run.append_metrics({"step": epoch, "epoch": epoch, "loss": 1.0})
        run.append_metrics({"step": epoch, "epoch": epoch, "eval_ndcg@10": value})
    assert run.training_facts() == {"epoch": 2, "seconds": 62.5, "device": "a GPU", "peak_memory_mb": 900}


def test_baselines_are_kept_beside_the_run(run: Run) -> None:
    assert run.baselines() == {}
    run.write_baselines({"copy": {"ndcg@10": 0.25}})
    assert run.baselines() == {"copy": {"ndcg@10": 0.25}}
    (run.folder / "baselines.json").write_text('{"copy": {"nd')
    with pytest.raises(CheckpointError, match=r"r/baselines\.json is damaged"):
        run.baselines()


WEIGHTS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2])}


def test_weights_come_back_with_what_they_belong_to(run: Run, small_catalog: Catalog) -> None:
    run.write_weights(WEIGHTS, {"catalog": "x", "encoder": ""})
    run.write_catalog(small_catalog)
    weights, facts = run.weights()
    assert facts == {"catalog": "x", "encoder": ""}
    assert {name: tensor.tolist() for name, tensor in weights.items()} == {n: t.tolist() for n, t in WEIGHTS.items()}
    assert run.has_weights
    assert run.stamp > 0
    assert list(run.catalog()) == list(small_catalog)


def test_the_same_weights_are_the_same_bytes(run: Run) -> None:
    """A killed and resumed run must end in the very file of an uninterrupted one."""
    files = set()
    for _ in range(20):
        run.write_weights(WEIGHTS, {"catalog": "x", "encoder": "y"})
        files.add((run.folder / "model.safetensors").read_bytes())
    assert len(files) == 1


def test_weights_that_do_not_lie_in_one_piece_are_written_too(run: Run) -> None:
    run.write_weights({"a": WEIGHTS["a"].T}, {})
    assert run.weights()[0]["a"].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_a_write_that_fails_leaves_the_old_file_and_no_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "x.json"
    write_atomically(path, "old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new and longer")
    assert path.read_text() == "old"
    assert [file.name for file in path.parent.iterdir()] == ["x.json"]


def test_a_file_is_written_as_bytes_or_utf8(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", "Amélie")
    write_atomically(tmp_path / "b", b"\x00\xff")
    assert (tmp_path / "a").read_bytes() == "Amélie".encode()
    assert (tmp_path / "b").read_bytes() == b"\x00\xff"
