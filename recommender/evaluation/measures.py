"""Every measure of a ranking: what it is called, which way is better, and what it means for whoever gets the list.

A measure at a cut-off is named `ndcg@10`, `coverage@5`: only the first so many ranks count.
"""

from dataclasses import dataclass
from typing import Literal

Better = Literal["higher", "lower", "neither"]
ARROWS: dict[Better, str] = {"higher": " ↑", "lower": " ↓", "neither": ""}
DIRECTIONS: dict[Better, str] = {
    "higher": "Higher is better",
    "lower": "Lower is better",
    "neither": "Neither is better in itself",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """`form` is how its values are written; `what` it counts and `reading` what a high or a low value means, each a
    sentence."""

    title: str
    better: Better
    form: str
    what: str
    reading: str

    def heading(self, cutoff: int) -> str:
        """For a column of a table: `"nDCG@5 ↑"`."""
        return f"{self.title}@{cutoff}{ARROWS[self.better]}"

    @property
    def explained(self) -> str:
        return f"{self.what} {DIRECTIONS[self.better]}: {self.reading}"


ACCURACY = {
    "ndcg": Measure(
        "nDCG",
        "higher",
        ".4f",
        "How many targets are in the list, and how high.",
        "1 means that all targets come first.",
    ),
    "recall": Measure("Recall", "higher", ".4f", "Share of the targets that are in the list.", "1 means all of them."),
    "hit": Measure("Hit", "higher", ".4f", "Share of the lists that contain a target.", "1 means every list."),
    "mrr": Measure(
        "MRR",
        "higher",
        ".4f",
        "One divided by the rank of the first target, on average.",
        "0.5 is like finding it at rank two.",
    ),
}
BEYOND = {
    "coverage": Measure(
        "Coverage",
        "higher",
        ".1%",
        "Share of all movies that are recommended to anybody.",
        "a low share means that most movies can never be found.",
    ),
    "gini": Measure(
        "Concentration",
        "lower",
        ".3f",
        "How unevenly movies are recommended.",
        "0 means all movies equally often, near 1 means that everybody gets the same few (Gini index).",
    ),
    "popularity": Measure(
        "Mean popularity",
        "neither",
        ".0f",
        "How often a recommended movie is named or watched in the training data, on average.",
        "a high number means well-known movies; ideal is close to the targets' popularity.",
    ),
    "novelty": Measure(
        "Novelty",
        "neither",
        ".1f",
        "How little known the movies are, in bits: one more means half as well known.",
        "low means movies that the user knows, high means movies nobody has heard of.",
    ),
    "diversity": Measure(
        "Diversity",
        "neither",
        ".2f",
        "How much the genres within one list differ, 0 to 1.",
        "low means more of the same, high means something else each time.",
    ),
    "calibration": Measure(
        "Miscalibration",
        "lower",
        ".2f",
        "How far the list's genres are from those of the movies that the wish names.",
        "0 means the same genres in the same shares, 4.6 means entirely different ones (KL divergence).",
    ),
}
CALIBRATED = "calibrated"  # `calibrated@10`: how many examples the calibration rests on, beside the measures


def at(name: str, cutoff: int) -> str:
    """
    >>> at("ndcg", 10)
    'ndcg@10'
    """
    return f"{name}@{cutoff}"


def measure_of(name: str) -> Measure:
    """The measure behind a name such as `"coverage"` or `"coverage@5"`."""
    return (ACCURACY | BEYOND)[name.partition("@")[0]]
