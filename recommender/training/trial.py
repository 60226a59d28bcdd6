"""A few real batches on this device, to tell what a run costs before it is started.

On a CPU that trains the encoder batches are cut to some 1,000 tokens, and what grows with the batch is scaled up;
everywhere else they are whole.
"""

import random
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch

from recommender.config import RunConfig
from recommender.config.models import MODELS
from recommender.data.collate import Item, collate
from recommender.data.examples import Example, Said
from recommender.data.task import Task, load_task
from recommender.device import choose_device, describe_device, memory_mb, peak_memory_mb
from recommender.errors import RecommenderError
from recommender.evaluation.metrics import CUTOFFS
from recommender.evaluation.ranking import rank, to_device
from recommender.models.base import Recommender
from recommender.models.inputs import items_of, learning_items, texts_of
from recommender.models.registry import BASELINES, make_model
from recommender.models.vector_cache import cached_vectors
from recommender.settings import Settings
from recommender.training.estimate import Estimate
from recommender.training.failure import explain
from recommender.training.parts import build_model, checked_examples, make_trainer, precision
from recommender.training.trainer import RecommenderTrainer

SAMPLE = 1000  # examples that are tokenised
CUT_TOKENS = 1024  # of a batch on a CPU that computes text vectors
RANKED = 64  # examples of a validation batch, as `rank` takes them
PLACES = (0.5, 0.1, 0.9, 0.3, 0.7)  # where in the order of length batches are taken; any first three are fair
MIN_STEPS, MAX_STEPS, STEP_SECONDS = 3, 40, 5.0
HEAP = 1.6  # what the heap holds for one batch's largest tensors: pieces of other sizes stay behind
TOKEN_BYTES = 40  # a Python integer in a list
MIB = 2**20
POLL_SECONDS = 0.002  # between two looks at the memory


