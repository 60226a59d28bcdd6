"""A run that runs out of memory goes on with fewer examples at a time, and a step still learns from a whole batch."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch

from recommender.config import RunConfig
from recommender.errors import RecommenderError
from recommender.runs.folder import Run, new_run
from recommender.settings import Settings
from recommender.training.advice import advise
from recommender.training.progress import Progress
from recommender.training.run import train_run
from recommender.training.trainer import RecommenderTrainer
from tests.training.small import MakeConfig, evals, losses, trained

OUT = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")


def without_dropout(config: RunConfig) -> RunConfig:
    """What is drawn for a batch is not what is drawn for its parts."""
    values = config.model_dump()
    values["model"]["head"]["dropout"] = 0.0
    return RunConfig.model_validate(values)


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], list[int]]:
    """A machine with room for so many examples at a time from a step on; the sizes of all batches that it saw."""

    def make(examples: int, step: int = 0) -> list[int]:
        seen: list[int] = []
        compute = RecommenderTrainer.compute_loss

        def limited(self: Any, model: Any, inputs: Any, *args: Any, **options: Any) -> torch.Tensor:
            seen.append(len(inputs["targets"]))
            if len(inputs["targets"]) > examples and self.state.global_step >= step:
                raise OUT
            return compute(self, model, inputs, *args, **options)

        monkeypatch.setattr(RecommenderTrainer, "compute_loss", limited)
        return seen

    return make


def test_it_goes_on_with_less_at_a_time_and_says_so(
    world: Settings, config_of: MakeConfig, room: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The same steps on the same examples in the same order: nothing here is drawn in training, so all but rounding is
    as without the fault."""
    config = without_dropout(config_of(batch_size=16, epochs=3))
    whole = trained(config, world, "whole")
    steps = whole.status().steps // 3
    seen = room(5, step=steps + 1)
    with caplog.at_level(logging.WARNING):
        run = trained(config, world)
    status = run.status()
    assert (status.state, status.accumulation, status.steps) == ("finished", 4, 3 * steps)
    told = "memory ran out with 16 examples at a time: going on from the last finished epoch with 8 at a time"
    assert told in caplog.text
    assert told in run.log_file.read_text()
    assert "with 4 at a time; a step still learns from 16" in run.log_file.read_text()
    assert max(seen[: steps + 1]) == 16
    assert max(seen[-steps:]) == 4
    assert [row["epoch"] for row in evals(run)] == [1, 2, 3]
    assert evals(run)[0] == evals(whole)[0], "what was learned before is kept"
    for ours, theirs in zip(evals(run), evals(whole), strict=True):
        assert ours["eval_ndcg@10"] == pytest.approx(theirs["eval_ndcg@10"], abs=0.02)
    assert losses(run)[:1] == losses(whole)[:1]


def test_equal_parts_learn_what_the_whole_batch_does(world: Settings, config_of: MakeConfig, room: Any) -> None:
    """Every batch is whole here, so that the mean of the parts' means is the batch's mean."""
    config = without_dropout(config_of(epochs=1))
    count = trained(config, world, "count").status().train_examples
    size = next((size for size in range(32, 1, -1) if count % size == 0), count)
    training = config.training.model_copy(update={"batch_size": size})
    config = config.model_copy(update={"training": training})
    whole = trained(config, world, "whole")
    room(size - 1)
    run = trained(config, world)
    assert run.status().accumulation > 1
    for name, tensor in whole.weights()[0].items():
        torch.testing.assert_close(run.weights()[0][name], tensor, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(("size", "parts"), [(12, [2, 4, 12]), (7, [7]), (9, [3, 9]), (16, [2, 4, 8, 16])])
def test_a_batch_is_cut_into_equal_parts_down_to_one_example(
    size: int, parts: list[int], world: Settings, config_of: MakeConfig, room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    write = Run.write_status
    monkeypatch.setattr(
        Run, "write_status", lambda self, status: (told.append(status.accumulation), write(self, status))
    )
    room(0)
    run = new_run("r", config_of(batch_size=size), world)
    with pytest.raises(RecommenderError, match=r"Out of memory\. Use shorter texts, for example data.max_tokens=128"):
        train_run(run, world)
    status = run.status()
    assert (status.state, status.problem) == ("failed", "out_of_memory")
    assert sorted(set(told)) == [1, *parts]
    assert advise(run)[0].overrides == ("data.max_tokens=128",)


def test_a_resumed_run_keeps_to_what_fits(
    world: Settings, config_of: MakeConfig, room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = room(8)
    with monkeypatch.context() as patch:
        patch.setattr(
            Progress, "on_epoch_begin", lambda self, *_, **__: setattr(self.work.stop, "requested", self.best > 0)
        )
        run = trained(config_of(), world)
    assert (run.status().state, run.status().accumulation) == ("stopped", 2)
    seen.clear()
    train_run(run, world, resume=True)
    assert run.status().state == "finished"
    assert max(seen) == 8


def test_memory_that_runs_out_elsewhere_is_no_matter_of_the_batch(
    world: Settings, config_of: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OUT

    monkeypatch.setattr("recommender.reports.report.Validation.measure", fail)
    run = new_run("r", config_of(), world)
    with pytest.raises(RecommenderError, match=r"training\.batch_size=8"):
        train_run(run, world)
    assert (run.status().problem, run.status().accumulation) == ("out_of_memory", 1)
