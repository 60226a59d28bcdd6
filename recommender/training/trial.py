"""A few real batches on this device, to tell what a run costs before it is started.

On a CPU that trains the encoder batches are cut to some 1,000 tokens, and what grows with the batch is scaled up;
everywhere else they are whole.
"""

import random
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch

from recommender.config import RunConfig
from recommender.data.collate import Item
from recommender.data.dialogue import Dialogue
from recommender.data.examples import Example
from recommender.data.next_movie import History
from recommender.data.source import Source
from recommender.data.task import Task, load_task
from recommender.device import choose_device, describe_device, memory_mb, peak_memory_mb
from recommender.errors import RecommenderError
from recommender.evaluation.metrics import CUTOFFS
from recommender.models.base import Context, Recommender
from recommender.models.registry import baselines_of, make_model
from recommender.ranking.ranker import Prepared, Ranker, to_device
from recommender.settings import Settings
from recommender.training.estimate import Estimate
from recommender.training.failure import explain
from recommender.training.parts import build_model, checked_examples, make_trainer, precision
from recommender.training.trainer import RecommenderTrainer

SAMPLE = 1000  # examples that are tokenised
OF_ONE = 100  # examples of one dialogue or person, at most
CUT_TOKENS = 1024  # of a batch on a CPU that computes text vectors
RANKED = 64  # examples of a validation batch, as the `Ranker` takes them
PLACES = (0.5, 0.1, 0.9, 0.3, 0.7)  # where in the order of length batches are taken; any first three are fair
MIN_STEPS, MAX_STEPS, STEP_SECONDS = 3, 40, 5.0
HEAP = 1.6  # what the heap holds for one batch's largest tensors: pieces of other sizes stay behind
TOKEN_BYTES = 40  # a Python integer in a list
MIB = 2**20
POLL_SECONDS = 0.002  # between two looks at the memory


@dataclass(frozen=True)
class Sampled(Task):
    """A task of some of the training examples."""

    chosen: tuple[Example, ...] = ()

    def split(self, name: str) -> list[Dialogue]:
        sampled = {example.dialogue_id for example in self.chosen}
        return [dialogue for dialogue in super().split(name) if dialogue.dialogue_id in sampled]

    def learning_examples(self) -> list[Example]:
        return list(self.chosen)

    def histories(self, split: str) -> Iterator[History]:
        people = {example.person for example in self.chosen}
        return (history for history in super().histories(split) if history.person in people)


@dataclass(frozen=True)
class Pool:
    """A sample of the training items in the order of their length, the longest ones, items of the tag task, and a
    sample of the validation examples."""

    items: list[Item]
    longest: list[Item]
    tags: list[Item]
    validation: list[Example]
    items_an_example: float
    mean_tokens: float  # of an item

    def batches(self, size: int) -> list[list[Item]]:
        """Neighbours in length, as training groups them, spread over all lengths."""
        last = max(len(self.items) - size, 0)
        return [self.items[round(place * last) :][:size] for place in PLACES]


@dataclass(frozen=True)
class Learning:
    seconds_per_step: float
    validation_seconds: float  # an example
    memory_mb: float


def estimate(config: RunConfig, settings: Settings) -> Estimate:
    """A trial in this process: reads the data, then trains and ranks a few batches; nothing is kept of it.

    Raises `RecommenderError` for what would keep the run from starting, and for too little memory.
    """
    try:
        return _estimate(config, settings)
    except RecommenderError:
        raise
    except Exception as error:
        problem, reason = explain(error, config)
        if problem == "other":
            raise
        raise RecommenderError(reason) from error


