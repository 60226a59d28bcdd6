"""The command line: exit codes, one line for a mistake, one JSON object for `--json`, a line for a line."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from recommender.__main__ import app
from recommender.cli.training import _calibrated
from recommender.config import RunConfig
from recommender.config.presets import load_preset
from recommender.data.task import load_catalog
from recommender.runs.folder import find_run, new_run
from recommender.settings import ROOT, Settings, settings
from recommender.training.run import train_run
from tests.compared import reports_of

Call = Callable[..., Result]


@pytest.fixture
def call() -> Call:
    def run(*words: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(app, list(words), input=stdin)

    return run


def make_run(run_id: str, kind: str, world: Settings) -> None:
    config = RunConfig.model_validate(
        {"protocol": "conversational", "model": {"kind": kind}, "data": {"validation": 0.25}}
    )
    train_run(new_run(run_id, config, world), world)


@pytest.fixture
def default(world: Settings) -> Settings:
    """The small installation with an item-kNN as its default run."""
    make_run("default", "item_knn", world)
    return world


def one_object(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert isinstance(found, dict)
    return found


def check_mistake(result: Result, *words: str) -> None:
    """Exit code 2, nothing on standard output, one line on standard error that says these words."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    [line] = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    for word in words:
        assert word in line
    assert "Traceback" not in result.stderr


def test_recommend_gives_one_json_object(default: Settings, call: Call) -> None:
    found = one_object(call("recommend", "I loved The Cellar Door, scary please", "--k", "3", "--json"))
    assert {"run", "matched", "recommendations"} <= found.keys()
    assert found["run"] == "default"
    [match] = found["matched"]
    assert match == {
        "title": "The Cellar Door",
        "year": 1995,
        "movie_id": 30,
        "score": match["score"],
        "text": "The Cellar Door",
        "stance": "liked",
    }
    assert 0.5 <= match["score"] <= 1
    assert [item["rank"] for item in found["recommendations"]] == [1, 2, 3]
    catalog = load_catalog(default)
    for item in found["recommendations"]:
        assert {"rank", "movie_id", "title", "year", "score"} <= item.keys()
        movie = catalog.by_id(item["movie_id"])
        assert (item["title"], item["year"]) == (movie.title, movie.year)
    scores = [item["score"] for item in found["recommendations"]]
    assert scores == sorted(scores, reverse=True)
    assert 30 not in [item["movie_id"] for item in found["recommendations"]]


def test_liked_and_excluded_movies_are_given_by_title(default: Settings, call: Call) -> None:
    words = (
        "recommend",
        "scary",
        "--like",
        "Paper Crown",
        "--like",
        "lantern",
        "--exclude",
        "iron comet (2011)",
        "--k",
        "99",
    )
    found = one_object(call(*words, "--json"))
    assert {item["movie_id"] for item in found["recommendations"]} == {20, 30, 31, 40, 41, 50, 51, 60, 1234}
    assert found["matched"] == []


def test_the_readable_answer_has_a_line_a_movie(default: Settings, call: Call) -> None:
    result = call("recommend", "like The Cellar Door", "--k", "2")
    lines = result.stdout.splitlines()
    assert lines[0] == "understood 'The Cellar Door' as The Cellar Door (1995)"
    assert [line.split(".")[0].strip() for line in lines[1:]] == ["1", "2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--k", "0"), ["at least 1, not 0"]),
        (("--k", "-1"), ["at least 1, not -1"]),
        (("--run", "defualt"), ["Unknown run 'defualt'", "Did you mean: default"]),
        (("--run", "../default"), ["Unknown run"]),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    words: tuple[str, ...], said: list[str], default: Settings, call: Call
) -> None:
    check_mistake(call("recommend", "scary", *words, "--json"), *said)


@pytest.mark.parametrize("option", ["--like", "--exclude"])
def test_a_wish_is_answered_although_a_title_is_unknown(option: str, default: Settings, call: Call) -> None:
    words = ("recommend", "scary", option, "Zzyzx Qwrtp", "--exclude", "Lost Footage")
    found = one_object(call(*words, "--json"))
    assert found["unknown"] == ["Zzyzx Qwrtp"]
    assert [movie["movie_id"] for movie in found["excluded"]] == [51]
    assert 51 not in {movie["movie_id"] for movie in found["recommendations"]} != set()
    [notice] = [notice for notice in found["notices"] if "Zzyzx Qwrtp" in notice]
    assert "The nearest are" in notice
    result = call(*words)
    assert result.exit_code == 0
    assert notice in result.stderr


