"""What a million dialogues and movies take: `python -m benchmarks.scale --dialogues 1000000 --movies 1000000`.

Makes the data once, then measures training, evaluation and a query, each in a process of its own, so that the highest
memory is that stage's. Times are of the processor (all threads): on a shared machine they say more than the clock's.
Prints a JSON object a stage and adds it to `--results`; `python -m benchmarks.scale_chart` draws them.
"""

import json
import os
import resource
import shutil
import subprocess  # nosec B404 # see the call
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

ROOT = Path(__file__).resolve().parent.parent
PRESET = "large"
STEPS = 20  # of the training slice
EVALUATED = 500  # examples of the test split, whose words need vectors
COMPARED = 200  # of them, ranked exactly too
RUN = "large"
WISH = "I am in the mood for some scary movies. Something like {title} would be perfect."
STAGES = ("train", "evaluate", "query")


class Measured:
    """The parts of a stage: processor seconds, and the highest memory so far in MB."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.memory: dict[str, int] = {}
        self.facts: dict[str, Any] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        begin = time.process_time()
        yield
        self.seconds[name] = round(time.process_time() - begin, 3)
        self.memory[name] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{name}: {self.seconds[name]} s, {self.memory[name]:,} MB", file=sys.stderr, flush=True)


def train(measured: Measured) -> None:
    """Everything up to a slice of an epoch, as a training run does it, and the weights in a run's folder."""
    import torch

    from recommender.config.presets import load_preset
    from recommender.data.task import load_task
    from recommender.runs.checkpoints import weights_facts
    from recommender.runs.folder import new_run
    from recommender.settings import settings
    from recommender.training.parts import build_model, make_trainer

    config = load_preset(PRESET, ["data.source=folder", "training.epochs=1"])
    with measured.part("reading"):
        task = load_task(config.protocol, config.data, config.seed, settings())
    with measured.part("model"):
        model = build_model(config, task, settings())
    with measured.part("items"):
        items = model.training_items(task)
    batch = config.training.batch_size
    part = items[: STEPS * batch]
    with measured.part("text vectors"):
        model.precompute(part)
    measured.facts |= {"examples": len(items), "vectors": len(part)}
    with measured.part("set-up"):  # counts are of the whole data
        folder = settings().cache_dir / "resume"
        trainer = make_trainer(config, model, items, [], lambda: {"ndcg@10": 0.0}, folder, [])
        trainer.train_items.items = part
        trainer.args.max_steps, trainer.args.eval_strategy, trainer.args.save_strategy = STEPS, "no", "no"
    with measured.part("steps"):
        trainer.train()
    with measured.part("saving"):
        shutil.rmtree(settings().checkpoints_dir / RUN, ignore_errors=True)
        run = new_run(RUN, config, settings())
        run.write_catalog(task.catalog)
        run.write_weights(model.saved_weights(), weights_facts(model, task.catalog))
        run.write_status(run.status().model_copy(update={"state": "finished", "trained": True}))
    measured.facts["threads"] = torch.get_num_threads()


