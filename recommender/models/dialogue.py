"""A dialogue read message by message: text vectors and movies in their order, through a causal transformer.

One pass scores every turn of a dialogue, so training costs a quarter of reading each turn's whole input anew.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from recommender.config.models import DialogueSettings
from recommender.data.catalog import Catalog
from recommender.data.collate import PADDING, Item
from recommender.data.examples import Example
from recommender.data.indices import positions_in
from recommender.data.task import Task
from recommender.losses.objective import Objective
from recommender.losses.weighting import MOVIES
from recommender.models.base import Context, ItemVectors, Recommender
from recommender.models.dialogue_items import (
    DialogueBatch,
    DialogueItem,
    collate_dialogues,
    dialogue_item,
    message_of,
    packed,
)
from recommender.models.heads import CatalogueHead
from recommender.models.item_knn import WeightedCounts
from recommender.models.movie_embedding import MovieEmbedding
from recommender.models.opinions import OpinionHead
from recommender.models.text_encoder import TextEncoder

HEADS = 4
MOST_TURNS = 64  # later messages share the last place
KINDS = 4  # a message or a movie, of the seeker or of the recommender
BEST = 10  # so many movies at the top of a ranking are where a movie named before comes in


class DialogueRecommender(Recommender):
    """One text encoder and `config.members` readers of what it makes of the messages.

    The readers differ in their first weights and in what dropout takes from them. A ranking goes by the mean of their
    logarithms of probabilities, which errs less than any of them.
    """

    settings = DialogueSettings
    config: DialogueSettings
    text: TextEncoder

    def __init__(self, config: DialogueSettings, context: Context) -> None:
        super().__init__(config, context)
        assert context.movie_text is not None
        self.text = TextEncoder(config.text)
        movies, texts = len(context.catalog), context.movie_text.float()  # one table for all readers
        members = [Reader(config, self.text.width, movies, texts) for _ in range(config.members)]
        self.readers = nn.ModuleList(members)
        self.counts = WeightedCounts(context, config.counts_weight) if config.counts_weight else None

    def items(self, examples: Sequence[Example]) -> list[Item]:
        """`data.max_tokens` cuts each message; of two equal messages there is one `Spoken`."""
        return list(self._items(examples))

    def training_items(self, task: Task) -> list[Item]:
        """One item a dialogue: all its turns are scored in one pass."""
        return list(packed(self._items(task.learning_examples())))

    def _items(self, examples: Sequence[Example]) -> list[DialogueItem]:
        catalog, data, with_movies = self.context.catalog, self.context.data, self.config.reads_movies
        said = list(dict.fromkeys(message for example in examples for message in example.said))
        texts = self.text.texts([message.text for message in said], data.max_tokens, data.keep_tokens)
        made = {m: message_of(m, text, catalog, with_movies) for m, text in zip(said, texts, strict=True)}
        return [dialogue_item(example, made, catalog, with_movies) for example in examples]

    def collate(self, items: Sequence[DialogueItem]) -> DialogueBatch:  # type: ignore[override]  # its own items
        return collate_dialogues(items)

    def forward(self, batch: DialogueBatch) -> Tensor:  # type: ignore[override]  # of its own `collate`
        """A row for each turn."""
        scores = self._averaged(self._read(batch), batch)
        return scores[:, batch["candidates"]] if "candidates" in batch else scores

    def losses(self, batch: DialogueBatch, objective: Objective) -> dict[str, Tensor]:  # type: ignore[override]
        candidates = objective.candidates(batch["targets"])
        read = self._read(batch, None if candidates is None else candidates.indices)
        scores = torch.cat([_learning_scores(part, batch) for part in read])
        opinions = self._opinions(read, batch)
        targets = self._learning_rows(batch["targets"], batch)
        engagement = self._learning_rows(batch["engagement"], batch) if "engagement" in batch else None
        losses = {MOVIES: objective.ranking(scores, targets, engagement, candidates)}
        return losses | objective.opinions(opinions, batch)

    def loss_rows(self, batch: DialogueBatch, objective: Objective) -> dict[str, Tensor]:  # type: ignore[override]
        return objective.rows(self._learning_rows(batch["targets"], batch), batch)

    def _read(self, batch: DialogueBatch, candidates: Tensor | None = None) -> "list[Read]":
        """What each reader makes of the batch."""
        texts = self._texts(batch)  # [M + 1, D]
        # The encoder may run in bfloat16; scores that are told apart by a hundredth may not.
        with torch.autocast(texts.device.type, enabled=False):
            return [reader(texts, batch, candidates) for reader in self._members]

    def _averaged(self, read: "list[Read]", batch: DialogueBatch) -> Tensor:
        """The scores that a ranking goes by [R, V]."""
        scores = torch.stack([part.scores.log_softmax(dim=1) for part in read]).mean(dim=0)
        if self.counts is not None:
            scores = scores + self.counts(batch)
        copied = [part.copied for part in read if part.copied is not None]
        return _with_repeats(scores, torch.stack(copied).mean(dim=0), batch) if copied else scores

    def _learning_rows(self, inputs: Tensor, batch: DialogueBatch) -> Tensor:
        """What belongs to the turns (their targets, say) for the rows of all readers' `_learning_scores`."""
        rows = torch.cat([inputs, inputs[batch["by_recommender"]]]) if self.config.reads_movies else inputs
        return torch.cat([rows] * len(self.readers))

    def _opinions(self, read: "list[Read]", batch: DialogueBatch) -> dict[str, Tensor]:
        """Opinion -> logits [R, T], the mean of the readers'."""
        found = [
            reader.opinions(part.asked, batch["targets"])
            for reader, part in zip(self._members, read, strict=True)
            if reader.opinions is not None
        ]
        return {name: torch.stack([own[name] for own in found]).mean(dim=0) for name in found[0]} if found else {}

    def fit(self, items: Sequence[Item]) -> None:
        if self.counts is not None:
            self.counts.fit(items)

    def make_room(self, weights: dict[str, Tensor]) -> None:
        if self.counts is not None:
            self.counts.make_room(weights, "counts.")

    def _texts(self, batch: DialogueBatch) -> Tensor:
        """The vectors of the messages, and zeros for where there is none: [M + 1, D] float32."""
        nothing = torch.zeros(1, self.text.width, device=batch["ends"].device)
        if "message_vectors" in batch:
            return torch.cat([batch["message_vectors"], nothing])
        if not len(batch["message_ids"]):
            return nothing
        return torch.cat([self.text.in_groups(batch["message_ids"], batch["message_mask"]).float(), nothing])

    def saved_weights(self) -> dict[str, Tensor]:
        """The movies' texts once: on a GPU each reader has a copy of its own."""
        copies = {f"readers.{place}.movies.text" for place in range(1, len(self.readers))}
        return {name: tensor for name, tensor in super().saved_weights().items() if name not in copies}

    def add_movies(self, catalog: Catalog, texts: Tensor, like: Sequence[int]) -> None:
        super().add_movies(catalog, texts, like)
        for reader in self._members:
            reader.head.add(texts, reader.norm(reader.layers(reader.start.view(1, 1, -1)))[0], like)
        if self.counts is not None:
            self.counts.add(len(texts), like)

    @property
    def _members(self) -> "list[Reader]":
        return list(self.readers)  # type: ignore[arg-type]

    @torch.no_grad()
    def item_vectors(self) -> ItemVectors:
        """The rows that a wish's vectors are multiplied with, those of all readers side by side."""
        vectors = torch.cat([reader.movies.table() for reader in self._members], dim=1)
        return ItemVectors(vectors, torch.stack([reader.head.bias for reader in self._members]).sum(dim=0))

    def encode(self, batch: DialogueBatch) -> Tensor:  # type: ignore[override]
        """With the movies' vectors, the sum of the readers' scores, of which a ranking takes more than the sum."""
        asked = [part.asked for part in self._read(batch)]
        queries = [reader.head.query(own) for reader, own in zip(self._members, asked, strict=True)]
        return torch.cat(queries, dim=1)


