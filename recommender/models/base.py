"""The contract that every model meets: examples become batches, batches become scores over the catalogue.

A new kind of model is one file with a `Recommender`, one settings class, and one line in `config.models.MODELS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

from torch import Tensor, nn

from recommender.config import DataConfig
from recommender.config.models import ModelSettings
from recommender.data.catalog import Catalog
from recommender.data.collate import Batch, Item, collate_shared, to_item
from recommender.data.examples import Example
from recommender.data.task import Task
from recommender.errors import CheckpointError, RecommenderError
from recommender.losses.objective import Objective
from recommender.losses.weighting import MOVIES
from recommender.models.text_encoder import TextEncoder
from recommender.models.texts import add_vectors


@dataclass(frozen=True)
class Context:
    """What a model is built from beside its settings, for training and for loading alike. `data` says how much of texts
    and histories is read; `cache` is the folder for the vectors of a frozen encoder, None to compute them every time.
    """

    catalog: Catalog
    movie_text: Tensor | None = None  # [V, D], the vectors of the movies' texts
    data: DataConfig = field(default_factory=DataConfig)
    seed: int = 0
    cache: Path | None = None


class ItemVectors(NamedTuple):
    """The movies' places in the space of `Recommender.encode`."""

    vectors: Tensor  # [V, W]
    bias: Tensor  # [V]


class Recommender(nn.Module, ABC):
    """Scores are comparable within a row only: higher is better.

    A model without a capability says so: `item_vectors` is None, `add_movies` and `encode` raise `RecommenderError`,
    `settings.learns` and `settings.tasks` say what is trained by gradient. `text` is the encoder of a model that reads
    words, else None.
    """

    settings: ClassVar[type[ModelSettings]]

    def __init__(self, config: ModelSettings, context: Context) -> None:
        super().__init__()
        self.config = config
        self.context = replace(context, movie_text=None)  # the model keeps what it needs of that in its weights
        self.text: TextEncoder | None = None

    @classmethod
    def build(cls, settings: ModelSettings, context: Context) -> Self:
        """A fresh model. torch's seed is set before, so the same context gives the same weights."""
        return cls(settings, context)

    # Data

    def items(self, examples: Sequence[Example]) -> list[Item]:
        """One item an example, for ranking."""
        return [to_item(example, self.context.catalog, self.context.data) for example in examples]

    def training_items(self, task: Task) -> list[Item]:
        """What an epoch consists of: by default one item an example."""
        return self.items(task.learning_examples())

    def tag_items(self, task: Task) -> list[Item]:
        """One item a row of the tag task; none for a model that does not learn it."""
        return []

    def precompute(self, items: Sequence[Item]) -> None:
        """Compute once what training does not change: the vectors of the items' texts by a frozen encoder."""
        if self.text is not None and not self.config.trains_encoder and self.context.cache is not None:
            add_vectors(self.text, (text for item in items for text in item.texts), self.context.cache)

    def collate(self, items: Sequence[Item]) -> Batch:
        """Items -> tensors. Every item has one row for each of its lists of targets."""
        return collate_shared(items)

    # Scores

    @abstractmethod
    def forward(self, batch: Batch) -> Tensor:
        """Scores [R, V], finite for every row, also of an empty wish; with `batch["candidates"]` [C] those of these
        movies alone [R, C]."""

    def before_ranking(self) -> None:
        """Called when the weights may have changed since the last ranking: refresh what is derived from them."""

    def item_vectors(self) -> ItemVectors | None:
        """The movies in the space of `encode`, without gradient; None for a model without such a space."""
        return None

    @property
    def scores_by_vectors(self) -> bool:
        """Whether scores are exactly `encode(batch) @ vectors.T + bias`, so that an index may propose movies."""
        return False

    def encode(self, batch: Batch) -> Tensor:
        """The vectors [R, W] that those of the movies are multiplied with. Raises `RecommenderError` for a model
        without `item_vectors`."""
        raise RecommenderError(f"The model {self.config.kind} has no vectors of wishes and movies.")

    # Training

    def fit(self, items: Sequence[Item]) -> None:
        """What is learned by counting, in one pass over the training items."""

    def losses(self, batch: Batch, objective: Objective) -> dict[str, Tensor]:
        """Task -> its loss, a scalar, before the tasks are weighed. Raises `RecommenderError` for a model that does not
        learn by gradient."""
        if not self.settings.learns:
            raise RecommenderError(f"The model {self.config.kind} counts and has no loss to learn from.")
        candidates = objective.candidates(batch["targets"])
        if candidates is not None:
            batch = batch | {"candidates": candidates.indices}
        return {MOVIES: objective.ranking(self(batch), batch["targets"], batch.get("engagement"), candidates)}

    def loss_rows(self, batch: Batch, objective: Objective) -> dict[str, Tensor]:
        """Task -> the number of rows that its loss is a mean over: its weight among other pieces of the same step."""
        return objective.rows(batch["targets"], batch)

    # Catalogue and weights

    def add_movies(self, catalog: Catalog, texts: Tensor, like: Sequence[int]) -> None:
        """Take over a catalogue with N more movies at its end, known by the vectors of their texts [N, D] alone;
        nothing is trained. They are taken to be as popular as the movies `like` (item indices) on average.

        Raises `RecommenderError` for a model that knows a movie by what it learned of it only.
        """
        if not self.config.reads_movie_text:
            raise RecommenderError(
                "This model knows only the movies that it was trained on. One with the catalogue head, such as "
                "`default`, can take a new movie by its text."
            )
        self.context = replace(self.context, catalog=catalog)

    def saved_weights(self) -> dict[str, Tensor]:
        """What a checkpoint has to hold: everything but what is frozen of the encoder."""
        trained = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        kept = {}
        seen: set[int] = set()
        for name, tensor in self.state_dict(keep_vars=True).items():
            frozen = name.startswith("text.") and name not in trained
            if not frozen and id(tensor) not in seen:  # a shared movie table is one tensor under several names
                seen.add(id(tensor))
                # The shipped text vectors are half precision, so nothing is lost by saving them so.
                kept[name] = tensor.detach().half() if name.endswith("movies.text") else tensor.detach()
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
