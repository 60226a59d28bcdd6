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
        self.register_buffer("text", None if text is None else text.half())
        self.project = None if text is None else nn.Linear(text.shape[1], width, bias=False)
        if text is not None:
            nn.init.normal_(self.learned.weight, std=0.02)  # at first the text speaks, later the dialogues

    def forward(self, indices: Tensor) -> Tensor:
        learned: Tensor = self.learned(indices)
        if self.project is None or self.text is None:
            return learned
        from_text: Tensor = self.project(self.text[indices].to(self.project.weight.dtype))
        return learned + from_text

    def table(self) -> Tensor:
        """All movies' vectors [V, width]."""
        vectors: Tensor = self(torch.arange(self.learned.num_embeddings, device=self.learned.weight.device))
        return vectors