def test_a_wish_of_nothing_but_an_unknown_title_is_a_mistake(default: Settings, call: Call) -> None:
    check_mistake(call("recommend", "", "--like", "Zzyzx Qwrtp"), "'Zzyzx Qwrtp'")


def test_an_empty_wish_is_a_mistake(default: Settings, call: Call) -> None:
    check_mistake(call("recommend", "   "), "Write what you feel like watching")


def test_more_than_the_catalogue_gives_the_whole_but_what_was_named(default: Settings, call: Call) -> None:
    found = one_object(call("recommend", "like Paper Crown", "--k", "1000", "--json"))
    movies = {movie.movie_id for movie in load_catalog(default)} - {42}
    assert {item["movie_id"] for item in found["recommendations"]} == movies
    assert len(found["recommendations"]) == len(movies)


def test_when_all_is_excluded_the_list_is_empty_and_says_why(default: Settings, call: Call) -> None:
    names = [word for movie in load_catalog(default) for word in ("--exclude", movie.name)]
    found = one_object(call("recommend", "scary", *names, "--json"))
    assert found["recommendations"] == []
    assert any("nothing is left" in notice for notice in found["notices"])


def test_lines_are_answered_in_order_and_a_bad_one_alone(default: Settings, call: Call) -> None:
    lines = [
        '{"text": "like Paper Crown"}',
        "not json",
        '"scary, like Lantern"',
        '{"text": 5}',
        '{"text": "scary", "like": "Lantern"}',
        '{"text": "scary", "like": ["Nothing Called So"]}',
        "",
        '{"text": "", "like": ["Iron Comet (2011)"], "exclude": ["Lost Footage"]}',
        '{"text": "last", "extra": 1}',
        '{"text": "scary", "exclude": [null]}',
    ]
    result = call("recommend", "-", "--k", "20", stdin="\n".join(lines) + "\n")
    assert result.exit_code == 0
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(rows) == len(lines)
    assert [sorted(row) == ["error"] for row in rows] == [
        False, True, False, True, True, False, True, False, False, True
    ]  # fmt: skip
    assert rows[0]["matched"][0]["movie_id"] == 42
    assert rows[1]["error"].startswith("not JSON: ")
    assert rows[2]["matched"][0]["movie_id"] == 123
    assert '"text": "..."' in rows[3]["error"]
    assert rows[5]["unknown"] == ["Nothing Called So"]
    answers = {item["movie_id"] for item in rows[7]["recommendations"]}
    assert len(answers) == 10
    assert not answers & {21, 51}


def test_a_line_of_a_thousand_brackets_does_not_end_the_lines(default: Settings, call: Call) -> None:
    result = call("recommend", "-", stdin="[" * 100_000 + '\n{"text": "scary"}\n')
    assert result.exit_code == 0, result.exception
    assert [sorted(json.loads(line)) == ["error"] for line in result.stdout.splitlines()] == [True, False]


def test_bytes_that_are_no_text_do_not_end_the_lines(default: Settings, call: Call) -> None:
    result = call("match", "-", stdin=b"Paper \xff Crown\nLike Paper Crown\n")
    assert result.exit_code == 0, result.exception
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [match["movie_id"] for match in rows[1]["matched"]] == [42]


def test_a_text_that_is_no_utf8_is_read_as_far_as_it_goes(world: Settings, call: Call) -> None:
    found = one_object(call("match", "\udcff Paper Crown", "--json"))  # how Python hands on the byte 0xff
    assert found["text"] == "\ufffd Paper Crown"
    assert [match["movie_id"] for match in found["matched"]] == [42]


def test_match_finds_movies_in_a_text_and_in_lines(world: Settings, call: Call) -> None:
    found = one_object(call("match", "like Iron Comet and Paper Crown", "--json"))
    assert [(m["movie_id"], m["text"]) for m in found["matched"]] == [(20, "Iron Comet"), (42, "Paper Crown")]
    first = found["matched"][0]
    assert [other["movie_id"] for other in first["alternatives"]] == [21]
    assert found["text"][first["start"] : first["end"]] == "Iron Comet"
    result = call("match", "-", stdin="nothing here\n\nPaper Crown\n")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [[m["movie_id"] for m in row["matched"]] for row in rows] == [[], [], [42]]
    assert "'Paper Crown': Paper Crown (2006), " in call("match", "Paper Crown").stdout


