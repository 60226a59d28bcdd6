"""What dynamic padding with length grouping, and cached text vectors, save in a training step.

python -m benchmarks.training
"""

import time
from collections.abc import Sequence

import torch

from recommender.config import LossConfig, load_preset
from recommender.data.assets import VECTORS_FILE, load_arrays
from recommender.data.collate import Item, collate, to_items
from recommender.data.task import load_task
from recommender.losses import make_loss
from recommender.models.base import Recommender
from recommender.models.registry import make_model
from recommender.settings import settings

BATCH, BATCHES, OLD_LENGTH = 16, 3, 512


def seconds(model: Recommender, batches: Sequence[list[Item]], movies: int, pad_to: int | None = None) -> float:
    """Mean time of a step (forward, backward, update) over the batches, the first of which warms up."""
    loss = make_loss(LossConfig(kind="softmax"), movies, 1.0)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    start = 0.0
    for number, items in enumerate(batches):
        if number == 1:
            start = time.perf_counter()
        batch = collate(items)
        if pad_to is not None:
            missing = (0, pad_to - batch["input_ids"].shape[1])
            batch["input_ids"] = torch.nn.functional.pad(batch["input_ids"], missing)
            batch["attention_mask"] = torch.nn.functional.pad(batch["attention_mask"], missing)
        loss(model(batch), batch["targets"]).backward()
        optimizer.step()
        optimizer.zero_grad()
    return (time.perf_counter() - start) / (len(batches) - 1)


def main() -> None:
    task = load_task("conversational", load_preset("default").data, 0, settings())
    movie_text = torch.from_numpy(load_arrays(settings().assets_dir / VECTORS_FILE, task.catalog)["vectors"])
    print(task.dialogues.describe())
    examples = task.examples("train")[: 40 * BATCH]
    movies = len(task.catalog)
    model = make_model(load_preset("default").model, movies, movie_text, 0).train()
    items = sorted(to_items(examples, task.catalog, task.config, model.tokenize), key=lambda item: len(item.tokens))
    step = len(items) // (BATCHES + 1)
    grouped = [items[i * step : i * step + BATCH] for i in range(BATCHES + 1)]
    ours = seconds(model, grouped, movies)
    old = seconds(model, grouped, movies, OLD_LENGTH)
    print(f"LoRA: {ours:.2f} s a step padded to the batch, {old:.2f} s to {OLD_LENGTH} tokens; ratio {old / ours:.1f}")
    frozen = make_model(load_preset("frozen").model, movies, movie_text, 0).train()
    again = seconds(frozen, grouped, movies)
    for part in grouped:
        assert frozen.text is not None
        for item, vector in zip(part, frozen.text.vectors([item.tokens for item in part]), strict=True):
            item.vector = vector
    cached = seconds(frozen, grouped, movies)
    print(f"frozen encoder: {again:.2f} s a step, {cached:.3f} s from cached vectors; ratio {again / cached:.1f}")


if __name__ == "__main__":
    main()
