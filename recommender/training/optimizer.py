"""What the named parts of a model are trained with: groups of learning rates, and gradients cut part by part."""

from collections.abc import Iterable

from torch import nn

from recommender.config import TrainingConfig
from recommender.errors import RecommenderError, UnknownNameError

ENCODER = "text"


def check_modules(model: nn.Module, config: TrainingConfig) -> None:
    """Raises `UnknownNameError` for a name in `config.modules` that is no part of the model, and `RecommenderError` for
    a part of which nothing is trained."""
    names = [name for name, _ in model.named_parameters()]
    for module in config.modules:
        if not any(_within(name, module) for name in names):
            raise UnknownNameError("part of the model in training.modules", module, _parts(names))
        if not any(p.requires_grad for name, p in model.named_parameters() if _within(name, module)):
            raise RecommenderError(
                f"training.modules.{module}: nothing of this part of the model is trained, so neither a learning rate "
                "nor a clip has an effect. Leave it out, or train it (for the encoder: model.text.train)."
            )


def parameter_groups(model: nn.Module, config: TrainingConfig) -> dict[str, tuple[list[nn.Parameter], float]]:
    """What is trained, in groups by name, each with its learning rate; an empty group is left out.

    A parameter belongs to the longest name in `config.modules` that it lies within and that has a learning rate, else
    to `text` (the encoder) or `rest`. A table that two parts share lies in the one that the model lists first.
    """
    rates = {ENCODER: config.encoder_lr, "rest": config.head_lr}
    rates |= {name: module.lr for name, module in config.modules.items() if module.lr is not None}
    groups: dict[str, list[nn.Parameter]] = {name: [] for name in rates}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            owners = [owner for owner in rates if _within(name, owner)]
            groups[max(owners, key=len, default="rest")].append(parameter)
    return {name: (parameters, rates[name]) for name, parameters in groups.items() if parameters}


def clip_modules(model: nn.Module, config: TrainingConfig) -> None:
    """Each part of the model that has a `clip` of its own: its gradient, cut to that norm where it is longer."""
    for module, settings in config.modules.items():
        if settings.clip is not None:
            inside = [p for name, p in model.named_parameters() if _within(name, module)]
            nn.utils.clip_grad_norm_(inside, settings.clip)


def in_encoder(parameter: str) -> bool:
    return _within(parameter, ENCODER)


def _within(parameter: str, module: str) -> bool:
    return parameter == module or parameter.startswith(f"{module}.")


def _parts(parameters: Iterable[str]) -> set[str]:
    """The names that a user may mean: the first two steps of every parameter's."""
    steps = [name.split(".") for name in parameters]
    return {step[0] for step in steps} | {".".join(step[:2]) for step in steps if len(step) > 2}
