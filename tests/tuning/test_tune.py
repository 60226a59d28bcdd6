"""Studies: trials are runs, the same seed tries the same, bad ones are given up, and nothing is lost or done twice."""

import os
import platform
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest

from recommender.config.presets import load_preset, save_preset
from recommender.errors import RecommenderError, UnknownNameError
from recommender.runs.folder import SELECTED_BY, Run, list_runs, new_run
from recommender.runs.status import Status
from recommender.runs.studies import all_trials, live_trials, new_worker, trial_run, workers
from recommender.settings import Settings
from recommender.training import job as training_job
from recommender.training.queue import live_runs
from recommender.training.run import train_run
from recommender.tuning import job
from recommender.tuning.search import Search
from recommender.tuning.study import DATA, HOST, Study, begin_study, find_study
from recommender.tuning.tune import work_on
from recommender.tuning.view import read_study, study_names
from tests.made_study import begun_trial

MakeSearch = Callable[..., Search]
PATIENCE = 300  # seconds for one step of a process, on a machine that has much else to do


class Fake:
    """Stands in for `train_run`: the epochs of a moment, each as good as `value` of its learning rate."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ends: dict[int, str | Exception] = {}  # how the runs end, by their order; the others finish
        self.begun = 0
        monkeypatch.setattr("recommender.training.run.train_run", self)

    def __call__(self, run: Run, settings: Settings, callbacks: object) -> None:
        end = self.ends.get(self.begun, "finished")
        self.begun += 1
        status = run.status()
        if isinstance(end, Exception):
            status.state = "failed"
            run.write_status(status)
            raise end
        run.append_metrics({"epoch": 1, SELECTED_BY: min(1.0, 10 * run.config().training.head_lr)})
        status.state = "stopped" if end == "stopped" else "finished"
        run.write_status(status)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    return Fake(monkeypatch)


def tuned(study: Study, settings: Settings, timeout: float | None = None) -> str:
    with new_worker(study.name, settings) as worker:
        return work_on(study, settings, worker, wait=False, timeout=timeout)


def params_of(name: str, settings: Settings) -> list[dict[str, Any]]:
    return [row.params for row in read_study(name, settings).rows]


def test_a_study_is_tried_to_its_end_and_goes_on_when_more_are_asked_for(
    world: Settings, make_search: MakeSearch
) -> None:
    search = make_search()
    assert tuned(begin_study("s", search, None, world), world) == "finished"
    first = read_study("s", world)
    assert (first.done, first.trials) == (3, 3)
    assert [row.state for row in first.rows] == ["complete"] * 3
    assert all(row.epochs == 2 and row.seconds > 0 for row in first.rows)
    assert first.best is not None
    assert first.best.value == max(row.value for row in first.rows)

    assert tuned(begin_study("s", search, 3, world), world) == "finished"
    assert read_study("s", world).rows == first.rows, "a study that is done is not gone on with"

    assert tuned(find_study("s", world, 5), world) == "finished"
    again = read_study("s", world)
    assert (again.done, again.trials) == (5, 5)
    assert again.rows[:3] == first.rows


def test_a_trial_is_a_run_apart_from_the_others_and_the_best_keeps_its_weights(
    world: Settings, make_search: MakeSearch
) -> None:
    tuned(begin_study("s", make_search(), 3, world), world)
    view = read_study("s", world)
    assert list_runs(world) == []
    trials = all_trials(world)
    assert [run.run_id for run in trials] == ["s-0000", "s-0001", "s-0002"]
    assert view.best is not None
    assert [run.has_weights for run in trials] == [row.number == view.best.number for row in view.rows]
    for run, row in zip(trials, view.rows, strict=True):
        assert run.status().state == "finished"
        assert not run.resume_folder.exists()
        assert run.config().training.head_lr == pytest.approx(row.params["training.head_lr"], rel=1e-5)
        assert max(r["eval_ndcg@10"] for r in run.metrics() if "eval_ndcg@10" in r) == row.value
    [(_, status)] = workers("s", world)
    assert status.state == "finished"


def test_a_study_that_was_cut_in_two_tries_what_an_undisturbed_one_tries(
    world: Settings, make_search: MakeSearch
) -> None:
    search = make_search()
    tuned(begin_study("whole", search, 4, world), world)
    tuned(begin_study("parts", search, 2, world), world)
    tuned(find_study("parts", world, 4), world)
    assert params_of("whole", world) == params_of("parts", world)
    assert [r.value for r in read_study("whole", world).rows] == [r.value for r in read_study("parts", world).rows]
    other = search.model_copy(update={"seed": 1})
    tuned(begin_study("other", other, 1, world), world)
    assert params_of("other", world)[0] != params_of("whole", world)[0]
    assert len({str(params) for params in params_of("whole", world)}) == 4


def test_a_study_whose_trials_are_stopped_tries_what_an_undisturbed_one_tries(
    world: Settings, make_search: MakeSearch, fake: Fake
) -> None:
    """However often the same trial is stopped, and also after the sampler has begun to learn."""
    search = make_search()
    tuned(begin_study("whole", search, 6, world), world)
    begin_study("parts", search, 6, world)
    fake.begun, fake.ends = 0, dict.fromkeys([1, 2, 3, 4, 7], "stopped")
    for _ in fake.ends:
        assert tuned(find_study("parts", world), world) == "stopped"
    assert tuned(find_study("parts", world), world) == "finished"
    view = read_study("parts", world)
    assert [row.params for row in view.rows if row.state == "complete"] == params_of("whole", world)
    assert [row.number for row in view.rows if row.state == "failed"] == [1, 2, 3, 4, 7]


def test_a_stop_while_a_trial_is_measured_ends_the_work_behind_it(
    world: Settings, make_search: MakeSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.training.run.evaluate", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    assert tuned(begin_study("s", make_search(epochs=1), 2, world), world) == "stopped"
    assert [row.state for row in read_study("s", world).rows] == ["complete"]


def test_without_time_no_trial_begins(world: Settings, make_search: MakeSearch, fake: Fake) -> None:
    study = begin_study("s", make_search(), 2, world)
    assert tuned(study, world, timeout=0) == "stopped"
    assert fake.begun == 0
    assert tuned(study, world) == "finished"


def test_a_trial_given_up_parts_failures_that_are_then_not_in_a_row(
    world: Settings, make_search: MakeSearch, fake: Fake
) -> None:
    wrong = RecommenderError("It went wrong.")
    fake.ends = {0: wrong, 1: wrong, 2: optuna.TrialPruned(), 3: wrong, 4: wrong}
    assert tuned(begin_study("s", make_search(), 2, world), world) == "finished"
    assert [row.state for row in read_study("s", world).rows] == ["failed"] * 2 + ["pruned"] + ["failed"] * 2 + [
        "complete"
    ]


@pytest.mark.parametrize("error", [RuntimeError("Shapes do not fit."), ImportError("No module named x.")])
def test_an_error_of_the_training_is_not_told_as_one_of_the_database(
    error: Exception, world: Settings, make_search: MakeSearch, fake: Fake
) -> None:
    fake.ends = {0: error}
    with pytest.raises(type(error), match=str(error)):
        tuned(begin_study("s", make_search(), 2, world), world)
    [(_, status)] = workers("s", world)
    assert (status.state, status.reason) == ("failed", str(error))


def test_looking_for_studies_makes_no_tables(world: Settings, make_search: MakeSearch) -> None:
    """The file may be of something else, and in a public demo nothing is written."""
    file = Path(world.studies_url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE other (number INTEGER)")
    before = file.read_bytes()
    assert study_names(world) == []
    assert file.read_bytes() == before
    begin_study("s", make_search(), 2, world)
    assert study_names(world) == ["s"]


@pytest.mark.parametrize(("before", "state", "epochs"), [(0.99, "pruned", 1), (0.0, "complete", 3)])
def test_a_trial_below_the_median_of_those_before_is_given_up(
    before: float, state: str, epochs: int, world: Settings, make_search: MakeSearch
) -> None:
    """Two made-up trials set the median of every epoch."""
    search = make_search(epochs=3, pruner={"kind": "median", "first_trials": 2, "first_epochs": 0})
    study = begin_study("s", search, 3, world)
    for _ in range(2):
        earlier = dict.fromkeys(range(1, 4), before)
        study.optuna.add_trial(optuna.create_trial(value=before, intermediate_values=earlier))
    assert tuned(study, world) == "finished"
    view, run = read_study("s", world), trial_run("s", 2, world)
    assert (view.done, view.rows[2].state, view.rows[2].epochs) == (3, state, epochs)
    assert not run.resume_folder.exists()
    if state == "pruned":
        assert view.rows[2].reason == "given up after epoch 1"
        assert (run.status().state, run.status().reason) == ("stopped", "given up after epoch 1")
        assert not run.has_weights
    else:
        assert run.status().state == "finished"


def test_settings_that_diverge_count_as_bad_and_others_failures_end_the_work(
    world: Settings, make_search: MakeSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = begin_study("s", make_search(), 3, world)

    def fails(run: Run, settings: Settings, callbacks: object) -> None:
        status = run.status()
        status.state, status.problem = "failed", problems.pop(0)
        run.write_status(status)
        raise RecommenderError("It went wrong.")

    monkeypatch.setattr("recommender.training.run.train_run", fails)
    problems = ["not_finite", "out_of_memory", "other", "other", "other"]
    with pytest.raises(RecommenderError, match="It went wrong"):
        tuned(study, world)
    view = read_study("s", world)
    assert [row.state for row in view.rows] == ["pruned", "pruned", "failed", "failed", "failed"]
    assert view.done == 2
    assert [status.state for _, status in workers("s", world)] == ["failed"]
    with pytest.raises(RecommenderError, match="no finished trial"):
        study.best_config()


def test_another_search_is_not_mixed_in(world: Settings, make_search: MakeSearch) -> None:
    begin_study("s", make_search(), 3, world)
    with pytest.raises(RecommenderError, match="another search"):
        begin_study("s", make_search(seed=1), 3, world)
    with pytest.raises(RecommenderError, match="another search"):
        begin_study("s", make_search(epochs=3), 3, world)
    assert begin_study("s", make_search(description="other words", trials=9), None, world).trials == 3
    with pytest.raises(UnknownNameError, match="Did you mean: s"):
        find_study("z", world)


@pytest.mark.parametrize("name", ["", "../s", "a b", "x" * 49, ".s"])
def test_a_study_has_a_plain_name(name: str, world: Settings, make_search: MakeSearch) -> None:
    with pytest.raises(RecommenderError, match="at most 48"):
        begin_study(name, make_search(), 3, world)
    assert study_names(world) == []


def test_other_data_is_not_mixed_in(world: Settings, make_search: MakeSearch) -> None:
    study = begin_study("s", make_search(), 2, world)
    study.optuna.set_user_attr(DATA, "of another machine")
    with pytest.raises(RecommenderError, match="is not that of the study's other trials"):
        tuned(study, world)


def test_the_best_trial_becomes_a_preset_that_trains_to_the_same_value(
    world: Settings, make_search: MakeSearch
) -> None:
    study = begin_study("s", make_search(), 2, world)
    tuned(study, world)
    save_preset("mine", find_study("s", world).best_config())
    config = load_preset("mine")
    assert config.description.startswith("Trial ")
    run = new_run("mine", config, world)
    train_run(run, world)
    best = read_study("s", world).best
    assert best is not None
    assert max(row["eval_ndcg@10"] for row in run.metrics() if "eval_ndcg@10" in row) == best.value


def test_an_interrupted_trial_is_tried_again_and_none_is_tried_too_often(
    world: Settings, make_search: MakeSearch
) -> None:
    """A process that was killed leaves a trial that runs for ever, and a run whose process is gone."""
    study = begin_study("s", make_search(), 2, world)
    killed = begun_trial(study)
    params = study.search.suggest(killed)
    killed.set_user_attr(HOST, platform.node())
    run = trial_run("s", 0, world)
    run.write_config(study.base)
    run.write_status(Status(state="running", pid=2**22 + 1, process_started=1.0))
    elsewhere = begun_trial(study)  # of another machine, which may be at it
    elsewhere.set_user_attr(HOST, "another machine")
    assert tuned(study, world) == "finished"
    rows = read_study("s", world).rows
    assert [(row.number, row.state) for row in rows] == [(0, "failed"), (1, "running"), (2, "complete")]
    assert rows[2].params == params
    assert rows[0].reason == "interrupted"


def test_trials_wait_for_runs_and_runs_for_trials(world: Settings, make_search: MakeSearch) -> None:
    run = trial_run("s", 0, world)
    run.write_config(make_search().base())
    status = Status(state="queued")
    status.queue("cpu")
    run.write_status(status)
    assert [each for each, _ in live_runs(world)] == [run]
    assert training_job.waiting(world) == [run]
    assert [each for each, _ in live_trials("s", world)] == [run]
    assert live_trials("t", world) == []


def until(there: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE
    while not (found := there()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def test_a_process_is_started_and_stopped_and_its_trial_tried_again(world: Settings, make_search: MakeSearch) -> None:
    begin_study("s", make_search(epochs=30), 1, world)
    worker = job.go_on("s", None, world)
    with pytest.raises(RecommenderError, match="worked on already"):
        job.go_on("s", None, world)
    until(lambda: any(status.step for _, status in live_trials("s", world)) or not job.is_alive("s", world))
    job.stop("s", world)
    until(lambda: not job.is_alive("s", world))
    assert worker.status().state == "stopped", worker.log_file.read_text()
    rows = read_study("s", world).rows
    assert [row.state for row in rows] == ["failed", "waiting"]
    assert rows[0].params == rows[1].params

    assert tuned(find_study("s", world), world) == "finished"
    assert [row.state for row in read_study("s", world).rows] == ["failed", "complete"]
    assert len(workers("s", world)) == 1, "those that ended are cleared away"


def test_processes_share_a_study_and_make_up_for_one_that_is_killed(world: Settings, make_search: MakeSearch) -> None:
    begin_study("s", make_search(epochs=10), 3, world)
    command = [sys.executable, "-m", "recommender", "tune", "--study", "s"]
    environment = training_job.environment(world)
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for _ in range(2)]

    def at_once() -> bool:
        """Whether both are at a trial."""
        assert all(process.poll() is None for process in both)
        return len({status.pid for _, status in live_trials("s", world) if status.step}) == 2

    until(at_once)
    both[0].kill()
    assert [process.wait(PATIENCE) for process in both] == [-signal.SIGKILL, 0]
    assert tuned(find_study("s", world), world) == "finished"
    rows = read_study("s", world).rows
    assert sorted(row.state for row in rows) == ["complete"] * 3 + ["failed"]
    [lost] = [row for row in rows if row.state == "failed"]
    assert [row.params == lost.params for row in rows].count(True) == 2
    assert len({str(row.params) for row in rows}) == 3


def test_read_only_starts_stops_and_saves_nothing(world: Settings, make_search: MakeSearch) -> None:
    demo = world.model_copy(update={"read_only": True})
    begin_study("s", make_search(), 2, world)
    acts: list[Callable[[], object]] = [
        lambda: job.start("t", "frozen", 2, demo),
        lambda: job.go_on("s", None, demo),
        lambda: job.stop("s", demo),
        lambda: job.keep_best("s", "mine", demo),
    ]
    for act in acts:
        with pytest.raises(RecommenderError, match="read-only"):
            act()
    assert study_names(demo) == ["s"]
    assert not (world.checkpoints_dir / ".studies").exists()
