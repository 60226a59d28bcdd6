"""Parts of the model by name: learning rates, weight decay, gradient clipping, and names that do not exist."""

import math

import pytest
import torch
from torch import nn

from recommender.config import TrainingConfig
from recommender.errors import RecommenderError, UnknownNameError
from recommender.training.optimizer import check_modules, clip_modules, parameter_groups


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.text = nn.ModuleDict({"first": nn.Linear(2, 2), "last": nn.Linear(2, 2)})
        self.readers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
        self.head = nn.Linear(2, 2)


def groups(model: nn.Module, **settings: object) -> dict[str, tuple[set[str], float]]:
    """Where every parameter is decayed: part -> the layers in it, and its learning rate."""
    config = TrainingConfig.model_validate({"encoder_lr": 1e-5, "head_lr": 1e-3, **settings})
    found = parameter_groups(model, config, [name for name, _ in model.named_parameters()])
    return {group.name: ({name.rpartition(".")[0] for name in group.parameters}, group.lr) for group in found}


def test_without_names_there_are_the_encoder_and_the_rest() -> None:
    assert groups(Small()) == {
        "text": ({"text.first", "text.last"}, 1e-5),
        "rest": ({"readers.0", "readers.1", "head"}, 1e-3),
    }


def test_the_longest_name_that_a_part_lies_within_has_it() -> None:
    modules = {"text.last": {"lr": 2e-5}, "readers": {"lr": 0.1}, "readers.1": {"lr": 0.2}, "head": {"clip": 1.0}}
    assert groups(Small(), modules=modules) == {
        "text": ({"text.first"}, 1e-5),
        "rest": ({"head"}, 1e-3),  # a clip alone changes no learning rate
        "text.last": ({"text.last"}, 2e-5),
        "readers": ({"readers.0"}, 0.1),
        "readers.1": ({"readers.1"}, 0.2),
    }


def test_each_part_is_divided_by_weight_decay() -> None:
    model = Small()
    model.text.requires_grad_(False)
    config = TrainingConfig.model_validate({"weight_decay": 0.2, "head_lr": 1e-3, "modules": {"head": {"lr": 0.5}}})
    found = parameter_groups(model, config, ["readers.0.weight", "readers.1.weight", "head.weight", "head.bias"])
    assert [(group.name, group.lr, group.weight_decay, list(group.parameters)) for group in found] == [
        ("rest", 1e-3, 0.2, ["readers.0.weight", "readers.1.weight"]),
        ("rest", 1e-3, 0.0, ["readers.0.bias", "readers.1.bias"]),
        ("head", 0.5, 0.2, ["head.weight", "head.bias"]),
    ]


def test_each_named_gradient_is_cut_to_its_own_norm() -> None:
    model = Small()
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)  # a layer of six numbers: norm sqrt(6)
    clip_modules(model, TrainingConfig.model_validate({"modules": {"readers": {"clip": 0.5}, "head": {"clip": 9.0}}}))

    def norm(part: nn.Module) -> float:
        return math.sqrt(sum(float((p.grad**2).sum()) for p in part.parameters()))

    assert norm(model.readers) == pytest.approx(0.5, rel=1e-4)
    assert norm(model.head) == pytest.approx(math.sqrt(6))
    assert norm(model.text) == pytest.approx(math.sqrt(12))


def test_a_name_that_is_no_part_is_told_the_parts() -> None:
    with pytest.raises(UnknownNameError, match=r"'reader'.*readers"):
        check_modules(Small(), TrainingConfig.model_validate({"modules": {"reader": {"lr": 1e-3}}}))


def test_a_frozen_part_cannot_have_settings() -> None:
    model = Small()
    model.text.requires_grad_(False)
    with pytest.raises(RecommenderError, match=r"training\.modules\.text: nothing of this part"):
        check_modules(model, TrainingConfig.model_validate({"modules": {"text": {"lr": 1e-3}}}))