def evaluate(measured: Measured) -> None:
    """Reading, ranking a part of the test split by the index and exactly, and the counts of item-kNN."""
    import torch

    from recommender.config.models import ItemKnnSettings
    from recommender.data.task import load_task
    from recommender.evaluation.beyond import beyond_accuracy, training_mentions
    from recommender.evaluation.metrics import CUTOFFS, evaluate_rankings
    from recommender.models.base import Context
    from recommender.models.registry import make_model
    from recommender.ranking.index import index_of, recall
    from recommender.ranking.ranker import Prepared, Ranker
    from recommender.ranking.top_k import top_k
    from recommender.runs.checkpoints import load_checkpoint
    from recommender.runs.folder import find_run
    from recommender.settings import settings

    device, most = torch.device("cpu"), max(CUTOFFS)
    run = find_run(RUN, settings())
    with measured.part("checkpoint"):
        model = load_checkpoint(run, device, settings().cache_dir).model
    config = run.config()
    with measured.part("reading"):
        task = load_task(config.protocol, config.data, config.seed, settings())
    with measured.part("items"):
        examples = task.examples("test")[:EVALUATED]
        ranker = Ranker(model, device)
        items = model.items(examples)
    with measured.part("text vectors"):
        model.precompute(items)
        prepared = Prepared(items, [ranker.adjustments.of(example) for example in examples])
    with measured.part("index"):
        index = index_of(model, ranker.duplicates)
    with measured.part("ranking"):
        rankings = ranker.rank_prepared(prepared, most, "refused")
    with measured.part("exact"), torch.inference_mode():
        scores = (model(model.collate([item])) for item in items[:COMPARED])
        left_out = torch.tensor([ranker.duplicates], dtype=torch.long)
        exact = torch.cat([top_k(row, most, left_out) for row in scores]).numpy()
    with measured.part("metrics"):
        values = evaluate_rankings(rankings, [item.targets for item in items], CUTOFFS)
        beyond_accuracy(rankings, CUTOFFS, task.catalog, training_mentions(task), None)
    with measured.part("item-kNN"):
        knn = make_model(ItemKnnSettings(), Context(task.catalog, data=config.data))
        knn.fit(knn.training_items(task))
        Ranker(knn, device).rank(examples[:COMPARED], most, "refused")
    measured.facts |= {
        "examples": len(items),
        "compared": COMPARED,
        "index": index is not None,
        "recall@50 against exact": recall(rankings[:COMPARED], exact),
        "recall@10 against exact": recall(rankings[:COMPARED, :10], exact[:, :10]),
        "ndcg@10": float(values["ndcg@10"].mean()),
    }


def query(measured: Measured) -> None:
    """The engine, and the wishes of a person one after the other."""
    from recommender.query.engine import Engine
    from recommender.query.wish import Wish
    from recommender.runs.folder import find_run
    from recommender.settings import settings

    with measured.part("engine"):
        engine = Engine(find_run(RUN, settings()), settings())
    text = WISH.format(title=engine.catalog[7].title)
    with measured.part("first answer"):
        answer = engine.recommend(Wish((engine.read(text)[0],)))
    with measured.part("ten answers"):
        for _ in range(10):
            engine.recommend(Wish((engine.read(text)[0],)))
    measured.facts["ranked"] = len(answer.recommendations)


def measure(stage: str, facts: dict[str, Any]) -> None:
    measured = Measured()
    {"train": train, "evaluate": evaluate, "query": query}[stage](measured)
    found = facts | measured.facts | {"seconds": measured.seconds, "memory_mb": measured.memory}
    print(json.dumps({"stage": stage, **found}))


def main(
    dialogues: Annotated[int, typer.Option(help="Training dialogues; a tenth as many for the test.")],
    movies: Annotated[int, typer.Option(help="Of the catalogue.")],
    folder: Annotated[Path, typer.Option(help="Where the data goes; used again if it is there.")] = ROOT
    / ".cache/scale",
    results: Annotated[Path | None, typer.Option(help="A file that each stage adds a line to.")] = None,
    stage: Annotated[str, typer.Option(help="Only this one, in this process.")] = "",
) -> None:
    place = folder / f"{dialogues}-{movies}"
    if stage:
        measure(stage, {"dialogues": dialogues, "movies": movies})
        return
    if not (place / "data/test_data.jsonl").exists():
        from benchmarks.scale_data import write_data

        write_data(place, dialogues, movies)
    shutil.rmtree(place / "cache", ignore_errors=True)  # vectors of an earlier time would cost nothing
    names = {"DATA": "data", "ASSETS": "assets", "CACHE": "cache", "CHECKPOINTS": "checkpoints"}
    variables = {f"RECOMMENDER_{name}_DIR": str(place / part) for name, part in names.items()}
    options = ["--dialogues", str(dialogues), "--movies", str(movies), "--folder", str(folder)]
    for name in STAGES:
        command = [sys.executable, "-m", "benchmarks.scale", *options, "--stage", name]
        done = subprocess.run(  # nosec B603 # a fixed command, no shell
            command, cwd=ROOT, env=os.environ | variables, check=True, stdout=subprocess.PIPE, text=True
        )
        line = done.stdout.splitlines()[-1]
        print(line, flush=True)
        if results is not None:
            with results.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")


if __name__ == "__main__":
    typer.run(main)
