"""Choose the settings of a baseline on validation, one after the other:
`python -m benchmarks.baselines item_knn` (ReDial, the latest tenth of the training dialogues, new targets), or
`python -m benchmarks.baselines item_knn next_movie` and `ease next_movie` (ratings, everybody's last movie but one).

Starting from the defaults of its settings, every value of a setting is tried with the others fixed, and the best by
nDCG@10 is kept; two rounds. What is learned from is tried too: the recommenders' movies, or everyone's.
"""

import argparse
from itertools import product

import torch

from recommender.config import DataConfig
from recommender.config.models import MODELS
from recommender.data.task import Task, load_task
from recommender.models.base import Context
from recommender.models.registry import make_model
from recommender.ranking.ranker import Ranker
from recommender.reports.report import measure, wanted
from recommender.settings import settings

VALUES = {
    "popularity": {},
    "item_knn": {
        "shrinkage": [0.0, 5.0, 10.0, 20.0, 40.0],
        "mentioned_power": [0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
        "candidate_power": [0.2, 0.3, 0.4, 0.5],
        "decay": [0.6, 0.7, 0.8, 0.9, 1.0],
        "prior": [0.0, 0.001, 0.002, 0.005, 0.01, 0.02],
    },
    "ease": {"l2": [100.0, 250.0, 500.0, 1000.0, 2000.0], "decay": [0.7, 0.8, 0.9, 0.95, 1.0]},
}
LEARN_FROM = ("recommender", "everyone")
ROUNDS = 2
METRICS = ("ndcg@10", "recall@1", "recall@10", "recall@50")
CPU = torch.device("cpu")


class Search:
    """One baseline on the validation split of each way to learn; what was measured is not measured again."""

    def __init__(self, kind: str, tasks: dict[str, Task]) -> None:
        self.found: dict[tuple[object, ...], float] = {}
        task = next(iter(tasks.values()))
        self.examples = [example for example in task.examples("validation") if wanted(example, "new")]
        self.kind, self.context = MODELS[kind], Context(task.catalog, data=task.config)
        model = make_model(self.kind.model_validate({}), self.context)
        self.prepared = Ranker(model, CPU).prepare(self.examples)
        self.train = {name: model.training_items(own) for name, own in tasks.items()}

    def score(self, learn_from: str, chosen: dict[str, float]) -> float:
        key = (learn_from, *chosen.items())
        if key not in self.found:
            model = make_model(self.kind.model_validate(chosen), self.context)
            model.fit(self.train[learn_from])
            rankings = Ranker(model, CPU).rank_prepared(self.prepared, 50, batch_size=256)
            values = measure(rankings, self.examples, self.context.catalog, "new")
            self.found[key] = float(values["ndcg@10"].mean())
            figures = " | ".join(f"{values[name].mean():.4f}" for name in METRICS)
            print(f"| {learn_from} | {', '.join(f'{n} {v:g}' for n, v in chosen.items())} | {figures} |", flush=True)
        return self.found[key]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=VALUES)
    parser.add_argument("protocol", nargs="?", default="conversational", choices=["conversational", "next_movie"])
    arguments = parser.parse_args()
    dialogues = arguments.protocol == "conversational"
    ways = LEARN_FROM if dialogues else LEARN_FROM[:1]
    hold_out = "latest" if dialogues else "leave_one_out"
    configs = {way: DataConfig(hold_out=hold_out, learn_from=way) for way in ways}
    tasks = {way: load_task(arguments.protocol, config, 42, settings()) for way, config in configs.items()}
    search = Search(arguments.kind, tasks)
    print(f"| learned from | settings | {' | '.join(METRICS)} |\n|{' --- |' * (len(METRICS) + 2)}")
    learn_from, values = ways[-1], VALUES[arguments.kind]
    chosen = search.kind.model_validate({}).model_dump(include=set(values))
    for _, (name, options) in product(range(ROUNDS), [*values.items(), ("learn_from", ways)]):
        if name == "learn_from":
            learn_from = max(options, key=lambda way: search.score(way, chosen))
        else:
            chosen[name] = max(options, key=lambda value: search.score(learn_from, {**chosen, name: value}))
    print(f"\nchosen: {chosen}, learned from {learn_from}")


if __name__ == "__main__":
    main()
