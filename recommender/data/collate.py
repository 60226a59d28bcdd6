"""Example -> Item -> Batch: token ids, catalogue indices, dynamic padding. Training and queries share this road."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from recommender.config import DataConfig
from recommender.data.catalog import Catalog
from recommender.data.examples import Example

PADDING = -1  # in `mentioned` and `targets`; never a catalogue index

Tokenize = Callable[[Sequence[str], int, str], list[list[int]]]


class Batch(TypedDict, total=False):
    """What every model reads. A text is either tokens or, for a frozen encoder, the vector computed once."""

    input_ids: Tensor  # [B, L] int64
    attention_mask: Tensor  # [B, L] int64
    text_vectors: Tensor  # [B, D]
    mentioned: Tensor  # [B, H] int64, padded with -1 on the right, in order of mention
    targets: Tensor  # [B, T] int64, padded with -1
    tag_input_ids: Tensor  # [G, L]
    tag_attention_mask: Tensor  # [G, L]
    tag_text_vectors: Tensor  # [G, D]
    tag_targets: Tensor  # [G, 1]


@dataclass(slots=True)
class Item:
    """One example (or tag row) in numbers. `vector` replaces the tokens once a frozen encoder has seen them.

    The model reads `mentioned`, which may be cut; a ranking of new movies leaves out all of `exclude`.
    """

    tokens: list[int]
    mentioned: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    exclude: list[int] = field(default_factory=list)
    dialogue: str = ""  # the dialogue it comes from
    vector: Tensor | None = None  # [D]
    tags: Sequence["Item"] = ()


def to_items(examples: Sequence[Example], catalog: Catalog, config: DataConfig, tokenize: Tokenize) -> list[Item]:
    """Tokenise all texts at once and turn movie ids into catalogue indices."""
    texts = [example.text for example in examples]
    tokens = tokenize(texts, config.max_tokens, config.keep_tokens)
    items = []
    for example, ids in zip(examples, tokens, strict=True):
        mentioned = catalog.indices(example.mentioned)
        first = config.keep_mentioned == "first"
        kept = mentioned[: config.max_mentioned] if first else mentioned[-config.max_mentioned :]
        items.append(Item(ids, kept, catalog.indices(example.targets), mentioned, example.dialogue_id))
    return items


def collate(items: Sequence[Item]) -> Batch:
    """Pad to the longest text and history of this batch, and no further."""
    batch: Batch = {
        "mentioned": _pad([item.mentioned for item in items], PADDING),
        "targets": _pad([item.targets for item in items], PADDING),
    }
    text = _texts(items)
    if len(text) == 1:
        batch["text_vectors"] = text[0]
    else:
        batch["input_ids"], batch["attention_mask"] = text
    tags = [tag for item in items for tag in item.tags]
    if tags:
        text = _texts(tags)
        batch["tag_targets"] = _pad([tag.targets for tag in tags], PADDING)
        if len(text) == 1:
            batch["tag_text_vectors"] = text[0]
        else:
            batch["tag_input_ids"], batch["tag_attention_mask"] = text
    return batch


def _texts(items: Sequence[Item]) -> tuple[Tensor] | tuple[Tensor, Tensor]:
    """([B, D] vectors,) or ([B, L] token ids, [B, L] mask)."""
    vectors = [item.vector for item in items if item.vector is not None]
    if vectors:
        return (torch.stack(vectors),)
    # The padding value is hidden by the mask, so any id does.
    return _pad([i.tokens for i in items], 0), _pad([[1] * len(i.tokens) for i in items], 0)


def _pad(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    """Rows of different lengths -> [N, longest] int64; at least one column, so that an empty history has a shape."""
    padded = pad_sequence([torch.tensor(r, dtype=torch.long) for r in rows], batch_first=True, padding_value=value)
    return padded if padded.shape[1] else torch.full((len(rows), 1), value)


def exclusions(items: Sequence[Item]) -> Tensor:
    """[N, H] int64: the columns that a ranking of new movies leaves out, padded with -1."""
    return _pad([item.exclude for item in items], PADDING)
