"""What is advised when: exact curves, and settings that a run can be started with."""

import pytest

from recommender.config import RunConfig
from recommender.runs.folder import Run, Status, new_run
from recommender.settings import Settings
from recommender.training.advice import advise, overfits, smaller_batch


def rows_of(values: list[float], losses: list[float]) -> list[dict[str, float]]:
    """Two training lines an epoch, then validation."""
    rows: list[dict[str, float]] = []
    for epoch, (value, loss) in enumerate(zip(values, losses, strict=True), start=1):
        rows += [{"epoch": epoch - 0.5, "loss": loss + 0.1}, {"epoch": float(epoch), "loss": loss}]
        rows.append({"epoch": float(epoch), "eval_ndcg@10": value})
    return rows


FALLING = [0.9, 0.8, 0.7, 0.6, 0.5]


@pytest.mark.parametrize(
    ("values", "losses", "expected"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5], FALLING, False),
        ([0.1, 0.5, 0.3, 0.4, 0.45], FALLING, True),  # the best is three evaluations ago
        ([0.1, 0.2, 0.5, 0.4, 0.45], FALLING, False),
        ([0.1, 0.2, 0.5, 0.4, 0.3], FALLING, True),  # falls twice in a row
        ([0.1, 0.5, 0.495, 0.494, 0.495], FALLING, False),  # a plateau
        ([0.1, 0.2, 0.5, 0.496, 0.495], FALLING, False),
        ([0.1, 0.5, 0.3, 0.4, 0.45], [0.9] * 5, False),  # nothing is learned by heart either
        ([0.1, 0.2, 0.5, 0.4, 0.3], [0.9, 0.8, 0.5, 0.6, 0.7], False),
        ([0.5, 0.4], FALLING[:2], False),
        ([], [], False),
    ],
)
def test_overfitting_is_a_loss_that_falls_while_validation_does_not_rise(
    values: list[float], losses: list[float], expected: bool
) -> None:
    assert overfits(rows_of(values, losses)) is expected


@pytest.fixture
def run(world: Settings) -> Run:
    return new_run("r", RunConfig(protocol="notebook"), world)


def ended(run: Run, config: RunConfig, **status: object) -> Run:
    run.write_config(config)
    run.write_status(Status.model_validate({"state": "failed", **status}))
    return run


def config_of(**parts: object) -> RunConfig:
    return RunConfig.model_validate({"protocol": "notebook", **parts})


def test_too_little_memory_halves_the_batch(run: Run) -> None:
    [advice] = advise(ended(run, config_of(), problem="out_of_memory"))
    assert advice.overrides == ("training.batch_size=16",)
    assert advice.label == "Start again with a batch of 16"
    assert "32 examples at a time" in advice.text


@pytest.mark.parametrize("size", [2, 3, 5, 7, 64])
@pytest.mark.parametrize("tags", [1, 3])
def test_half_a_batch_is_always_a_batch_that_can_be(size: int, tags: int) -> None:
    tagged = {"model": {"tags": True}}
    config = config_of(training={"batch_size": size, "tag_batch_size": size * tags}, **tagged)
    values = dict(change.split("=") for change in smaller_batch(config))
    half = config_of(training={key.removeprefix("training."): int(value) for key, value in values.items()}, **tagged)
    assert half.training.batch_size == size // 2
    assert half.training.tag_batch_size == size // 2 * tags


def test_a_batch_of_one_example_cuts_the_texts(run: Run) -> None:
    [advice] = advise(ended(run, config_of(training={"batch_size": 1}), problem="out_of_memory"))
    assert advice.overrides == ("data.max_tokens=128",)


@pytest.mark.parametrize(("rate", "lower"), [(1e-3, "0.0001"), (2e-5, "1e-05"), (1e-5, "1e-06"), (1e30, "1e+29")])
def test_a_loss_that_is_not_finite_lowers_the_learning_rate(rate: float, lower: str, run: Run) -> None:
    trained = {"text": {"train": "all"}}
    config = config_of(model=trained, training={"head_lr": rate, "encoder_lr": 2e-5})
    [advice] = advise(ended(run, config, problem="not_finite"))
    assert advice.overrides == (f"training.head_lr={lower}", "training.encoder_lr=1e-05")
    assert advice.label.endswith(lower)


def test_a_frozen_encoder_has_no_learning_rate_to_lower(run: Run) -> None:
    [advice] = advise(ended(run, config_of(), problem="not_finite"))
    assert [change.partition("=")[0] for change in advice.overrides] == ["training.head_lr"]


def test_what_was_interrupted_is_resumed(run: Run) -> None:
    for status in ({"state": "running"}, {"problem": "disk_full"}):
        [advice] = advise(ended(run, config_of(), **status))
        assert (advice.label, advice.overrides) == ("Resume", ())


def test_a_kill_near_the_end_of_the_memory_asks_for_a_smaller_batch_first(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.runs.status.machine_memory_mb", lambda: 1000)
    ended(run, config_of(), state="running", device_type="cpu", device="CPU (x86_64), 2 threads", peak_memory_mb=900)
    assert "it had used 900 of 1,000 MiB, so the system may have ended it" in run.status().reason
    first, second = advise(run)
    assert first.overrides[0] == "training.batch_size=16"
    assert second.label == "Resume"
    ended(run, config_of(), state="running", device_type="cpu", device="CPU (x86_64), 2 threads", peak_memory_mb=500)
    assert run.status().reason == "its process ended without a word"


def test_a_failure_of_another_kind_has_no_advice(run: Run) -> None:
    assert advise(ended(run, config_of(), problem="other")) == []


@pytest.mark.parametrize(
    ("dropout", "change"),
    [(0.1, "model.head.dropout=0.2"), (0.2, "model.head.dropout=0.3"), (0.5, "training.patience=3")],
)
def test_a_run_that_learns_by_heart_gets_more_dropout(dropout: float, change: str, run: Run) -> None:
    for row in rows_of([0.1, 0.5, 0.3, 0.4, 0.45], FALLING):
        run.append_metrics(row)
    [advice] = advise(ended(run, config_of(model={"head": {"dropout": dropout}}), state="finished"))
    assert advice.overrides == (change,)


def weighted(protocol: str = "notebook", tags: bool = False) -> RunConfig:
    loss = {"kind": "weighted_bce"} | ({"tag_weight": 0.001} if tags else {})
    values = {"model": {"tags": tags}, "loss": loss}
    return RunConfig.model_validate({"protocol": protocol, **values})


def test_a_weak_weighted_run_gets_the_advice_of_its_author(run: Run) -> None:
    rising = [0.001 * epoch for epoch in range(1, 21)]
    for row in rows_of(rising, [1.0] * 20):
        run.append_metrics(row)
    [heavier] = advise(ended(run, weighted(), state="finished"))
    assert heavier.overrides == ("loss.factor=1.5",)
    assert "nDCG@10 is 0.020 after 20 epochs" in heavier.text
    heavier, lighter = advise(ended(run, weighted(tags=True), state="finished"))
    assert lighter.overrides == ("loss.tag_weight=0.0005",)
    assert advise(ended(run, weighted("conversational"), state="finished")) == []
    assert advise(ended(run, config_of(), state="finished")) == []
    run.append_metrics({"epoch": 21.0, "eval_ndcg@10": 0.08})
    assert advise(ended(run, weighted(), state="finished")) == []


def test_a_weighted_run_is_not_judged_before_its_time(run: Run) -> None:
    for row in rows_of([0.001 * epoch for epoch in range(1, 20)], [1.0] * 19):
        run.append_metrics(row)
    assert advise(ended(run, weighted(), state="finished")) == []
