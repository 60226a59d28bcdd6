"""A sentence-transformers pipeline over token ids: transformer, pooling, scaling. It takes seconds to import."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
from torch.nn.utils.rnn import pad_sequence

# Code that comes with a model would run whatever it holds, and so would weights in a pickle.
SAFE = {"trust_remote_code": False}
TEXT = {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}


class TokenTransformer(Transformer):
    """A Transformer that is given token ids, since texts are tokenised and cut once and cached under their ids."""

    def preprocess(self, inputs: Sequence[Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Token ids of N texts -> padded `input_ids` and `attention_mask` [N, L]."""
        rows = [torch.tensor(row, dtype=torch.long) for row in inputs]
        return {
            "input_ids": pad_sequence(rows, batch_first=True),
            "attention_mask": pad_sequence([torch.ones_like(row) for row in rows], batch_first=True),
        }


def load_pipeline(source: str | Path, pooling: Literal["mean", "cls"]) -> SentenceTransformer:
    """The pipeline of an encoder from a local folder, the hub's cache or the hub, in float32 on the CPU.

    `mean` averages the last layer over real tokens and scales to length one (Reimers & Gurevych 2019); `cls` takes the
    first token's vector (Devlin et al. 2019). What a folder says of its own pooling and text length is not read: both
    are settings of a run. Raises `OSError` or `ValueError` for an encoder that cannot be loaded.
    """
    transformer = TokenTransformer(
        str(source),
        model_kwargs={"dtype": torch.float32, "use_safetensors": True, **SAFE},
        processor_kwargs=dict(SAFE),
        config_kwargs=dict(SAFE),
        modality_config=TEXT,
        module_output_name="token_embeddings",
    )
    modules = [transformer, Pooling(transformer.get_embedding_dimension(), pooling)]
    if pooling == "mean":
        modules.append(Normalize())
    return SentenceTransformer(modules=modules, device="cpu")