class Read(NamedTuple):
    """What a reader makes of a batch."""

    asked: Tensor  # [R, W], the state at each turn
    scores: Tensor  # [R, V], or [R, C] for candidates
    copied: Tensor | None  # likewise, the copy scores; None for a reader without movies


def _learning_scores(read: Read, batch: DialogueBatch) -> Tensor:
    """The rows of the catalogue's scores alone, then those of the turns that the recommender answered with the copy
    scores added. Nothing flows back from the second part into the first: learned as one, the copy scores took over so
    early that new movies were ranked worse."""
    if read.copied is None:
        return read.scores
    return torch.cat([read.scores, (read.scores.detach() + read.copied)[batch["by_recommender"]]])


def _with_repeats(scores: Tensor, copied: Tensor, batch: DialogueBatch) -> Tensor:
    """A movie named before scores the mean of the best ones plus its copy score. Its own score, to which the copy score
    is added while it is learned, says how well it fits as a movie not yet spoken of. That is another question: ranked
    by both, half as many of the movies that people came back to were among the first ten."""
    movies = scores.shape[1]
    level = scores.topk(min(BEST, movies), dim=1).values.mean(dim=1, keepdim=True)
    places = _places(_named_before(batch), movies)
    named = torch.zeros(len(scores), movies + 1, dtype=torch.bool, device=scores.device).scatter(1, places, True)
    return torch.where(named[:, :movies], level + copied, scores)


