"""A dialogue read message by message: text vectors and movies in their order, through a causal transformer.

One pass scores every turn of a dialogue, so training costs a quarter of reading each turn's whole input anew.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from recommender.config.models import DialogueSettings
from recommender.data.collate import PADDING, Batch, Item
from recommender.data.indices import positions_in
from recommender.models.base import Outputs, Recommender
from recommender.models.baselines import WeightedCounts
from recommender.models.heads import CatalogueHead
from recommender.models.movie_embedding import MovieEmbedding
from recommender.models.opinions import OpinionHead
from recommender.models.text_encoder import TextEncoder

HEADS = 4
MOST_TURNS = 64  # later messages share the last place
KINDS = 4  # a message or a movie, of the seeker or of the recommender
BEST = 10  # so many movies at the top of a ranking are where a movie named before comes in


class DialogueRecommender(Recommender):
    """One text encoder and `config.members` readers of what it makes of the messages. `movies` is V;
    `movie_text` [V, D] holds the vectors of the movies' texts.

    The readers differ in their first weights and in what dropout takes from them. A ranking goes by the mean of their
    logarithms of probabilities, which errs less than any of them.
    """

    reads_messages = True
    text: TextEncoder

    def __init__(self, config: DialogueSettings, movies: int, movie_text: Tensor) -> None:
        super().__init__()
        self.reads_movies = config.reads_movies
        self.text = TextEncoder(config.text)
        texts = movie_text.float()  # one table for all readers
        members = [Reader(config, self.text.width, movies, texts) for _ in range(config.members)]
        self.readers = nn.ModuleList(members)
        self.counts = WeightedCounts(movies, config.counts_weight) if config.counts_weight else None

    def forward(self, batch: Batch) -> Tensor:
        """Scores [P, V], one row for each input of the batch; while training each reader's rows, one after the other
        (`training_rows` has the same)."""
        return self.outputs(batch).scores

    def outputs(self, batch: Batch) -> Outputs:
        texts = self._texts(batch)  # [M + 1, D]
        # The encoder may run in bfloat16; scores that are told apart by a hundredth may not.
        with torch.autocast(texts.device.type, enabled=False):
            read = [reader(texts, batch) for reader in self._members]
            if not self.training:
                return Outputs(self._averaged(read, batch))
            scores = torch.cat([self._learned_from(part.scores, part.gains, batch) for part in read])
            return Outputs(scores, _mean_opinions([part.opinions for part in read]))

    def _averaged(self, read: "list[Read]", batch: Batch) -> Tensor:
        scores = torch.stack([part.scores.log_softmax(dim=1) for part in read]).mean(dim=0)
        if self.counts is not None:
            scores = scores + self.counts(batch)
        gains = [part.gains for part in read if part.gains is not None]
        if gains:
            scores = self._with_repeats(scores, gains, batch)
        return scores[:, batch["columns"]] if "columns" in batch else scores

    @staticmethod
    def _learned_from(scores: Tensor, gains: Tensor | None, batch: Batch) -> Tensor:
        """The rows of the catalogue's scores alone, then those of the inputs that the recommender answered with what
        repeating adds. Nothing flows back from the second part into the first: learned as one, the scores for repeating
        took over so early that new movies were ranked worse."""
        if gains is None:
            return scores
        return torch.cat([scores, (scores.detach() + gains)[batch["by_recommender"]]])

    @staticmethod
    def _with_repeats(scores: Tensor, gains: list[Tensor], batch: Batch) -> Tensor:
        """A movie named before scores as the mean of the best ones and what repeating it gains. Its own score, to which
        the gains are added while they are learned, says how well it fits as a movie not yet spoken of. That is another
        question: ranked by both, half as many of the movies that people came back to were among the first ten."""
        movies = scores.shape[1]
        level = scores.topk(min(BEST, movies), dim=1).values.mean(dim=1, keepdim=True)
        repeated = level + torch.stack(gains).mean(dim=0)
        columns = _columns(_named_before(batch), movies)
        named = torch.zeros(len(scores), movies + 1, dtype=torch.bool, device=scores.device).scatter(1, columns, True)
        return torch.where(named[:, :movies], repeated, scores)

    def fit(self, items: Sequence[Item]) -> None:
        if self.counts is not None:
            self.counts.fit(items)

    def make_room(self, weights: dict[str, Tensor]) -> None:
        if self.counts is not None:
            self.counts.make_room(weights, "counts.")

    def training_rows(self, inputs: Tensor, batch: Batch) -> Tensor:
        rows = torch.cat([inputs, inputs[batch["by_recommender"]]]) if self.reads_movies else inputs
        return torch.cat([rows] * len(self.readers))

    def _texts(self, batch: Batch) -> Tensor:
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

    def add_movies(self, texts: Tensor, like: Sequence[int]) -> None:
        for reader in self._members:
            reader.head.add(texts, reader.norm(reader.layers(reader.start.view(1, 1, -1)))[0], like)
        if self.counts is not None:
            self.counts.add(len(texts))

    @property
    def _members(self) -> "list[Reader]":
        return list(self.readers)  # type: ignore[arg-type]

    @torch.no_grad()
    def movie_vectors(self) -> Tensor:
        """The rows that a wish's vectors are multiplied with, those of all readers side by side."""
        return torch.cat([reader.movies.table() for reader in self._members], dim=1)