@dataclass(frozen=True)
class Pool:
    """A sample of all examples as items, in the order of their length, and the longest ones."""

    items: list[Item]
    longest: list[Item]
    tags: list[Item]

    def batches(self, size: int) -> list[list[Item]]:
        """Neighbours in length, as training groups them, spread over all lengths."""
        last = max(len(self.items) - size, 0)
        return [self.items[round(place * last) :][:size] for place in PLACES]

    @property
    def mean_tokens(self) -> float:
        return sum(item.length for item in self.items) / len(self.items)


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
    model = build_model(config, task, settings).to(device)
    reading = time.monotonic() - begin

    begin = time.monotonic()
    learned = len(_of_one_item(model, task.learning_examples()))  # items of an epoch
    made = learned + len(_of_one_item(model, validation))
    pool = _pool(config, task, model, [*task.learning_examples(), *validation])
    model.fit(pool.items)
    tokenising = (time.monotonic() - begin) * made / len(pool.items)
    baselines = _baseline_seconds(pool, len(task.catalog)) * len(validation)
    vectors, vector_memory = _vectors(model, pool, settings.cache_dir, device)
    if model.learns_by_gradient:
        learning = _learn(config, model, len(task.catalog), pool, device)
    else:
        learning = Learning(0.0, 0.0, 0.0)
    ranking = learning.validation_seconds * len(validation)
    items_mb = made * pool.mean_tokens * TOKEN_BYTES / MIB if device.type == "cpu" else 0.0
    memory = max(learning.memory_mb, vector_memory) + items_mb
    return Estimate(
        train_examples=len(train),
        validation_examples=len(validation),
        epochs=config.training.epochs if model.learns_by_gradient else 0,
        steps_per_epoch=-(-learned // config.training.batch_size) if model.learns_by_gradient else 0,
        seconds_per_step=learning.seconds_per_step,
        validation_seconds=ranking,
        preparation_seconds=reading + tokenising + vectors * made + baselines,
        closing_seconds=ranking + baselines,
        memory_mb=round(max(memory, peak_memory_mb(device))),
        device=describe_device(device),
        precision=precision(config, device),
        source=task.data.describe(),
    )


def _pool(config: RunConfig, task: Task, model: Recommender, examples: Sequence[Example]) -> Pool:
    whole = _of_one_item(model, examples)

    def items(chosen: Sequence[list[Example]]) -> list[Item]:
        made = items_of(model, [example for part in chosen for example in part], task.catalog, config.data)
        return sorted(learning_items(model, made), key=lambda item: item.length)

    # Another sample every time: texts that an earlier trial has put into the store would look as if all were there.
    sample = items(random.Random().sample(whole, min(SAMPLE, len(whole))))
    longest = items(sorted(whole, key=lambda part: len(part[-1].text))[-config.training.batch_size :])
    rows = task.tags() if "tag" in config.model.tasks else []
    chosen = random.Random(config.seed).sample(rows, min(SAMPLE, len(rows)))
    tokens = model.tokenize([row.tag for row in chosen], config.data.tag_max_tokens, "first")
    tags = [Item(ids, targets=[task.catalog.index(r.movie_id)]) for ids, r in zip(tokens, chosen, strict=True)]
    return Pool(sample, longest, tags)


def _of_one_item(model: Recommender, examples: Sequence[Example]) -> list[list[Example]]:
    """The examples that the model learns from together: those of a dialogue, or each alone."""
    parts: dict[tuple[str, tuple[Said, ...]], list[Example]] = {}
    for example in examples:
        key = (example.dialogue_id, example.said[:1]) if model.reads_messages else (example.example_id, ())
        parts.setdefault(key, []).append(example)
    return list(parts.values())


def _baseline_seconds(pool: Pool, movies: int) -> float:
    """An example, for the three baselines together."""
    begin, items = time.monotonic(), pool.items[:RANKED]
    for kind in BASELINES:
        model = make_model(MODELS[kind].model_validate({}), movies, None, seed=0)
        model.fit(pool.items)
        rank(model, [replace(item, answers=()) for item in items], max(CUTOFFS), torch.device("cpu"))
    return (time.monotonic() - begin) / len(items)


def _vectors(model: Recommender, pool: Pool, cache: Path, device: torch.device) -> tuple[float, float]:
    """Seconds an example for the text vectors of a frozen encoder that are not in the store yet, and the memory (MiB)
    that they take; every item of the pool gets a vector, a made-up one, since only the cost counts here."""
    if model.text is None or model.text.config.train != "none":
        return 0.0, 0.0
    whole = device.type != "cpu"
    model.text.vectors([texts_of(pool.items)[0].tokens])  # warms up
    size = RANKED if whole else max(1, 2 * CUT_TOKENS // pool.longest[-1].length)
    with Growth(device) as growth:
        cached_vectors(model.text, [text.tokens for text in texts_of(pool.longest[-size:])], cache)
    scale = RANKED / len(pool.longest[-size:])
    memory = growth.before_mb + growth.mb * scale
    batches = pool.batches(RANKED if whole else max(1, int(CUT_TOKENS / pool.mean_tokens)))
    begin = time.monotonic()
    for batch in batches:
        cached_vectors(model.text, [text.tokens for text in texts_of(batch)], cache)
    seconds = (time.monotonic() - begin) / sum(len(batch) for batch in batches)
    for text in [*texts_of(pool.items), *texts_of(pool.longest), *pool.tags]:
        text.vector = torch.randn(model.text.width)
    return seconds, memory


def _learn(config: RunConfig, model: Recommender, movies: int, pool: Pool, device: torch.device) -> Learning:
    size = config.training.batch_size // config.training.accumulation
    cut = device.type == "cpu" and config.model.trains_encoder
    rows = max(1, min(size, int(CUT_TOKENS / pool.mean_tokens))) if cut else size
    longest = max(1, min(size, CUT_TOKENS // pool.longest[-1].length)) if cut else size
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(config, model, movies, pool.items, pool.tags, pool.items, Path(folder), callbacks=[])
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
    begin, ranked = time.monotonic(), pool.batches(rows if cut else RANKED)[:MIN_STEPS]
    for batch in ranked:
        inputs = [replace(item, answers=item.answers[-1:]) for item in batch]
        rank(model, inputs, max(CUTOFFS), device, bfloat16=trainer.args.bf16)
    ranking = (time.monotonic() - begin) / sum(len(batch) for batch in ranked)
    return Learning(seconds, ranking, growth.before_mb + gradients + activations)


class Steps:
    """Training steps on batches of our own choice, with the run's loss, precision and optimizer."""

    def __init__(self, trainer: RecommenderTrainer, model: Recommender, pool: Pool, config: RunConfig) -> None:
        self.trainer, self.clip = trainer, config.training.clip
        self.tags, self.tags_per_item = pool.tags, config.training.tag_batch_size // config.training.batch_size
        trainer.measures_pulls = False
        self.model, self.optimizer = trainer.accelerator.prepare(trainer.learner, trainer.create_optimizer())

    def take(self, items: Sequence[Item]) -> tuple[float, float]:
        """Seconds for what grows with the batch, and for the optimizer, which does not."""
        begin = time.monotonic()
        self.model.train()
        batch = to_device(collate([self._with_tags(item) for item in items]), self.trainer.args.device)
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
