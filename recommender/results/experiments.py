"""Every experiment whose figures are shown: what is trained, and on which question it is measured."""

from dataclasses import dataclass
from itertools import product

from recommender.config import Protocol, TargetKind
from recommender.errors import UnknownNameError

TRAINERS = ("original", "weighted", "focal", "softmax")
ARCHITECTURES = ("baseline", "rnn", "tags", "rnn-tags")
STUDIED: tuple[Protocol, ...] = ("notebook", "paper")
FROZEN = "model.text.train=none"


@dataclass(frozen=True)
class Experiment:
    """`preset` with `overrides`, measured on ReDial's test split. `first` is the preset, with its overrides, of the run
    that it starts from."""

    name: str
    preset: str
    protocol: Protocol
    targets: tuple[TargetKind, ...] = ("all",)
    overrides: tuple[str, ...] = ()
    first: tuple[str, ...] = ()


def _study(protocol: Protocol, trainer: str, architecture: str) -> Experiment:
    """Frozen encoder, 20 epochs. Focal and softmax take the place of the original trainer's loss."""
    base = trainer if trainer in ("original", "weighted") else "original"
    loss = () if base == trainer else (f"loss.kind={trainer}",)
    overrides = (f"protocol={protocol}", FROZEN, *loss)
    return Experiment(f"{protocol}-{trainer}-{architecture}", f"{base}-{architecture}", protocol, ("all",), overrides)


NEARLY_ALL = ("data.validation=0.01", "data.hold_out=random")  # of the training dialogues are learned from

STUDY = tuple(
    _study(protocol, trainer, architecture)
    for protocol, trainer, architecture in product(STUDIED, TRAINERS, ARCHITECTURES)
)
FINAL = (
    Experiment("default", "default", "conversational", ("new", "all"), first=("frozen", *NEARLY_ALL)),
    Experiment("dialogue-paper", "dialogue-paper", "paper"),
    Experiment("dialogue-paper-words", "dialogue-paper-words", "paper"),
    Experiment("dialogue-one-shot", "dialogue-one-shot", "one_shot", ("new",)),
)
EXPERIMENTS = {experiment.name: experiment for experiment in (*STUDY, *FINAL)}


def find_experiment(name: str) -> Experiment:
    """Raises `UnknownNameError` with the nearest names."""
    if name not in EXPERIMENTS:
        raise UnknownNameError("experiment", name, list(EXPERIMENTS))
    return EXPERIMENTS[name]