def test_evaluate_gives_the_run_beside_the_baselines(default: Settings, call: Call, tmp_path: Path) -> None:
    path = tmp_path / "rankings.jsonl"
    found = one_object(call("evaluate", "--targets", "new", "--rankings", str(path), "--json"))
    assert found["run"] == "default"
    facts = {"protocol": "conversational", "split": "test", "targets": "new", "source": "folder", "seed": 42}
    assert {name: found[name] for name in facts} == facts
    assert set(found["baselines"]) == {"popularity", "copy", "item_knn"}
    assert found["metrics"] == found["baselines"]["item_knn"]
    low, high = found["intervals"]["ndcg@10"]
    assert low <= found["metrics"]["ndcg@10"] <= high
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == found["examples"] > 0
    assert sum(len(row["targets"]) for row in rows) == found["target_count"]
    catalog = load_catalog(default)
    ids = {movie.movie_id for movie in catalog}
    of_genre = [{m.movie_id for m in catalog if genre in m.genres} for movie in catalog for genre in movie.genres]
    for row in rows:
        assert set(row) == {"example_id", "dialogue_id", "turn", "targets", "mentioned", "ranking"}
        assert row["example_id"] == f"{row['dialogue_id']}:{row['turn']}"
        left_out = ids - set(row["mentioned"]) - set(row["ranking"])
        assert left_out in [set(), *(movies - set(row["mentioned"]) for movies in of_genre)]  # "no dramas"
        assert len(row["ranking"]) == len(set(row["ranking"]))
    assert found in reports_of(find_run("default", default))