class Read(NamedTuple):
    """What a reader makes of a batch."""

    scores: Tensor  # [P, V]
    gains: Tensor | None  # [P, V], what repeating a movie gains; None for one that reads no movies
    opinions: dict[str, Tensor]  # opinion -> logits [P, T] for the targets


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
        self.repeat = RepeatScores(width) if config.reads_movies else None
        self.opinions = OpinionHead(width, self.movies, config.opinions) if config.opinions else None

    def forward(self, texts: Tensor, batch: Batch) -> Read:
        """Vectors of the messages [M + 1, D] -> what is made of the batch."""
        self.movies.draw()
        states = self._states(texts, batch)  # [R, 1 + S, W]
        rows = batch["rows"]
        asked = states[rows, batch["ends"]]  # [P, W]
        # In use a movie's place depends on all others' scores, so those of some columns are taken at the end.
        columns = batch.get("columns") if self.training else None
        scores: Tensor = self.head(asked, columns)
        gains = None
        if self.repeat is not None:
            named = _named_before(batch)
            named = named if columns is None else positions_in(columns, named)
            gains = self.repeat(asked, states[rows, 1:], named, scores.shape[1])
        opinions = self.opinions(asked, batch["targets"]) if self.opinions is not None and self.training else {}
        return Read(scores, gains, opinions)

    def _states(self, texts: Tensor, batch: Batch) -> Tensor:
        """What is known before the first slot and after each: [R, 1 + S, W]."""
        movie = batch["slot_movie"]  # [R, S]
        is_movie = movie != PADDING
        messages = self.message(texts)[batch["slot_message"]]  # [R, S, W]; place -1 is the last row of texts
        slots = torch.where(is_movie.unsqueeze(-1), self.movies(movie.clamp(min=0)), messages)
        slots = slots + self.kind(batch["slot_speaker"] + 2 * is_movie)
        slots = slots + self.turn(batch["slot_turn"].clamp(max=MOST_TURNS - 1))
        slots = torch.cat([self.start.expand(len(slots), 1, -1), slots], dim=1)
        causal = nn.Transformer.generate_square_subsequent_mask(slots.shape[1], device=slots.device)
        states: Tensor = self.norm(self.layers(slots, mask=causal, is_causal=True))
        return states


class RepeatScores(nn.Module):
    """What speaks for a movie because it was named before, or against it: a state asks the slots in which it was (a
    pointer, as in Vinyals et al. 2015); of several the highest counts, and movies that nobody named gain nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.bias = nn.Parameter(torch.tensor(-2.0))  # at first a repeated movie is unlikely, as it is in dialogues

    def forward(self, asked: Tensor, slots: Tensor, named: Tensor, movies: int) -> Tensor:
        """[P, W], [P, S, W], named movies [P, S] padded with -1 -> [P, `movies`]. The states are taken as they are."""
        asked, slots = asked.detach(), slots.detach()
        gains = (self.key(slots) @ self.query(asked).unsqueeze(-1)).squeeze(-1) / asked.shape[1] ** 0.5 + self.bias
        table = gains.new_zeros(len(gains), movies + 1)
        highest: Tensor = table.scatter_reduce(1, _columns(named, movies), gains, "amax", include_self=False)
        return highest[:, :movies]


def _mean_opinions(of_readers: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([own[name] for own in of_readers]).mean(dim=0) for name in of_readers[0]}


def _named_before(batch: Batch) -> Tensor:
    """The movies in the slots before each input's end: [P, S], padded with -1."""
    named = batch["slot_movie"][batch["rows"]]
    before = torch.arange(named.shape[1], device=named.device) < batch["ends"].unsqueeze(1)
    return named.where(before, PADDING)


def _columns(named: Tensor, movies: int) -> Tensor:
    """The columns of named movies in a table of one column more than movies, which takes the padding."""
    return named.where(named != PADDING, movies)
