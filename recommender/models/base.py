"""The contract every model meets: a batch of wishes in, one score for each movie out, and weights that can be saved."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from torch import Tensor, nn

from recommender.data.collate import Batch, Item
from recommender.errors import CheckpointError, RecommenderError
from recommender.models.text_encoder import TextEncoder


def whole(tensor: Tensor) -> Tensor:
    """A weight as it is, put together where every process has a piece of it (FSDP): then all have to ask for it."""
    found: Tensor = tensor.detach()
    # Asked so, since the class of such tensors takes most of a second to import.
    return found.full_tensor() if hasattr(found, "full_tensor") else found


class Outputs(NamedTuple):
    """What a model makes of a training batch in one pass."""

    scores: Tensor  # as `forward` gives them
    opinions: Mapping[str, Tensor] = MappingProxyType({})  # opinion -> logits [B, T] for the batch's targets


class DotProducts(NamedTuple):
    """The movies of a model that scores by `query @ vectors.T + bias`."""

    vectors: Tensor  # [V, W]
    bias: Tensor  # [V]


class Recommender(nn.Module, ABC):
    """Scores are comparable within a row only: higher is better."""

    learns_by_gradient = True
    reads_messages = False  # or the whole text at once
    reads_movies = True  # of the messages

    def __init__(self) -> None:
        super().__init__()
        self.text: TextEncoder | None = None

    def tokenize(self, texts: Sequence[str], max_tokens: int, keep: str) -> Sequence[Sequence[int]]:
        """Texts -> token ids; a model that does not read the text has none."""
        return self.text.tokenize(texts, max_tokens, keep) if self.text is not None else [[] for _ in texts]

    @abstractmethod
    def forward(self, batch: Batch) -> Tensor:
        """Wishes -> scores [B, V], finite for every wish, also an empty one. Models that learn by gradient score only
        the movies in `batch["columns"]` [C] where the batch has them -> [B, C]."""

    def outputs(self, batch: Batch) -> Outputs:
        """The scores, and what the other tasks of a training batch are learned from."""
        return Outputs(self(batch))

    def training_rows(self, inputs: Tensor, batch: Batch) -> Tensor:
        """What belongs to the batch's inputs (their targets, say), for the rows that `forward` gives while training."""
        return inputs

    def tag_scores(self, batch: Batch) -> Tensor:
        """The tag task: tag texts of the batch -> scores [G, V]. Raises `ValueError` for a model without it."""
        raise ValueError("this model has no tag head")

    def fit(self, items: Sequence[Item]) -> None:
        """What is learned by counting, in one pass over the training items."""

    def movie_vectors(self) -> Tensor | None:
        """Where the model places the movies [V, W], for neighbours; None for a model without such a space."""
        return None

    def dot_products(self) -> DotProducts | None:
        """What the vectors of `queries` are multiplied with in use; None for a model that scores in another way."""
        return None

    def queries(self, batch: Batch) -> Tensor:
        """Wishes -> vectors [B, W], for a model that has `dot_products`."""
        raise NotImplementedError

    def add_movies(self, texts: Tensor, like: Sequence[int]) -> None:
        """More movies at the end of the catalogue, known by their texts' vectors [N, D] alone; nothing is trained. How
        popular they are nobody knows: they are taken to be as popular as the movies in the columns `like` on average.

        Raises `RecommenderError` for a model that knows a movie by what it learned of it only.
        """
        raise RecommenderError(
            "This model knows only the movies that it was trained on. One with the catalogue head, such as `default`, "
            "can take a new movie by its text."
        )

    def saved_weights(self) -> dict[str, Tensor]:
        """What a checkpoint has to hold: everything but what is frozen of the encoder."""
        trained = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        kept = {}
        seen: set[int] = set()
        for name, tensor in self.state_dict(keep_vars=True).items():
            frozen = name.startswith("text.") and name not in trained
            if not frozen and id(tensor) not in seen:  # a shared movie table is one tensor under several names
                seen.add(id(tensor))
                if hasattr(tensor, "full_tensor"):  # under FSDP each process has a piece of it
                    tensor = tensor.full_tensor()
                # The shipped text vectors are half precision, so nothing is lost by saving them so.
                kept[name] = whole(tensor).half() if name.endswith("movies.text") else whole(tensor)
        return kept

    def make_room(self, weights: dict[str, Tensor]) -> None:
        """Give the buffers whose length only the file knows that length, before it is loaded."""

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Take over saved weights. Raises `CheckpointError` that names a tensor which is missing, of another shape,
        or unknown."""
        self.make_room(weights)
        own = self.saved_weights()
        missing, unknown = sorted(own.keys() - weights.keys()), sorted(weights.keys() - own.keys())
        if missing or unknown:
            what = f"lacks {missing[0]}" if missing else f"has the unknown tensor {unknown[0]}"
            raise CheckpointError(f"The weights file {what}; it belongs to another model.")
        for name, tensor in sorted(weights.items()):
            if own[name].shape != tensor.shape:
                raise CheckpointError(
                    f"The weights file has {name} of shape {list(tensor.shape)}, the model {list(own[name].shape)}."
                )
        self.load_state_dict(weights, strict=False)
