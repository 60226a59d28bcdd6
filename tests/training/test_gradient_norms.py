"""Gradient norms of two losses at weights that both, one or none of them touch, by hand."""

import pytest
import torch
from torch import nn

from recommender.training.gradient_norms import gradient_norms


class Two(nn.Module):
    """`text` is shared, each head belongs to one loss, `frozen` and `idle` to none."""

    def __init__(self, trained: bool = True) -> None:
        super().__init__()
        self.text = nn.ParameterDict({"w": nn.Parameter(torch.tensor([1.0, 1.0]), requires_grad=trained)})
        self.shared = nn.Parameter(torch.tensor(1.0))
        self.head = nn.Parameter(torch.tensor(5.0))
        self.idle = nn.Parameter(torch.tensor(1.0))

    def losses(self) -> dict[str, torch.Tensor]:
        return {
            "movie": 3 * self.text["w"][0] + 4 * self.text["w"][1] + 12 * self.shared + 100 * self.head,
            "tag": 2 * self.text["w"].sum() + 1 * self.shared,
        }


def test_norms_at_the_encoder_and_at_what_both_share() -> None:
    model = Two()
    losses = model.losses()
    norms = gradient_norms(losses, model)
    assert norms.at_encoder == pytest.approx({"movie": 5, "tag": 8**0.5})
    assert norms.shared == {"tag": pytest.approx((13, 3))}
    losses["movie"].backward()  # the graph is still there, and no gradient was left behind
    assert model.head.grad == 100


def test_a_frozen_encoder_has_none() -> None:
    model = Two(trained=False)
    norms = gradient_norms(model.losses(), model)
    assert norms.at_encoder == {}
    assert norms.shared == {"tag": (12, 1)}
