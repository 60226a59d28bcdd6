"""What dynamic padding with length grouping, cached text vectors, and one pass over a dialogue save in a training step.

python -m benchmarks.training
"""

import time
from collections.abc import Sequence

import torch

from recommender.config.losses import SoftmaxSettings
from recommender.config.presets import load_preset
from recommender.data.assets import VECTORS_FILE, load_arrays
from recommender.data.collate import Item
from recommender.data.task import load_task
from recommender.losses.objective import Objective
from recommender.losses.weighting import target_facts
from recommender.models.base import Context, Recommender
from recommender.models.dialogue_items import packed
from recommender.models.registry import make_model
from recommender.settings import settings

BATCH, BATCHES, OLD_LENGTH = 16, 3, 512


def seconds(model: Recommender, batches: Sequence[list[Item]], pad_to: int | None = None) -> float:
    """Mean time of a step (forward, backward, update) over the batches, the first of which warms up."""
    items = [item for batch in batches for item in batch]
    objective = Objective(SoftmaxSettings(), target_facts(items, len(model.context.catalog)))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    start = 0.0
    for number, items in enumerate(batches):
        if number == 1:
            start = time.perf_counter()
        batch = model.collate(items)
        if pad_to is not None:
            missing = (0, pad_to - batch["input_ids"].shape[1])
            batch["input_ids"] = torch.nn.functional.pad(batch["input_ids"], missing)
            batch["attention_mask"] = torch.nn.functional.pad(batch["attention_mask"], missing)
        model.losses(batch, objective)["movie"].backward()
        optimizer.step()
        optimizer.zero_grad()
    return (time.perf_counter() - start) / (len(batches) - 1)


def main() -> None:
    task = load_task("conversational", load_preset("default").data, 0, settings())
    movie_text = torch.from_numpy(load_arrays(settings().assets_dir / VECTORS_FILE, task.catalog)["vectors"])
    print(task.data.describe())
    examples = task.examples("train")[: 40 * BATCH]

    def fresh(preset: str, *overrides: str) -> Recommender:
        context = Context(task.catalog, movie_text, task.config)
        return make_model(load_preset(preset, list(overrides)).model, context).train()

    model = fresh("weighted-baseline")
    items = sorted(model.items(examples), key=lambda item: item.length)
    grouped = batches(items, BATCH)
    ours, old = seconds(model, grouped), seconds(model, grouped, OLD_LENGTH)
    print(f"whole encoder: {ours:.2f} s a step, {old:.2f} s padded to {OLD_LENGTH} tokens; ratio {old / ours:.1f}")

    frozen = fresh("weighted-baseline", "model.text.train=none")
    again = seconds(frozen, grouped)
    for part in grouped:
        assert frozen.text is not None
        texts = [text for item in part for text in item.texts]
        for text, vector in zip(texts, frozen.text.vectors([text.tokens for text in texts]), strict=True):
            text.vector = vector
    cached = seconds(frozen, grouped)
    print(f"frozen encoder: {again:.2f} s a step, {cached:.3f} s from cached vectors; ratio {again / cached:.1f}")

    dialogue = fresh("default")
    turns = dialogue.items(examples)
    whole = batches(sorted(packed(turns), key=lambda item: item.length), BATCH)
    one_pass = seconds(dialogue, whole)
    chosen = [[turn for turn in turns if turn.dialogue in {item.dialogue for item in batch}] for batch in whole]
    apart = seconds(dialogue, chosen)
    print(f"{BATCH} dialogues: {one_pass:.2f} s in one pass, {apart:.2f} s turn by turn; ratio {apart / one_pass:.1f}")


def batches(items: Sequence[Item], size: int) -> list[list[Item]]:
    """Neighbours, spread over all items."""
    step = len(items) // (BATCHES + 1)
    return [list(items[i * step : i * step + size]) for i in range(BATCHES + 1)]


if __name__ == "__main__":
    main()