def test_rankings_hold_fifty_movies_of_a_catalogue_that_has_them(
    world: Settings, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shipped catalogue and the sample, both targets."""
    monkeypatch.delenv("RECOMMENDER_ASSETS_DIR")
    monkeypatch.delenv("RECOMMENDER_DATA_DIR")
    settings.cache_clear()
    assert call("train", "--preset", "popularity", "--set", "data.source=sample", "--run-id", "p").exit_code == 0
    for targets in ("all", "new"):
        path = tmp_path / f"{targets}.jsonl"
        found = one_object(call("evaluate", "--run", "p", "--targets", targets, "--rankings", str(path), "--json"))
        assert found["source"] == "sample"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert {len(row["ranking"]) for row in rows} == {50}
        named = [set(row["ranking"]) & set(row["mentioned"]) for row in rows]
        assert any(named) == (targets == "all")
    assert "the synthetic sample, NOT ReDial" in find_run("p", settings()).status().source


def test_evaluate_measures_after_as_many_ranks_as_asked_for(default: Settings, call: Call) -> None:
    found = one_object(call("evaluate", "--cutoff", "5", "--cutoff", "12", "--json"))
    for part in (found["metrics"], found["intervals"], *found["baselines"].values()):
        assert {f"{name}@{k}" for name in ("ndcg", "recall", "hit", "mrr") for k in (1, 5, 10, 12, 50)} == part.keys()
    for name in ("coverage", "gini", "popularity", "novelty", "diversity", "calibration"):
        assert {f"{name}@{k}" for k in (5, 10, 12)} <= found["beyond"].keys()
    assert found in reports_of(find_run("default", default))
    printed = call("evaluate", "--cutoff", "5").stdout
    assert re.search(r"^calibration@5 +\d\.\d{4} +lower is better$", printed, re.MULTILINE)
    assert re.search(r"^calibration is of the \d+ examples", printed, re.MULTILINE)
    for wrong in ("0", "13"):
        check_mistake(call("evaluate", "--cutoff", wrong), "from 1 to 12", f"found {wrong}")


def test_a_report_without_calibration_has_no_line_about_it() -> None:
    assert _calibrated({"beyond": {"coverage@10": 0.1}}) == ""


def test_evaluate_prints_a_table_with_what_was_measured(default: Settings, call: Call) -> None:
    result = call("evaluate", "--protocol", "paper", "--split", "validation")
    assert result.exit_code == 0, result.output
    assert "default: paper, validation split of folder, all targets" in result.stdout
    assert "ndcg@10" in result.stdout
    assert all(name in result.stdout for name in ("popularity", "copy", "item_knn", "95 % interval", "coverage@10"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--protocol", "papper"), ["Unknown protocol 'papper'", "Did you mean: paper"]),
        (("--split", "tset"), ["Unknown split 'tset'", "Did you mean: test"]),
        (("--run", "nothing"), ["Unknown run 'nothing'"]),
    ],
)
def test_evaluate_names_what_is_nearest(words: tuple[str, ...], said: list[str], default: Settings, call: Call) -> None:
    check_mistake(call("evaluate", *words), *said)


def test_rankings_that_cannot_be_written_are_a_mistake(default: Settings, call: Call, tmp_path: Path) -> None:
    check_mistake(call("evaluate", "--rankings", str(tmp_path)), str(tmp_path))
    check_mistake(call("evaluate", "--rankings", str(tmp_path / "out" / "x.jsonl")), "no folder")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_run_is_a_mistake_that_names_the_file(default: Settings, call: Call) -> None:
    weights = default.checkpoints_dir / "default" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    check_mistake(call("recommend", "scary"), "default/model.safetensors is cut or damaged")


def test_train_says_how_it_ended(world: Settings, call: Call) -> None:
    result = call("train", "--preset", "popularity", "--run-id", "p", "--set", "seed=3")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("p: finished after ")
    assert find_run("p", world).config().seed == 3


def test_train_makes_up_a_name_from_the_preset(world: Settings, call: Call) -> None:
    result = call("train", "--preset", "item-knn")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("item-knn-2")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--preset", "populraity"), ["Unknown preset", "Did you mean: popularity"]),
        ((), ["Name a preset", "--preset frozen"]),
        (("--preset", "copy", "--set", "training.epoch=1"), ["Unknown setting 'training.epoch'", "training.epochs"]),
        (("--preset", "copy", "--set", "training.epochs=-1"), ["training.epochs"]),
        (("--preset", "copy", "--run-id", "../x"), ["'../x'"]),
        (("--preset", "copy", "--run-id", "taken"), ["taken exists"]),
        (("--resume",), ["--resume needs --run-id"]),
        (("--resume", "--run-id", "taken", "--set", "seed=1"), ["no --set"]),
        (("--resume", "--run-id", "taken"), ["taken is finished"]),
        (("--resume", "--run-id", "taken", "--preset", "popularity"), ["--preset"]),
        (("--resume", "--run-id", "nowhere"), ["Unknown run 'nowhere'"]),
    ],
)
def test_train_refuses_what_cannot_be(words: tuple[str, ...], said: list[str], world: Settings, call: Call) -> None:
    make_run("taken", "copy", world)
    check_mistake(call("train", *words), *said)
    assert [path.name for path in world.checkpoints_dir.iterdir()] == ["taken"]


def test_an_encoder_that_is_not_at_hand_is_a_mistake_and_the_run_says_so(world: Settings, call: Call) -> None:
    result = call("train", "--preset", "paper-text", "--run-id", "p", "--set", "model.text.name=no/such-encoder")
    check_mistake(result, "no/such-encoder", "set model.text.name=minilm")
    assert find_run("p", world).status().state == "failed"


def test_a_run_is_resumed(world: Settings, call: Call, tiny_encoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from recommender.training.progress import Progress

    overrides = [f"model.text.name={tiny_encoder}", "model.text.train=none", "training.epochs=2", "protocol=one_shot"]
    words = ["train", "--preset", "original-baseline", "--run-id", "r", *[w for o in overrides for w in ("--set", o)]]
    step_end = Progress.on_step_end

    def stop(self: Progress, *args: Any, **rest: Any) -> None:
        self.work.stop.requested = True
        step_end(self, *args, **rest)

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "on_step_end", stop)
        assert call(*words).stdout.startswith("r: stopped after ")
    result = call("train", "--resume", "--run-id", "r")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("r: finished after ")


def test_a_run_that_waits_for_its_turn_is_trained_then(world: Settings, call: Call) -> None:
    result = call("train", "--preset", "popularity", "--run-id", "p", "--wait")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("p: finished after ")
    check_mistake(call("train", "--run-id", "p", "--resume", "--wait"), "p is finished")
    assert find_run("p", world).status().state == "finished"


def test_read_only_is_for_the_app_and_not_for_who_owns_the_machine(
    world: Settings, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOMMENDER_READ_ONLY", "1")
    settings.cache_clear()
    assert call("train", "--preset", "popularity", "--run-id", "p").exit_code == 0


def test_an_estimate_is_one_json_object_and_trains_nothing(world: Settings, call: Call, tmp_path: Path) -> None:
    found = one_object(call("estimate", "--preset", "popularity", "--json"))
    assert found["train_examples"] > found["validation_examples"] > 0
    assert (found["steps"], found["source"]) == (0, "ReDial (folder): 40 training and 10 test dialogues")
    file = tmp_path / "config.json"
    file.write_text(load_preset("popularity").model_dump_json())
    same = one_object(call("estimate", "--config", str(file), "--json"))
    assert same["train_examples"] == found["train_examples"]
    assert one_object(call("estimate", "--config", "-", "--json", stdin=file.read_text())).keys() == found.keys()
    assert call("estimate", "--preset", "popularity").stdout.count("\n") == 3
    assert one_object(call("runs", "--json")) == {"runs": []}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--preset", "populraity"), ["Unknown preset", "Did you mean: popularity"]),
        (("--preset", "copy", "--config", "-"), ["--config stands alone"]),
        (("--config", "-"), ["<stdin> is not JSON"]),
        (("--preset", "copy", "--set", "data.source=cache"), ["has no train split"]),
    ],
)
def test_an_estimate_refuses_what_cannot_be(
    words: tuple[str, ...], said: list[str], world: Settings, call: Call
) -> None:
    check_mistake(call("estimate", *words), *said)


def test_runs_are_listed_with_what_they_do(default: Settings, call: Call) -> None:
    broken = new_run("broken", RunConfig(protocol="paper"), default)
    (broken.folder / "status.json").write_text("{")
    rows = {row["run"]: row for row in one_object(call("runs", "--json"))["runs"]}
    assert (rows["default"]["state"], rows["default"]["protocol"]) == ("finished", "conversational")
    assert rows["default"]["best_ndcg@10"] is None
    assert rows["broken"]["state"] == "unreadable"
    assert "broken/status.json is damaged" in rows["broken"]["reason"]
    assert [line.split()[:2] for line in call("runs").stdout.splitlines()] == [
        ["broken", "unreadable"], ["default", "finished"]
    ]  # fmt: skip


def test_without_runs_the_way_to_one_is_told(world: Settings, call: Call) -> None:
    assert "python -m recommender train --preset" in call("runs").stdout
    assert one_object(call("runs", "--json")) == {"runs": []}
    check_mistake(call("recommend", "scary"), "Unknown run 'default'. There is no run yet.")


def test_prepare_counts_and_names_its_source(world: Settings, call: Call) -> None:
    result = call("prepare")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("ReDial (folder): 40 training and 10 test dialogues")
    check_mistake(call("prepare", "--source", "smaple"), "Did you mean: sample")


def test_a_broken_data_folder_is_a_mistake(
    world: Settings, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOMMENDER_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    check_mistake(call("prepare"), str(tmp_path), "has no train split")


def test_a_setting_of_the_environment_that_cannot_be_is_a_mistake(
    world: Settings, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOMMENDER_DEVICE", "abacus")
    settings.cache_clear()
    check_mistake(call("runs"), "RECOMMENDER_DEVICE")


def test_help_names_every_command(call: Call) -> None:
    for words in ((), ("--help",)):
        text = call(*words).output
        assert all(name in text for name in ("prepare", "train", "estimate", "evaluate", "recommend", "match", "runs"))


# Ctrl-C while a module is being imported.
INTERRUPTING = """
import runpy, sys
class Interrupt:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
sys.argv[1:] = ["train", "--preset", "copy"]
runpy.run_module("recommender", run_name="__main__")
"""


@pytest.mark.parametrize("module", ["typer", "recommender.cli.wishes", "recommender.training.job"])
def test_an_interrupted_import_is_no_traceback(module: str, world: Settings) -> None:
    code = INTERRUPTING.replace("sys.argv[1]", repr(module))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
