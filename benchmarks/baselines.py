"""Choose the settings of a baseline on validation, one after the other:
`python -m benchmarks.baselines item_knn` (ReDial, the latest tenth of the training dialogues, new targets), or
`python -m benchmarks.baselines item_knn next_movie` and `ease next_movie` (ratings, everybody's last movie but one).

Starting from the defaults of its settings, every value of a setting is tried with the others fixed, and the best by
nDCG@10 is kept; two rounds.
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
    "item_knn": {
        "shrinkage": [0.0, 5.0, 10.0, 20.0, 40.0],
        "mentioned_power": [0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
        "candidate_power": [0.2, 0.3, 0.4, 0.5],
        "decay": [0.6, 0.7, 0.8, 0.9, 1.0],
        "prior": [0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05],
    },
    "ease": {"l2": [100.0, 250.0, 500.0, 1000.0, 2000.0], "decay": [0.7, 0.8, 0.9, 0.95, 1.0]},
}
HOLD_OUT = {"conversational": "latest", "next_movie": "leave_one_out"}
ROUNDS = 2
METRICS = ("ndcg@10", "recall@1", "recall@10", "recall@50")
CPU = torch.device("cpu")


class Search:
    """One baseline on a task's validation split; what was measured is not measured again."""

    def __init__(self, kind: str, task: Task) -> None:
        self.found: dict[tuple[object, ...], float] = {}
        self.examples = [example for example in task.examples("validation") if wanted(example, "new")]
        self.kind, self.context = MODELS[kind], Context(task.catalog, data=task.config)
        model = make_model(self.kind.model_validate({}), self.context)
        self.prepared = Ranker(model, CPU).prepare(self.examples)
        self.train = model.training_items(task)

    def score(self, chosen: dict[str, float]) -> float:
        key = tuple(chosen.items())
        if key not in self.found:
            model = make_model(self.kind.model_validate(chosen), self.context)
            model.fit(self.train)
            rankings = Ranker(model, CPU).rank_prepared(self.prepared, 50, batch_size=256)
            values = measure(rankings, self.examples, self.context.catalog, "new")
            self.found[key] = float(values["ndcg@10"].mean())
            figures = " | ".join(f"{values[name].mean():.4f}" for name in METRICS)
            print(f"| {', '.join(f'{n} {v:g}' for n, v in chosen.items())} | {figures} |", flush=True)
        return self.found[key]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=VALUES)
    parser.add_argument("protocol", nargs="?", default="conversational", choices=HOLD_OUT)
    arguments = parser.parse_args()
    config = DataConfig(hold_out=HOLD_OUT[arguments.protocol])
    search = Search(arguments.kind, load_task(arguments.protocol, config, 42, settings()))
    print(f"| settings | {' | '.join(METRICS)} |\n|{' --- |' * (len(METRICS) + 1)}")
    values = VALUES[arguments.kind]
    chosen = search.kind.model_validate({}).model_dump(include=set(values))
    for _, (name, options) in product(range(ROUNDS), values.items()):
        chosen[name] = max(options, key=lambda value: search.score({**chosen, name: value}))
    print(f"\nchosen: {chosen}")


if __name__ == "__main__":
    main()
