"""A run folder -> a model that can score, checked against the catalogue and the encoder it was made with."""

from dataclasses import dataclass
from pathlib import Path

import torch

from recommender.config import RunConfig
from recommender.data.catalog import Catalog
from recommender.errors import CheckpointError
from recommender.models.base import Context, Recommender
from recommender.models.registry import make_model
from recommender.runs.folder import Run


def weights_facts(model: Recommender, catalog: Catalog) -> dict[str, str]:
    """What the weights are worth nothing without: written into the weights file, compared when it is read."""
    encoder = model.text.weights_hash if model.text is not None and model.text.config.train != "all" else ""
    return {"catalog": catalog.fingerprint, "encoder": encoder}


def halve(run: Run) -> tuple[int, int]:
    """Write the run's weights in half precision -> bytes before and after. A model computes in single precision all the
    same; measure it again after this."""
    before = run.weights_size
    weights, facts = run.weights()
    run.write_weights({n: t.half() if t.is_floating_point() else t for n, t in weights.items()}, facts)
    return before, run.weights_size


@dataclass(frozen=True)
class Checkpoint:
    run: Run
    config: RunConfig
    catalog: Catalog
    model: Recommender


def load_checkpoint(run: Run, device: torch.device, cache: Path | None = None) -> Checkpoint:
    """`cache`: see `Context`. Raises `CheckpointError` naming the file that is missing, damaged, or made for another
    catalogue or encoder."""
    config, catalog = run.config(), run.catalog()
    weights, facts = run.weights()
    if config.model.least_parameters(len(catalog)) > sum(tensor.numel() for tensor in weights.values()):
        raise CheckpointError(
            f"{run.run_id}/model.safetensors is too small for the model that {run.run_id}/config.json describes."
        )
    if facts.get("catalog") != catalog.fingerprint:
        raise CheckpointError(
            f"{run.run_id}/model.safetensors was made for another catalogue than {run.run_id}/catalog.json."
        )
    table = next((tensor for name, tensor in weights.items() if name.endswith("movies.text")), None)
    if table is None and config.model.reads_movie_text:
        raise CheckpointError(f"{run.run_id}/model.safetensors lacks the movies' text vectors.")
    model = make_model(config.model, Context(catalog, table, config.data, config.seed, cache))
    encoder = config.model.encoder
    if encoder is not None and weights_facts(model, catalog)["encoder"] != facts.get("encoder"):
        raise CheckpointError(
            f"{run.run_id}/model.safetensors was trained on another version of the encoder {encoder.name!r}."
        )
    try:
        model.load_weights(weights)
    except CheckpointError as error:
        raise CheckpointError(f"{run.run_id}/model.safetensors: {error}") from error
    return Checkpoint(run, config, catalog, model.to(device).eval())