class Reader(nn.Module):
    """Every message is a slot (its text vector), followed by a slot for each movie that it names; a movie that is
    answered has the same vector as one that is named. A state is asked for the whole catalogue, and again for the
    movies named before, since people come back to a movie.
    """

    def __init__(self, config: DialogueSettings, text_width: int, movies: int, movie_text: Tensor) -> None:
        super().__init__()
        width = config.width
        self.movies = MovieEmbedding(movies, width, movie_text, config.item_dropout)
        self.message = nn.Linear(text_width, width)
        self.kind = nn.Embedding(KINDS, width)
        self.turn = nn.Embedding(MOST_TURNS, width)
        self.start = nn.Parameter(torch.zeros(width))
        for table in (self.kind, self.turn):
            nn.init.normal_(table.weight, std=0.02)
        layer = nn.TransformerEncoderLayer(
            width, HEADS, 2 * width, config.dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = CatalogueHead(width, self.movies, config.head_dropout)
        self.repeat = CopyScores(width) if config.reads_movies else None
        self.opinions = OpinionHead(width, self.movies, config.opinions) if config.opinions else None

    def forward(self, texts: Tensor, batch: DialogueBatch, candidates: Tensor | None = None) -> Read:
        """Vectors of the messages [M + 1, D] -> what is made of the batch, for all movies or for candidates [C]."""
        self.movies.sample_dropout()
        states = self._states(texts, batch)  # [N, 1 + S, W]
        rows = batch["rows"]
        asked = states[rows, batch["ends"]]  # [R, W]
        scores: Tensor = self.head(asked, candidates)
        copied = None
        if self.repeat is not None:
            named = _named_before(batch)
            named = named if candidates is None else positions_in(candidates, named)
            copied = self.repeat(asked, states[rows, 1:], named, scores.shape[1])
        return Read(asked, scores, copied)

    def _states(self, texts: Tensor, batch: DialogueBatch) -> Tensor:
        """What is known before the first slot and after each: [N, 1 + S, W]."""
        movie = batch["slot_movie"]  # [N, S]
        is_movie = movie != PADDING
        messages = self.message(texts)[batch["slot_message"]]  # [R, S, W]; place -1 is the last row of texts
        slots = torch.where(is_movie.unsqueeze(-1), self.movies(movie.clamp(min=0)), messages)
        slots = slots + self.kind(batch["slot_speaker"] + 2 * is_movie)
        slots = slots + self.turn(batch["slot_turn"].clamp(max=MOST_TURNS - 1))
        slots = torch.cat([self.start.expand(len(slots), 1, -1), slots], dim=1)
        causal = nn.Transformer.generate_square_subsequent_mask(slots.shape[1], device=slots.device)
        states: Tensor = self.norm(self.layers(slots, mask=causal, is_causal=True))
        return states


class CopyScores(nn.Module):
    """What speaks for a movie because it was named before, or against it: a state asks the slots in which it was (a
    pointer, as in Vinyals et al. 2015); of several the highest counts, and movies that nobody named have none."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.bias = nn.Parameter(torch.tensor(-2.0))  # at first a repeated movie is unlikely, as it is in dialogues

    def forward(self, asked: Tensor, slots: Tensor, named: Tensor, movies: int) -> Tensor:
        """[R, W], [R, S, W], named movies [R, S] padded with -1 -> [R, `movies`]. The states are taken as they are."""
        asked, slots = asked.detach(), slots.detach()
        found = (self.key(slots) @ self.query(asked).unsqueeze(-1)).squeeze(-1) / asked.shape[1] ** 0.5 + self.bias
        table = found.new_zeros(len(found), movies + 1)
        highest: Tensor = table.scatter_reduce(1, _places(named, movies), found, "amax", include_self=False)
        return highest[:, :movies]


def _named_before(batch: DialogueBatch) -> Tensor:
    """The movies in the slots before each turn: [R, S], padded with -1."""
    named = batch["slot_movie"][batch["rows"]]
    before = torch.arange(named.shape[1], device=named.device) < batch["ends"].unsqueeze(1)
    return named.where(before, PADDING)


def _places(named: Tensor, movies: int) -> Tensor:
    """The places of named movies in a table of one column more than movies, which takes the padding."""
    return named.where(named != PADDING, movies)
