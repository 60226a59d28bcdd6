"""The history encoders against the equations, step by step on small numbers."""

import pytest
import torch
from torch import Tensor

from recommender.config.models import AttentionSettings, GruSettings
from recommender.models.history_encoder import AttentionHistory, GruHistory
from recommender.models.movie_embedding import MovieEmbedding

NO_TEXT = torch.zeros(1, 3)


@pytest.fixture
def movies() -> MovieEmbedding:
    torch.manual_seed(0)
    return MovieEmbedding(6, 4)


def by_hand(cell: torch.nn.GRU, suffix: str, steps: Tensor) -> Tensor:
    """A GRU's last state over [H, E], after Cho et al. 2014 as PyTorch writes it."""
    w_in, w_state = getattr(cell, f"weight_ih_l0{suffix}"), getattr(cell, f"weight_hh_l0{suffix}")
    b_in, b_state = getattr(cell, f"bias_ih_l0{suffix}"), getattr(cell, f"bias_hh_l0{suffix}")
    state = torch.zeros(cell.hidden_size)
    for step in steps:
        reset_in, update_in, new_in = (w_in @ step + b_in).chunk(3)
        reset_state, update_state, new_state = (w_state @ state + b_state).chunk(3)
        reset, update = torch.sigmoid(reset_in + reset_state), torch.sigmoid(update_in + update_state)
        state = (1 - update) * torch.tanh(new_in + reset * new_state) + update * state
    return state


@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_gru_s_last_states_are_those_of_the_equations(bidirectional: bool, movies: MovieEmbedding) -> None:
    history = GruHistory(GruSettings(hidden=3, bidirectional=bidirectional), movies)
    steps = movies(torch.tensor([4, 1, 5]))
    expected = by_hand(history.gru, "", steps)
    if bidirectional:
        expected = torch.cat([expected, by_hand(history.gru, "_reverse", steps.flip(0))])
    assert history.width == len(expected)
    padded = torch.tensor([[4, 1, 5, -1, -1], [2, -1, -1, -1, -1]])
    torch.testing.assert_close(history(padded, NO_TEXT)[0], expected)


@pytest.mark.parametrize("kind", ["gru", "attention"])
def test_an_empty_history_is_the_learned_vector(kind: str, movies: MovieEmbedding) -> None:
    gru, attention = GruSettings(hidden=3), AttentionSettings(hidden=3)
    history = GruHistory(gru, movies) if kind == "gru" else AttentionHistory(attention, movies, text_width=3)
    torch.nn.init.normal_(history.empty)
    states = history(torch.tensor([[-1, -1], [2, -1]]), torch.randn(2, 3))
    assert torch.equal(states[0], history.empty)
    assert not torch.allclose(states[1], history.empty)
    states[0].sum().backward()
    assert history.empty.grad is not None
    assert history.empty.grad.tolist() == [1.0] * history.width
    assert not movies.learned.weight.grad.isnan().any()


def test_attention_is_the_weighted_mean_of_the_equations(movies: MovieEmbedding) -> None:
    history = AttentionHistory(AttentionSettings(hidden=3), movies, text_width=2)
    torch.nn.init.normal_(history.age.weight)
    text, vectors = torch.tensor([[0.3, -1.2]]), movies(torch.tensor([4, 1, 5]))
    question = history.query(text)[0]
    ages = history.age.weight[[2, 1, 0], 0]  # the latest movie was named 0 steps ago
    weights = torch.softmax(history.key(vectors) @ question / 3**0.5 + ages, dim=0)
    expected = sum(weight * value for weight, value in zip(weights, history.value(vectors), strict=True))
    found = history(torch.tensor([[4, 1, 5, -1]]), text)[0]
    torch.testing.assert_close(found, expected)


def test_one_movie_gets_all_the_attention(movies: MovieEmbedding) -> None:
    history = AttentionHistory(AttentionSettings(hidden=3), movies, text_width=2)
    found = history(torch.tensor([[4, -1, -1]]), torch.randn(1, 2))[0]
    torch.testing.assert_close(found, history.value(movies(torch.tensor(4))))


def test_a_history_longer_than_the_known_ages_is_read(movies: MovieEmbedding) -> None:
    history = AttentionHistory(AttentionSettings(hidden=3), movies, text_width=2)
    long = torch.arange(6).repeat(20).unsqueeze(0)
    assert history(long, torch.randn(1, 2)).isfinite().all()


def test_a_movie_s_vector_is_learned_plus_the_projection_of_its_text() -> None:
    text = torch.tensor([[1.0, 0.0], [0.5, -2.0]])
    movies = MovieEmbedding(2, 3, text)
    expected = movies.learned.weight + text @ movies.project.weight.T
    torch.testing.assert_close(movies.table(), expected)
    torch.testing.assert_close(movies(torch.tensor([[1]])), expected[1].reshape(1, 1, 3))
    query = torch.randn(4, 3)
    torch.testing.assert_close(movies.scores(query), query @ expected.T)
