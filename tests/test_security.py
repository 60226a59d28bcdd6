"""Nothing leaves its folder, and nothing that a file holds is ever run: names, links in folders, pickles."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pages.shared.link import LinkError, from_params
from recommender.config import RunConfig
from recommender.config.presets import load_preset
from recommender.errors import CheckpointError, RecommenderError, UnknownNameError
from recommender.files import write_atomically
from recommender.runs.folder import Run, find_run, list_runs, new_run
from recommender.runs.status import Status
from recommender.settings import ROOT, Settings, settings
from recommender.training import job
from recommender.training.run import train_run

CONFIG = RunConfig(protocol="conversational")
OUTSIDE = [
    *("..", "../x", "../../etc/passwd", "/etc/passwd", "x/../../y", "~/x", "~", ".", "./x", "x/", "x/y", "\\\\host\\x"),
    *("C:\\x", "x\\..\\y", "x\0", "\0", "x\0/../y", "x.", "x..", "x ", " x", "\u2025/x", "\uff0e\uff0e\uff0fx"),
    *("x\u2215y", "d\u0435fault", "\uff44efault", "x\u202ey", "x\u200b", "x" * 65, "x" * 100_000, "", "\n", "x\ny"),
    *("%2e%2e%2fx", "$(x)", "`x`"),
]  # fmt: skip


@pytest.fixture
def run() -> Run:
    return new_run("r", CONFIG, settings())


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("name", OUTSIDE, ids=lambda name: ascii(name)[:24])
def test_no_name_leads_out_of_its_folder(name: str, run: Run) -> None:
    """Not as a run id, a run to start from or to delete, a preset, or the model that a link asks for."""
    before = files(settings().checkpoints_dir.parent)
    with pytest.raises(RecommenderError):
        new_run(name, CONFIG, settings())
    with pytest.raises(RecommenderError):
        job.start(CONFIG, name, settings())
    with pytest.raises(UnknownNameError):
        find_run(name, settings())  # also how `start_from` is read
    with pytest.raises(UnknownNameError):
        load_preset(name)
    if name:  # without a name the link asks for no model
        with pytest.raises(LinkError):
            from_params({"wish": ["Up"], "run": [name]})
    assert files(settings().checkpoints_dir.parent) == before


def test_a_source_of_data_is_one_of_a_few_and_no_folder() -> None:
    for source in ("../data", "/etc", "folder/../x", "sample\0"):
        with pytest.raises(RecommenderError, match=r"data\.source"):
            load_preset("copy", [f"data.source={source}"])


def test_deleting_a_run_leaves_what_its_links_lead_to(run: Run, tmp_path: Path) -> None:
    (tmp_path / "kept" / "deep").mkdir(parents=True)
    (tmp_path / "kept" / "deep" / "file").write_text("mine")
    (run.folder / "link").symlink_to(tmp_path / "kept")
    (run.folder / "log.txt").symlink_to(tmp_path / "kept" / "deep" / "file")
    run.write_status(Status(state="finished"))
    job.delete(run, settings())
    assert list_runs(settings()) == []
    assert (tmp_path / "kept" / "deep" / "file").read_text() == "mine"


@pytest.mark.parametrize("name", ["metrics.jsonl", "log.txt", "resume", "status.json"])
def test_a_run_is_not_trained_through_a_link(name: str, run: Run, tmp_path: Path) -> None:
    """A folder that came from elsewhere may hold one; what is logged would land where it points."""
    run.write_status(Status(state="stopped"))
    target = tmp_path / "target"
    if name == "resume":
        target.mkdir()
    else:
        path = run.folder / name
        target.write_bytes(path.read_bytes() if path.exists() else b"mine")
        path.unlink(missing_ok=True)
    before = target.stat()
    (run.folder / name).symlink_to(target)
    with pytest.raises(CheckpointError, match=rf"r/{name} is a link to another place"):
        job.resume(run, settings())
    with pytest.raises(CheckpointError, match=rf"r/{name} is a link to another place"):
        train_run(run, settings(), resume=True)
    assert target.stat().st_mtime_ns == before.st_mtime_ns


SECRET = "not for visitors"


LINKED = """log.txt metrics.jsonl status.json config.json catalog.json baselines.json model.safetensors
report-a-p-s-t.json report-a-p-s-t.safetensors""".split()


@pytest.mark.parametrize("name", LINKED)
def test_no_file_of_a_run_is_read_through_a_link(name: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    (run.folder / name).unlink(missing_ok=True)
    (run.folder / name).symlink_to(tmp_path / "secret")
    readers: dict[str, Callable[[], object]] = {
        "log.txt": lambda: run.log_end(9),
        "metrics.jsonl": run.metrics,
        "status.json": run.status,
        "config.json": run.config,
        "catalog.json": run.catalog,
        "baselines.json": run.baselines,
        "model.safetensors": run.weights,
        "report-a-p-s-t.json": lambda: run.report("report-a-p-s-t.json"),
        "report-a-p-s-t.safetensors": lambda: run.record(
            {"source": "a", "protocol": "p", "split": "s", "targets": "t"}
        ),
    }
    with pytest.raises(CheckpointError, match=rf"Cannot read r/{name}: it is a link") as refused:
        readers[name]()
    assert SECRET not in str(refused.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")
@pytest.mark.parametrize("name", ["metrics.jsonl", "status.json", "log.txt"])
def test_a_pipe_in_a_run_s_folder_does_not_hang_who_reads_it(name: str, run: Run) -> None:
    (run.folder / name).unlink(missing_ok=True)
    os.mkfifo(run.folder / name)
    words = [sys.executable, "-c", "import sys; from recommender.runs.folder import Run; from pathlib import Path\n"
             "run = Run(Path(sys.argv[1])); run.metrics(); run.log_end(9); run.status()", run.folder]  # fmt: skip
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert f"Cannot read r/{name}: it is not a regular file" in done.stderr
    with pytest.raises(CheckpointError, match="neither a file nor a folder"):
        run.check_own()


def test_a_file_that_is_written_takes_the_place_of_a_link(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    write_atomically(tmp_path / "link", "new")
    assert (tmp_path / "mine").read_text() == "mine"
    assert (tmp_path / "link").read_text() == "new"
    assert not (tmp_path / "link").is_symlink()


def test_a_report_s_own_words_name_no_other_file(run: Run, tmp_path: Path) -> None:
    (run.folder.parent / "other.safetensors").write_bytes(b"")
    said = {"source": "x/../../other", "protocol": "p", "split": "s", "targets": "t", "metrics": {}}
    (run.folder / "report-a-p-s-t.json").write_text(json.dumps(said))
    with pytest.raises(CheckpointError, match="not the report that its name promises"):
        run.report("report-a-p-s-t.json")
    assert run.record(said) is None


# A run is trained, killed, resumed, loaded, asked, measured and compared while everything that would look up a class
# for a pickle, and `torch.load`, is written down. Importing compiled modules is `marshal`, and not among them.
EVERYTHING = """
import os, signal, sys
looked_up = []
sys.addaudithook(lambda event, found: looked_up.append(found) if event == "pickle.find_class" else None)
import pickle
try:
    pickle.loads(pickle.dumps(os.getcwd))
