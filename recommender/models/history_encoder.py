"""Mentioned movies -> one vector: a GRU (Nguyen 2024) or attention asked by the text. Padding changes nothing."""

import torch
from torch import Tensor, nn

from recommender.config.models import AttentionSettings, GruSettings
from recommender.data.collate import PADDING
from recommender.models.movie_embedding import MovieEmbedding


class GruHistory(nn.Module):
    """Last states of a GRU over the movies in order of mention."""

    def __init__(self, config: GruSettings, movies: MovieEmbedding) -> None:
        super().__init__()
        self.movies = movies
        self.gru = nn.GRU(movies.width, config.hidden, batch_first=True, bidirectional=config.bidirectional)
        self.width = config.hidden * (2 if config.bidirectional else 1)
        self.empty = nn.Parameter(torch.zeros(self.width))

    def forward(self, mentioned: Tensor, text: Tensor) -> Tensor:
        """[B, H] padded indices, [B, D] -> [B, width]; an empty history is a learned vector."""
        real = mentioned != PADDING
        lengths = real.sum(1)
        vectors = self.movies(mentioned.clamp(min=0))  # [B, H, E]
        packed = nn.utils.rnn.pack_padded_sequence(
            vectors, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
        )
        _, last = self.gru(packed)  # [directions, B, hidden]
        states = last.transpose(0, 1).reshape(len(mentioned), self.width)
        return torch.where((lengths > 0).unsqueeze(1), states, self.empty.to(states.dtype))


class AttentionHistory(nn.Module):
    """Attention over the mentioned movies, asked by the text; how long ago each was named adds a learned score."""

    MAX_AGE = 64

    def __init__(self, config: AttentionSettings, movies: MovieEmbedding, text_width: int) -> None:
        super().__init__()
        self.movies = movies
        self.query = nn.Linear(text_width, config.hidden)
        self.key = nn.Linear(movies.width, config.hidden)
        self.value = nn.Linear(movies.width, config.hidden)
        self.age = nn.Embedding(self.MAX_AGE, 1)
        nn.init.zeros_(self.age.weight)
        self.width = config.hidden
        self.empty = nn.Parameter(torch.zeros(self.width))

    def forward(self, mentioned: Tensor, text: Tensor) -> Tensor:
        """[B, H] padded indices, [B, D] -> [B, width]; an empty history is a learned vector."""
        real = mentioned != PADDING
        vectors = self.movies(mentioned.clamp(min=0))  # [B, H, E]
        scores = (self.key(vectors) @ self.query(text).unsqueeze(-1)).squeeze(-1) / self.width**0.5  # [B, H]
        steps_ago = real.flip(1).cumsum(1).flip(1).sub(1).clamp(min=0, max=self.MAX_AGE - 1)  # [B, H], 0 is the latest
        scores = scores + self.age(steps_ago).squeeze(-1)
        # Large and finite, so that a row without movies gives even weights instead of NaN; it is replaced below.
        weights = scores.float().masked_fill(~real, -1e9).softmax(1).to(vectors.dtype)  # [B, H]
        state = (weights.unsqueeze(1) @ self.value(vectors)).squeeze(1)  # [B, width]
        return torch.where(real.any(1, keepdim=True), state, self.empty.to(state.dtype))
