"""Parameter groups with learning rates and weight decay, and gradient clipping for parts of a model by name."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from torch import nn

from recommender.config import TrainingConfig
from recommender.errors import RecommenderError, UnknownNameError

ENCODER = "text"


@dataclass(frozen=True)
class Group:
    """Parameters that share a learning rate and a weight decay; `name` is the part's, also of the learning rate."""

    name: str
    lr: float
    weight_decay: float
    parameters: dict[str, nn.Parameter] = field(default_factory=dict)  # by name


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


def parameter_groups(model: nn.Module, config: TrainingConfig, decayed: Collection[str]) -> list[Group]:
    """The trained parameters, in at most two groups a part: those that weight decay applies to (`decayed`, by name),
    and the others. An empty group is left out.

    A parameter belongs to the longest name in `config.modules` that it lies within and that has a learning rate, else
    to `text` (the encoder) or `rest`. A table that two parts share lies in the one that the model lists first.
    """
    rates = {ENCODER: config.encoder_lr, "rest": config.head_lr}
    rates |= {name: module.lr for name, module in config.modules.items() if module.lr is not None}
    groups = {
        (part, decays): Group(part, rate, config.weight_decay if decays else 0.0)
        for part, rate in rates.items()
        for decays in (True, False)
    }
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            owners = [owner for owner in rates if _within(name, owner)]
            groups[max(owners, key=len, default="rest"), name in decayed].parameters[name] = parameter
    return [group for group in groups.values() if group.parameters]


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
