"""`Ranker`: model -> adjustments -> top k. Answers, reports, validation and benchmarks all rank with it, so that what
is measured is what is served.

Scores are reduced to the best k batch by batch, so memory does not grow with examples x catalogue. For a large
catalogue an approximate index proposes the movies that are scored.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize
from torch.nn.utils.rnn import pad_sequence

from recommender.data.collate import PADDING, Batch, Item
from recommender.data.examples import Example
from recommender.models.base import Recommender
from recommender.ranking.adjustments import Adjustment, Adjustments
from recommender.ranking.index import WISHES, MovieIndex, index_of, spread
from recommender.ranking.top_k import top_k

# Which movies that came up before a ranking leaves out: all of them, or only refused ones.
Exclude = Literal["named", "refused"]


@dataclass(frozen=True)
class Prepared:
    """Examples in numbers, to be ranked any number of times."""

    items: Sequence[Item]
    adjustments: Sequence[Adjustment]  # one an item


@dataclass(frozen=True, slots=True)
class RankedMovie:
    """One movie of an answer. The values of `parts` add up to the score: "model", and "refusals" (0 or less)."""

    item: int  # catalogue index
    score: float
    parts: dict[str, float]


def to_device(batch: Batch, device: torch.device) -> Batch:
    return {key: tensor.to(device) for key, tensor in batch.items()}  # type: ignore[return-value,attr-defined]


class Ranker:
    """Ranks the catalogue of one model, as it is now."""

    def __init__(self, model: Recommender, device: torch.device, bfloat16: bool = False) -> None:
        self.model, self.catalog = model, model.context.catalog
        self.device, self.bfloat16 = device, bfloat16
        self.adjustments = Adjustments(self.catalog)
        self.duplicates = list(self.adjustments.stands_for)
        self._vectors: Tensor | None = None
        self._known = False  # whether `_vectors` are those of the model

    @property
    def vectors(self) -> Tensor | None:
        """Where the model places the movies [V, W], of length 1; None for a model without such a space."""
        if not self._known:
            found = self.model.item_vectors()
            self._vectors = None if found is None else normalize(found.vectors.float(), dim=1)
            self._known = True
        return self._vectors

    def prepare(self, examples: Sequence[Example]) -> Prepared:
        """The examples in numbers, with what the model can compute of them once."""
        items = self.model.items(examples)
        self.model.precompute(items)
        return Prepared(items, [self.adjustments.of(example) for example in examples])

    def rank(self, examples: Sequence[Example], k: int, exclude: Exclude = "named") -> NDArray[np.int64]:
        """The best k for every example, best first, as catalogue indices [N, k]; -1 where a ranking is short."""
        return self.rank_prepared(self.prepare(examples), k, exclude)

    @torch.inference_mode()
    def rank_prepared(
        self, prepared: Prepared, k: int, exclude: Exclude = "named", batch_size: int = 64
    ) -> NDArray[np.int64]:
        """As `rank`; for a model that may have learned since it was last asked."""
        was_training = self.model.training
        self.model.eval()
        self.model.before_ranking()
        self._known = False
        items, adjustments = prepared.items, prepared.adjustments
        rankings = np.full((len(items), k), -1, dtype=np.int64)
        index = index_of(self.model, self.duplicates)
        if index is not None and items:
            some = [items[i] for i in spread(len(items), WISHES)]
            index.calibrate(self._read(self.model.encode, some), k)
        # What is refused may be most of what an index would propose, so those examples are scored in full.
        in_full = [index is None or bool(adjustment.left_out) for adjustment in adjustments]
        for positions in _batches(items, in_full, batch_size):
            part, asked = [items[i] for i in positions], [adjustments[i] for i in positions]
            if index is None or in_full[positions[0]]:
                scores = self._adjusted(self._read(self.model, part), asked)
                best = top_k(scores, k, self._left_out(asked, exclude))
            else:
                best = self._proposed(index, part, asked, k, exclude)
            rankings[positions] = best.cpu().numpy()
        self.model.train(was_training)
        return rankings

    @torch.inference_mode()
    def answer(self, prepared: Prepared, k: int) -> list[RankedMovie]:
        """The best k for one prepared example, with what the scores are made of. Movies named before are left out."""
        model_scores = self._read(self.model, prepared.items)
        scores = self._adjusted(model_scores, prepared.adjustments)
        best = top_k(scores, min(k, len(self.catalog)), self._left_out(prepared.adjustments, "named"))[0]
        best = best[best >= 0]
        from_model, total = model_scores[0, best].tolist(), scores[0, best].tolist()
        return [
            RankedMovie(item, score, {"model": own, "refusals": score - own})
            for item, own, score in zip(best.tolist(), from_model, total, strict=True)
        ]

    @torch.inference_mode()
    def scores(self, examples: Sequence[Example]) -> Tensor:
        """The model's own scores [B, V], before any adjustment."""
        return self._read(self.model, self.prepare(examples).items)

    def penalty(self, scores: Tensor, example: Example) -> Tensor:
        """What refused movies take from the model's scores [V] of one example."""
        return self.adjustments.penalty(scores, self.catalog.indices(example.refused), self.vectors)

    def _read(self, how: Callable[[Batch], Tensor], items: Sequence[Item]) -> Tensor:
        """What the model makes of a batch, in float32."""
        batch = to_device(self.model.collate(items), self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16) if self.bfloat16 else nullcontext():
            return how(batch).float()

    def _adjusted(self, scores: Tensor, adjustments: Sequence[Adjustment]) -> Tensor:
        """The scores [B, V] less the penalties of refused movies."""
        if not any(adjustment.refused for adjustment in adjustments):
            return scores
        rows = zip(scores, adjustments, strict=True)
        return torch.stack([row - self.adjustments.penalty(row, asked.refused, self.vectors) for row, asked in rows])

    def _left_out(self, adjustments: Sequence[Adjustment], exclude: Exclude) -> Tensor:
        """The items that each ranking leaves out [B, H], padded with -1."""
        own = [(*a.left_out, *(a.named if exclude == "named" else ())) for a in adjustments]
        always = torch.tensor(self.duplicates, dtype=torch.long).expand(len(own), -1)
        return torch.cat([_padded(own), always], dim=1).to(self.device)

    def _proposed(
        self, index: MovieIndex, items: Sequence[Item], adjustments: Sequence[Adjustment], k: int, exclude: Exclude
    ) -> Tensor:
        """The best k [B, k] of those that the index proposes."""
        named = _padded([a.named if exclude == "named" else () for a in adjustments]).to(self.device)
        return index.find(self._read(self.model.encode, items), k + named.shape[1]).best(k, exclude=named)


def _padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """Rows of different lengths -> [N, longest] int64."""
    return pad_sequence([torch.tensor(row, dtype=torch.long) for row in rows], batch_first=True, padding_value=PADDING)


def _batches(items: Sequence[Item], in_full: Sequence[bool], size: int) -> Iterator[list[int]]:
    """Positions of one kind, grouped by text length, so that little is padding."""
    for kind in (False, True):
        order = sorted((i for i in range(len(items)) if in_full[i] == kind), key=lambda i: items[i].length)
        for start in range(0, len(order), size):
            yield order[start : start + size]
