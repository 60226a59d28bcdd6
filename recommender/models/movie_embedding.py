"""A movie's vector: learned, or learned plus a projection of the vector of its text."""

import torch
from torch import Tensor, nn


class MovieEmbedding(nn.Module):
    """`indices [...] -> vectors [..., width]`. With `text` [V, D] a movie that training never saw still has a place."""

    text: Tensor | None

    def __init__(self, movies: int, width: int, text: Tensor | None = None) -> None:
        super().__init__()
        self.width = width
        self.learned = nn.Embedding(movies, width)
        self.register_buffer("text", None if text is None else text.float())
        self.project = None if text is None else nn.Linear(text.shape[1], width, bias=False)
        if text is not None:
            nn.init.normal_(self.learned.weight, std=0.02)  # at first the text speaks, later the dialogues

    def forward(self, indices: Tensor) -> Tensor:
        learned: Tensor = self.learned(indices)
        if self.project is None or self.text is None:
            return learned
        from_text: Tensor = self.project(self.text[indices])
        return learned + from_text

    def scores(self, queries: Tensor) -> Tensor:
        """Dot products of queries [B, width] with all movies' vectors -> [B, V].

        The projection goes to the queries, not to the V movies: q (l + W t) = q l + (q W) t, a fraction of the work.
        """
        learned = queries @ self.learned.weight.T
        if self.project is None or self.text is None:
            return learned
        return learned + (queries @ self.project.weight) @ self.text.T

    def table(self) -> Tensor:
        """All movies' vectors [V, width]."""
        vectors: Tensor = self(torch.arange(self.learned.num_embeddings, device=self.learned.weight.device))
        return vectors