finally:
    assert len(looked_up) == 1, "the hook hears nothing"
    looked_up.clear()
import torch
def refuse(*_, **__):
    raise AssertionError("torch.load")
torch.load = refuse
from recommender.runs.checkpoints import load_checkpoint
from recommender.compare.differences import difference
from recommender.compare.entries import read_entries
from recommender.config import RunConfig
from recommender.results.measure import measure_run
from recommender.query.engine import Engine
from recommender.query.wish import Utterance, Wish
from recommender.runs.folder import list_runs, new_run
from recommender.settings import settings
from recommender.training.progress import Progress
from recommender.training.run import train_run
config = RunConfig.model_validate_json(sys.argv[1])
run = new_run("r", config, settings())
beat = Progress.on_step_end
def stop(self, args, state, control, **rest):
    if state.epoch and state.epoch > 1.1 and not self.work.stop.requested:
        os.kill(os.getpid(), signal.SIGTERM)
    beat(self, args, state, control, **rest)
Progress.on_step_end = stop
train_run(run, settings())
assert run.status().state == "stopped", run.status()
assert list(run.resume_folder.glob("checkpoint-*/optimizer.safetensors"))
Progress.on_step_end = beat
train_run(run, settings(), resume=True)
assert run.status().state == "finished", run.status()
load_checkpoint(run, torch.device("cpu"))
engine = Engine(run, settings())
assert engine.recommend(Wish((engine.read("I liked Iron Comet")[0],))).recommendations
report, record = measure_run(run, "conversational", "test", "all", settings())
run.write_report(report, record)
entries, damaged = read_entries(list_runs(settings()))
assert entries[0].record(next(iter(entries[0].reports.values()))) is not None
assert not damaged
assert difference(record, record, "ndcg@10").paired is not None
print("classes looked up for a pickle:", looked_up)
"""


def test_nothing_is_unpickled_from_training_to_comparing(world: Settings, tiny_encoder: str) -> None:
    config = {
        "protocol": "conversational",
        "data": {"source": "folder", "validation": 0.25},
        "model": {"text": {"name": tiny_encoder, "train": "lora"}, "history": {"kind": "gru", "hidden": 8}},
        "loss": {"kind": "softmax"},
        "training": {"epochs": 2, "batch_size": 8},
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", EVERYTHING, json.dumps(config)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "classes looked up for a pickle: []"


def test_an_encoder_in_a_pickle_is_refused(
    tiny_encoder: str, tmp_path: Path, make_encoder: Callable[[str], object]
) -> None:
    import shutil

    import torch

    folder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    (folder / "model.safetensors").unlink()
    torch.save({"x": torch.zeros(1)}, folder / "pytorch_model.bin")
    with pytest.raises(RecommenderError, match="Cannot load the encoder"):
        make_encoder(str(folder))


def test_code_that_comes_with_an_encoder_is_not_run(
    tiny_encoder: str, tmp_path: Path, make_encoder: Callable[[str], object]
) -> None:
    import shutil

    folder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoModel": "code.Mine", "AutoConfig": "code.Config"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(RecommenderError, match="Cannot load the encoder"):
        make_encoder(str(folder))
    assert not os.path.exists(tmp_path / "ran")


def test_modules_that_come_with_an_encoder_are_not_read(
    tiny_encoder: str, tmp_path: Path, make_encoder: Callable[[str], object]
) -> None:
    """sentence-transformers' own list of modules may name any class."""
    import shutil

    folder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    (folder / "modules.json").write_text('[{"idx": 0, "name": "0", "path": "", "type": "code.Mine"}]')
    (folder / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Mine: pass")
    make_encoder(str(folder))
    assert not os.path.exists(tmp_path / "ran")


@pytest.fixture
def make_encoder() -> Callable[[str], object]:
    from recommender.config.models import FrozenText
    from recommender.models.text_encoder import TextEncoder

    return lambda name: TextEncoder(FrozenText(name=name))
