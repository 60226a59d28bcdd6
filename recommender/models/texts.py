"""Texts for the models that read them: token ids, vectors of a frozen encoder, and tensors of both."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from recommender.data.collate import Text, pad
from recommender.models.text_encoder import TextEncoder
from recommender.models.vector_cache import cached_vectors


def add_vectors(encoder: TextEncoder, texts: Iterable[Text], cache: Path) -> None:
    """Give every text the encoder's vector, out of the store in the folder `cache` or computed and put there."""
    distinct = list({id(text): text for text in texts}.values())
    vectors = cached_vectors(encoder, [text.tokens for text in distinct], cache)
    for text, vector in zip(distinct, vectors, strict=True):
        text.vector = vector


def text_tensors(texts: Sequence[Text]) -> tuple[Tensor] | tuple[Tensor, Tensor]:
    """([N, D] vectors,) where the texts have them, else ([N, L] token ids, [N, L] mask)."""
    vectors = [text.vector for text in texts if text.vector is not None]
    if vectors:
        return (torch.stack(vectors),)
    # The padding value is hidden by the mask, so any id does.
    return pad([text.tokens for text in texts], 0), pad([[1] * len(text.tokens) for text in texts], 0)