def _estimate(config: RunConfig, settings: Settings) -> Estimate:
    device = choose_device(settings)
    begin = time.monotonic()
    task = load_task(config.protocol, config.data, config.seed, settings)
    train, validation = checked_examples(task, "train"), checked_examples(task, config.training.chosen_on)
    learning_examples = task.learning_examples()
    model = build_model(config, task, settings).to(device)
    reading = time.monotonic() - begin

    begin = time.monotonic()
    pool = _pool(config, task, model, learning_examples, validation)
    model.fit(pool.items)
    learned = round(len(learning_examples) * pool.items_an_example)  # items of an epoch
    made = learned + round(len(validation) * pool.items_an_example)
    tokenising = (time.monotonic() - begin) * made / len(pool.items)
    baselines = _baseline_seconds(pool, task) * len(validation)
    vectors, vector_memory = _vectors(config, model, pool, device)
    learning = _learn(config, model, pool, device) if config.model.learns else Learning(0.0, 0.0, 0.0)
    ranking = learning.validation_seconds * len(validation)
    items_mb = made * pool.mean_tokens * TOKEN_BYTES / MIB if device.type == "cpu" else 0.0
    memory = max(learning.memory_mb, vector_memory) + items_mb
    return Estimate(
        train_examples=len(train),
        validation_examples=len(validation),
        epochs=config.training.epochs if config.model.learns else 0,
        steps_per_epoch=-(-learned // config.training.batch_size) if config.model.learns else 0,
        seconds_per_step=learning.seconds_per_step,
        validation_seconds=ranking,
        preparation_seconds=reading + tokenising + vectors * made + baselines,
        closing_seconds=ranking + baselines,
        memory_mb=round(max(memory, peak_memory_mb(device))),
        device=describe_device(device),
        precision=precision(config, device),
        source=task.data.describe(),
        on_sample=task.data.source is Source.SAMPLE,
    )


def _pool(
    config: RunConfig, task: Task, model: Recommender, train: Sequence[Example], validation: Sequence[Example]
) -> Pool:
    # Another sample every time: texts that an earlier trial has put into the store would look as if all were there.
    chance = random.Random()
    groups = _groups(train)
    chosen: list[Example] = []
    for group in chance.sample(groups, len(groups)):
        if len(chosen) >= SAMPLE:
            break
        chosen += group
    items = sorted(model.training_items(_only(task, chosen)), key=lambda item: item.length)
    by_length = sorted(groups, key=lambda group: max(len(example.text) for example in group))
    longest = [example for group in by_length[-config.training.batch_size :] for example in group]
    tags = model.tag_items(task)
    return Pool(
        items,
        sorted(model.training_items(_only(task, longest)), key=lambda item: item.length)[-config.training.batch_size :],
        random.Random(config.seed).sample(tags, min(SAMPLE, len(tags))),
        chance.sample(validation, min(MIN_STEPS * RANKED, len(validation))),
        len(items) / len(chosen),
        sum(item.length for item in items) / len(items),
    )


def _groups(examples: Sequence[Example]) -> list[list[Example]]:
    """The examples of each dialogue or person: what a model may learn from together."""
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        groups[example.dialogue_id].append(example)
    return [group[-OF_ONE:] for group in groups.values()]


def _only(task: Task, examples: Sequence[Example]) -> Sampled:
    return Sampled(task.catalog, task.data, task.protocol, task.config, task.seed, task.settings, tuple(examples))


def _baseline_seconds(pool: Pool, task: Task) -> float:
    """An example, for the baselines together."""
    begin, examples = time.monotonic(), pool.validation[:RANKED]
    context = Context(task.catalog, data=task.config, seed=task.seed)
    for settings in baselines_of(task.protocol).values():
        model = make_model(settings, context)
        model.fit(model.items(examples))
        Ranker(model, torch.device("cpu")).rank(examples, max(CUTOFFS))
    return (time.monotonic() - begin) / len(examples)


def _vectors(config: RunConfig, model: Recommender, pool: Pool, device: torch.device) -> tuple[float, float]:
    """Seconds an item for the text vectors of a frozen encoder that are not in the store yet, and the memory (MiB)
    that they take; every item of the pool gets a vector, a made-up one, since only the cost counts here."""
    if model.text is None or config.model.trains_encoder:
        return 0.0, 0.0
    whole = device.type != "cpu"
    model.text.vectors([pool.items[0].texts[0].tokens])  # warms up
    tokens = max(1, sum(len(text.tokens) for text in pool.longest[-1].texts))
    size = RANKED if whole else max(1, 2 * CUT_TOKENS // tokens)
    with Growth(device) as growth:
        model.precompute(pool.longest[-size:])
    memory = growth.before_mb + growth.mb * RANKED / len(pool.longest[-size:])
    batches = pool.batches(RANKED if whole else max(1, int(CUT_TOKENS / max(pool.mean_tokens, 1))))
    begin = time.monotonic()
    for batch in batches:
        model.precompute(batch)
    seconds = (time.monotonic() - begin) / sum(len(batch) for batch in batches)
    _make_up_vectors(model, [*pool.items, *pool.longest, *pool.tags])
    return seconds, memory


def _make_up_vectors(model: Recommender, items: Sequence[Item]) -> None:
    assert model.text is not None
    for item in items:
        for text in item.texts:
            text.vector = torch.randn(model.text.width)


def _learn(config: RunConfig, model: Recommender, pool: Pool, device: torch.device) -> Learning:
    size = config.training.batch_size // config.training.accumulation
    cut = device.type == "cpu" and config.model.trains_encoder
    rows = max(1, min(size, int(CUT_TOKENS / pool.mean_tokens))) if cut else size
    longest = max(1, min(size, CUT_TOKENS // pool.longest[-1].length)) if cut else size
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(config, model, pool.items, pool.tags, dict, Path(folder), callbacks=[])
        steps = Steps(trainer, model, pool, config)
        batches = pool.batches(rows)
        steps.take(batches[1])  # the first step makes room for the optimizer's numbers, and warms up
        with Growth(device) as growth:
            steps.take(pool.longest[-longest:])
        gradients = sum(4 * p.numel() for p in model.parameters() if p.requires_grad) / MIB
        activations = max(0.0, growth.mb - gradients) * size / longest
        if device.type == "cpu":
            activations *= HEAP
        seconds = steps.mean_seconds(batches, scale=config.training.batch_size / rows)
    ranking = _ranking_seconds(config, model, pool.validation[: MIN_STEPS * (rows if cut else RANKED)], trainer)
    return Learning(seconds, ranking, growth.before_mb + gradients + activations)


def _ranking_seconds(
    config: RunConfig, model: Recommender, examples: Sequence[Example], trainer: RecommenderTrainer
) -> float:
    """An example of the validation, once its text vectors are there."""
    ranker = Ranker(model, trainer.args.device, bfloat16=trainer.args.bf16)
    items = model.items(examples)
    if model.text is not None and not config.model.trains_encoder:
        _make_up_vectors(model, items)
    prepared = Prepared(items, [ranker.adjustments.of(example) for example in examples])
    begin = time.monotonic()
    ranker.rank_prepared(prepared, max(CUTOFFS))
    return (time.monotonic() - begin) / len(examples)


class Steps:
    """Training steps on batches of our own choice, with the run's loss, precision and optimizer."""

    def __init__(self, trainer: RecommenderTrainer, model: Recommender, pool: Pool, config: RunConfig) -> None:
        self.trainer, self.collate, self.clip = trainer, model.collate, config.training.clip
        self.tags, self.tags_per_item = pool.tags, config.training.tag_batch_size // config.training.batch_size
        trainer.measures_gradients = False
        self.model, self.optimizer = trainer.accelerator.prepare(trainer.learner, trainer.create_optimizer())

    def take(self, items: Sequence[Item]) -> tuple[float, float]:
        """Seconds for what grows with the batch, and for the optimizer, which does not."""
        begin = time.monotonic()
        self.model.train()
        batch = to_device(self.collate([self._with_tags(item) for item in items]), self.trainer.args.device)
        self.trainer.accelerator.backward(self.trainer.compute_loss(self.model, batch))
        self._settle()
        learned = time.monotonic()
        self.trainer.accelerator.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._settle()
        return learned - begin, time.monotonic() - learned

    def mean_seconds(self, batches: Sequence[Sequence[Item]], scale: float) -> float:
        """A step with a whole batch, `scale` times these ones."""
        taken: list[float] = []
        begin = time.monotonic()
        while len(taken) < MIN_STEPS or (len(taken) < MAX_STEPS and time.monotonic() - begin < STEP_SECONDS):
            growing, fixed = self.take(batches[len(taken) % len(batches)])
            taken.append(growing * scale + fixed)
        return sum(taken) / len(taken)

    def _with_tags(self, item: Item) -> Item:
        return replace(item, tags=random.sample(self.tags, min(self.tags_per_item, len(self.tags))))

    def _settle(self) -> None:
        """A GPU works on after it was asked."""
        if self.trainer.args.device.type == "cuda":
            torch.cuda.synchronize()


class Growth:
    """Within, the highest memory above `before_mb` is kept in `mb`: read from the allocator on cuda, watched by a
    thread elsewhere, since an operating system keeps only the highest of a process's whole life."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.mb = device, 0
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self.before_mb = memory_mb(self.device)
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        else:
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self.device.type == "cuda":
            self.mb = torch.cuda.max_memory_allocated(self.device) // 2**20 - self.before_mb
        else:
            self._over.set()
            self._watcher.join()

    def _watch(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            self.mb = max(self.mb, memory_mb(self.device) - self.before_mb)
