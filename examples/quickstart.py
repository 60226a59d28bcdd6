"""Rank movies with the included model, then train a small model on the synthetic sample and evaluate it.

Run it from the repository: `python -m examples.quickstart`. It takes a few minutes on a laptop and needs no data.
"""

from recommender.config.presets import load_preset
from recommender.query.engine import Engine
from recommender.query.wish import Wish
from recommender.results.measure import measure_run
from recommender.runs.folder import find_run, new_run
from recommender.settings import settings
from recommender.training.job import fresh_run_id
from recommender.training.run import train_run

SMALL = [
    "data.source=sample",  # a seeded simulator of dialogues; "auto" uses ReDial where it is available
    "model.members=1",
    "model.counts_weight=1.0",  # adds the item-kNN counts
    "training.epochs=2",
]


def rank(run_id: str, text: str) -> None:
    """Print the best five movies for a wish."""
    engine = Engine(find_run(run_id, settings()), settings())
    utterance, _ = engine.read(text)  # finds the titles and genres in the text
    for item in engine.recommend(Wish((utterance,)), k=5).recommendations:
        print(f"{item.rank}. {item.movie.name}: {'; '.join(item.reasons)}")


def train() -> str:
    """Train the preset `frozen` with the settings above. Returns the id of the run, a folder below `checkpoints/`."""
    run = new_run(fresh_run_id("quickstart"), load_preset("frozen", SMALL), settings())
    train_run(run, settings())
    return run.run_id


def evaluate(run_id: str) -> None:
    """Print metrics on the sample's test split, beside the baselines."""
    report, _ = measure_run(find_run(run_id, settings()), "conversational", "test", "all", settings())
    for name, metrics in {run_id: report["metrics"], **report["baselines"]}.items():
        print(f"{name:28} nDCG@10 {metrics['ndcg@10']:.3f}  recall@50 {metrics['recall@50']:.3f}")


def main() -> None:
    rank("default", "somthing like Incepton but funnier, no horror")
    run_id = train()
    evaluate(run_id)
    rank(run_id, "somthing like Incepton but funnier, no horror")


if __name__ == "__main__":
    main()
