"""A movie's vector: learned, or learned plus a projection of the vector of its text."""

import torch
from torch import Tensor, nn

from recommender.data.indices import rows_of


class MovieEmbedding(nn.Module):
    """`indices [...] -> vectors [..., width]`. With `text` [V, D] a movie that training never saw still has a place.

    That the place is of use has to be learned: while training, `sample_dropout` picks a share `dropout` of the movies,
    which are known by their text alone until it is called again (DropoutNet, Volkovs et al. 2017).
    """

    text: Tensor | None

    def __init__(self, movies: int, width: int, text: Tensor | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        self.width, self.dropout = width, dropout
        self.known: Tensor | None = None  # [V], what of the movies is learned; None for everything
        self.learned = nn.Embedding(movies, width)
        self.register_buffer("text", None if text is None else text.float())
        self.project = None if text is None else nn.Linear(text.shape[1], width, bias=False)
        if text is not None:
            nn.init.normal_(self.learned.weight, std=0.02)  # at first the text speaks, later the dialogues

    def sample_dropout(self) -> None:
        """Item dropout for the next training step; outside training every movie is known."""
        movies = self.learned.weight
        drops = self.training and self.dropout > 0
        self.known = (torch.rand(len(movies), device=movies.device) >= self.dropout).float() if drops else None

    def forward(self, indices: Tensor) -> Tensor:
        learned: Tensor = self.learned(indices)
        if self.known is not None:
            learned = learned * self.known[indices].unsqueeze(-1)
        if self.project is None or self.text is None:
            return learned
        from_text: Tensor = self.project(self.text[indices])
        return learned + from_text

    def scores(self, queries: Tensor, candidates: Tensor | None = None) -> Tensor:
        """Dot products of queries [B, width] with all movies' vectors [B, V], or with the `candidates`' [B, C].

        The projection goes to the queries, not to the V movies: q (l + W t) = q l + (q W) t, a fraction of the work.
        """
        weight = rows_of(self.learned.weight, candidates)
        if self.known is not None:
            weight = weight * rows_of(self.known, candidates).unsqueeze(1)
        learned = queries @ weight.T
        return learned if self.text is None else learned + self.scores_by_text(queries, candidates)

    def scores_by_text(self, queries: Tensor, candidates: Tensor | None = None) -> Tensor:
        """The part of the scores that the movies' texts give [B, V], or [B, C]."""
        if self.project is None or self.text is None:
            raise ValueError("this table places no movie by its text")
        return (queries @ self.project.weight) @ rows_of(self.text, candidates).T

    def add(self, texts: Tensor) -> None:
        """Movies at the end that nothing was learned of: their place is that of their texts' vectors [N, D] alone."""
        if self.text is None:
            raise ValueError("this table places no movie by its text")
        learned = self.learned.weight
        grown = torch.cat([learned.detach(), learned.new_zeros(len(texts), self.width)])
        self.learned = nn.Embedding(len(grown), self.width, _weight=grown)
        self.text = torch.cat([self.text, texts.to(self.text)])

    def table(self) -> Tensor:
        """All movies' vectors [V, width]."""
        vectors: Tensor = self(torch.arange(self.learned.num_embeddings, device=self.learned.weight.device))
        return vectors
