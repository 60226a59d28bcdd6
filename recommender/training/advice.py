"""What to change when a run failed or could be better: a sentence, and the settings that a button starts it with.

The advice follows what the weighted trainer's author wrote down: half the batch, a learning rate of 1e-5, more dropout,
and a heavier positive weight or a lighter tag task where nDCG@10 stays under 0.08 at 20 epochs.
"""

from dataclasses import dataclass
from typing import Any

from recommender.config import RunConfig
from recommender.config.base import value_at
from recommender.config.losses import WeightedBceSettings
from recommender.runs.folder import SELECTED_BY, Run

STALE = 3  # evaluations since the best one
MARGIN = 0.02  # share of the best value that has to be lost: less is noise, or a plateau
AUTHOR_EPOCHS, AUTHOR_NDCG = 20, 0.08
AUTHOR_FACTOR, AUTHOR_TAG_WEIGHT = 1.5, 0.0005
LOW_RATE = 1e-5
MAX_DROPOUT = 0.5


@dataclass(frozen=True)
class Advice:
    """`overrides` are ready for `job.restart`; without any, the button resumes the run (`job.resume`)."""

    text: str
    label: str
    overrides: tuple[str, ...] = ()


def advise(run: Run) -> list[Advice]:
    """The first is the best. Empty where nothing is wrong, or nothing is known to help.

    Raises `CheckpointError` if the run's files are damaged.
    """
    status, config = run.status(), run.config()
    goes_on = "go on from the last finished epoch" if run.keeps_epoch else "begin again, since no epoch was finished"
    if status.state == "interrupted":
        advice = [Advice(f"It can {goes_on}.", "Resume")]
        return [_less_memory(config, status.accumulation), *advice] if status.problem == "out_of_memory" else advice
    if status.problem == "out_of_memory":
        return [_less_memory(config, status.accumulation)]
    if status.problem == "not_finite":
        return [_slower(config)]
    if status.problem == "disk_full":
        return [Advice(f"The disk is full. Make room, then {goes_on}.", "Resume")]
    rows = run.metrics()
    found = []
    if status.state != "failed" and overfits(rows):
        found.append(_more_dropout(config))
    if status.state == "finished":
        found += _of_the_weighted_author(config, rows)
    return found


def smaller_batch(config: RunConfig, accumulation: int = 1) -> tuple[str, ...]:
    """Half of what is learned at a time, with as many tags for each example; shorter texts where that is one example.
    `accumulation` is the number of parts into which a batch was cut."""
    size, tags = config.training.batch_size, config.training.tag_batch_size // config.training.batch_size
    if size <= accumulation:
        return (f"data.max_tokens={max(8, config.data.max_tokens // 2)}",)
    half = size // accumulation // 2
    found = [f"training.batch_size={half}"]
    if "tag" in config.model.tasks:
        found.append(f"training.tag_batch_size={half * tags}")
    if config.training.accumulation > 1:
        found.append("training.accumulation=1")
    return tuple(found)


def _less_memory(config: RunConfig, accumulation: int) -> Advice:
    overrides = smaller_batch(config, accumulation)
    size = config.training.batch_size // accumulation
    if size == 1:
        text = f"Memory ran out although one example is learned at a time. Cut texts to {config.data.max_tokens // 2}"
        return Advice(f"{text} tokens.", "Start again with shorter texts", overrides)
    text = f"Memory ran out with {size} examples at a time. Half as many need about half the memory."
    return Advice(text, f"Start again with a batch of {size // 2}", overrides)


def _slower(config: RunConfig) -> Advice:
    rates = {"head_lr": config.training.head_lr}
    if config.model.trains_encoder:
        rates["encoder_lr"] = config.training.encoder_lr
    overrides = tuple(f"training.{name}={_lower(rate):g}" for name, rate in rates.items())
    text = "The loss became too large to be a number: the steps were too big. A lower learning rate takes smaller ones."
    return Advice(text, f"Start again with a learning rate of {_lower(rates['head_lr']):g}", overrides)


def _lower(rate: float) -> float:
    """A tenth, but not below 1e-5 in one go."""
    return max(rate / 10, LOW_RATE) if rate > LOW_RATE else rate / 10


def overfits(rows: list[dict[str, Any]]) -> bool:
    """The training loss still falls, but validation nDCG@10 was best three evaluations ago or fell twice in a row, and
    has lost more than noise."""
    values = [(row["epoch"], row[SELECTED_BY]) for row in rows if SELECTED_BY in row and "epoch" in row]
    best = max(range(len(values)), key=lambda i: values[i][1], default=0)
    if not values or values[-1][1] > values[best][1] * (1 - MARGIN):
        return False
    if len(values) - 1 - best >= STALE:
        return _loss_falls(rows, values[best][0])
    falls_twice = len(values) > 2 and values[-3][1] > values[-2][1] > values[-1][1]
    return falls_twice and _loss_falls(rows, values[-3][0])


def _loss_falls(rows: list[dict[str, Any]], epoch: float) -> bool:
    """Is the mean loss of the last epoch below that of the epoch that ended at `epoch`?"""
    losses = [(row["epoch"], row["loss"]) for row in rows if "loss" in row and "epoch" in row]
    last = max((e for e, _ in losses), default=0.0)
    then = [loss for e, loss in losses if epoch - 1 < e <= epoch]
    now = [loss for e, loss in losses if last - 1 < e]
    return bool(then and now) and sum(now) / len(now) < sum(then) / len(then)


def _more_dropout(config: RunConfig) -> Advice:
    text = "The training loss still falls while validation nDCG@10 falls too: it learns by heart."
    path = config.model.dropout_path
    before = value_at(config, path) if path else MAX_DROPOUT
    dropout = min(MAX_DROPOUT, round(before + 0.1, 2))
    if dropout == before:
        text += " Dropout is high already; ending at the best epoch saves time."
        return Advice(text, "Train again and end when it turns", (f"training.patience={STALE}",))
    text += " More dropout makes that harder."
    return Advice(text, f"Train again with dropout {dropout:g}", (f"{path}={dropout:g}",))


def _of_the_weighted_author(config: RunConfig, rows: list[dict[str, Any]]) -> list[Advice]:
    """For the weighted trainer under the protocol it was made for."""
    values = [row[SELECTED_BY] for row in rows if SELECTED_BY in row]
    low = len(values) >= AUTHOR_EPOCHS and max(values) < AUTHOR_NDCG
    if not isinstance(config.loss, WeightedBceSettings) or config.protocol != "notebook" or not low:
        return []
    text = f"nDCG@10 is {max(values):.3f} after {len(values)} epochs. Below {AUTHOR_NDCG} its author advises"
    factor = f"loss.factor={config.loss.factor * AUTHOR_FACTOR:g}"
    more = f"{text} {AUTHOR_FACTOR} times the weight on the targets."
    found = [Advice(more, "Train again with heavier targets", (factor,))]
    if "tag" in config.model.tasks and config.loss.tag_weight > AUTHOR_TAG_WEIGHT:
        change = f"loss.tag_weight={AUTHOR_TAG_WEIGHT:g}"
        text = f"{text} a tag task of weight {AUTHOR_TAG_WEIGHT}."
        found.append(Advice(text, "Train again with lighter tags", (change,)))
    return found
