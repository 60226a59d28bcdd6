"""Small synthetic runs with reports and records, to be compared."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recommender.config.presets import load_preset
from recommender.data.catalog import Catalog, Movie
from recommender.evaluation.metrics import ragged
from recommender.evaluation.records import Record
from recommender.runs.folder import Run
from recommender.runs.status import Status

METRICS = ("ndcg@10", "recall@1", "recall@10", "recall@50")
CATALOG = Catalog([Movie(10 + i, f"Film {i}", 1980 + i, ("drama", "comedy")[i % 2 : i % 2 + 1]) for i in range(40)])
EXAMPLES = 60


def make_record(skill: float, seed: int = 0, examples: int = EXAMPLES, catalog: Catalog = CATALOG) -> Record:
    """Two examples a dialogue. A value is the example's own, the same for every run, plus the run's skill and luck;
    luck has a mean of 0, so that runs of one skill never differ."""
    easy = np.random.default_rng(7).uniform(0.05, 0.3, examples)
    luck = np.random.default_rng(seed).normal(0, 0.01, examples)
    values = (easy + skill + luck - luck.mean()).astype(np.float32)
    rankings = np.array([np.random.default_rng([seed, i]).permutation(len(catalog))[:10] for i in range(examples)])
    return Record(
        example_ids=tuple(f"e{i}" for i in range(examples)),
        dialogues=tuple(f"d{i // 2}" for i in range(examples)),
        values=dict.fromkeys(METRICS, values),
        rankings=rankings.astype(np.int32),
        found=rankings == 3,
        mentioned=(np.arange(examples) % 5).astype(np.int32),
        words=(np.arange(examples) + 1).astype(np.int32),
        popularity=np.arange(examples, dtype=np.float32),
        catalog=catalog.fingerprint,
        inputs=ragged([list(range(i % 5)) for i in range(examples)]).items,
        mentions=np.arange(len(catalog)),
    )


def make_report(record: Record, protocol: str = "notebook", split: str = "test", source: str = "folder") -> dict:
    means = {name: float(values.mean()) for name, values in record.values.items()}
    return {
        "source": source,
        "protocol": protocol,
        "split": split,
        "targets": "all",
        "examples": len(record.example_ids),
        "target_count": 2 * len(record.example_ids),
        "seed": 42,
        "metrics": means,
        "intervals": {name: [mean - 0.02, mean + 0.02] for name, mean in means.items()},
        "baselines": {
            "popularity": dict.fromkeys(METRICS, 0.04),
            "copy": dict.fromkeys(METRICS, 0.233),
            "item_knn": dict.fromkeys(METRICS, 0.12),
        },
        "beyond": {"coverage@10": 0.2, "diversity@10": 0.7, "novelty@10": 9.5, "gini@10": 0.9},
        "epoch": 3.0,
        "parameters": {"trained": 1_900_000, "all": 24_500_000},
        "seconds": 70.0,
        "device": "CPU",
        "peak_memory_mb": 900,
    }


def reports_of(run: Run) -> list[dict[str, Any]]:
    return [run.report(name) for name in run.report_names()]


def make_run(
    home: Path,
    run_id: str,
    preset: str = "original-baseline",
    skill: float = 0.0,
    overrides: Sequence[str] = (),
    report: bool = True,
    **group: str,
) -> Run:
    """A finished run of three epochs. `group` goes to `make_report`."""
    run = Run(home / run_id)
    run.folder.mkdir(parents=True)
    config = load_preset(preset, list(overrides))
    run.write_config(config)
    run.write_status(Status(state="finished", seconds=70.0, device="CPU", peak_memory_mb=900, epoch=3))
    run.write_catalog(CATALOG)
    for epoch in (1, 2, 3):
        losses = {"loss": 1 / epoch, "movie_loss": 1 / epoch} | (
            {"tag_loss": 2 / epoch} if "tag" in config.model.tasks else {}
        )
        run.append_metrics({"step": epoch * 10 - 5, "epoch": epoch - 0.5, **losses})
        value = skill + epoch / 100
        run.append_metrics({"step": epoch * 10, "epoch": epoch, "eval_ndcg@10": value, "eval_recall@10": 2 * value})
    if report:
        record = make_record(skill, seed=sum(map(ord, run_id)))
        run.write_report(make_report(record, **group), record)
    return run
