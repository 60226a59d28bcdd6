"""A run's weights, and what it learned from, as safetensors files."""

import json
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from recommender.errors import CheckpointError, first_problem
from recommender.files import safetensors_metadata

if TYPE_CHECKING:  # torch takes a second to import, and the list of runs does not need it
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

FACTS = TypeAdapter(dict[str, str])  # what the weights belong to


def dump_weights(weights: "dict[str, Tensor]", facts: dict[str, str]) -> bytes:
    """`facts` name what the weights belong to: the catalogue's and the encoder's fingerprints.

    They stand under one key, since the order of several is random and the same weights are to be the same bytes.
    """
    from safetensors.torch import save

    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    return save(whole, metadata={"facts": json.dumps(facts, sort_keys=True)})


def parse_weights(raw: bytes, where: str) -> "tuple[dict[str, Tensor], dict[str, str]]":
    """Weights and facts. Raises `CheckpointError` naming `where` when the file is cut, damaged or not finite."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        weights = load(raw)
        facts = FACTS.validate_json(safetensors_metadata(raw).get("facts", "{}"))
        wrong = [n for n, t in weights.items() if t.is_floating_point() and not torch.isfinite(t).all()]
    except ValidationError as error:
        raise CheckpointError(f"{where} is damaged: its facts are none. {first_problem(error)}.") from error
    except (SafetensorError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{where} is cut or damaged: {error}.") from error
    except KeyError as error:
        raise CheckpointError(f"{where} holds numbers of a kind that torch lacks: {error}.") from error
    if wrong:
        raise CheckpointError(f"{where} holds values that are not finite in {wrong[0]}.")
    return weights, facts


def dump_learned(digests: "NDArray[np.uint64]") -> bytes:
    from safetensors.numpy import save

    return save({"digests": digests})


def parse_learned(raw: bytes, where: str) -> "NDArray[np.uint64]":
    """Raises `CheckpointError` naming `where` for a damaged file."""
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        digests = load(raw)["digests"]
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"{where} is damaged: {error}.") from error
    if digests.dtype != np.uint64 or digests.ndim != 1:
        raise CheckpointError(f"{where} is damaged: it holds no list of numbers.")
    return digests
