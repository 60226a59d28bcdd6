"""Paired tests of a run against the base, and their wording."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from recommender.errors import RecommenderError
from recommender.evaluation.comparison import Paired, paired
from recommender.evaluation.records import Record
from recommender.evaluation.resampling import holm

ALPHA = 0.05  # a difference with a larger p may be chance

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Difference:
    """The difference of a run and the base, or why it could not be tested."""

    paired: Paired | None
    reason: str = ""
    family: int = 1  # how many tests are shown together, this one among them
    corrected: float | None = None  # p corrected for their number; None for a test that stands alone

    @property
    def shown(self) -> bool:
        """Whether a difference is shown, by the corrected p where there is one."""
        if self.paired is None:
            return False
        return (self.paired.p if self.corrected is None else self.corrected) < ALPHA

    @property
    def brief(self) -> str:
        """For a cell of a table: `"+0.0123, p = 0.003, corrected p = 0.024"`, `"no significant difference"`."""
        if self.paired is None:
            return "not tested"
        if not self.shown:
            return "no significant difference"
        corrected = "" if self.corrected is None else f", corrected {_as_text(self.corrected)}"
        return f"{signed(self.paired.difference)}, {_as_text(self.paired.p)}{corrected}"

    def sentence(self, run_id: str, base: str, measure: str) -> str:
        """The result of the test in a sentence."""
        if self.paired is None:
            return f"{run_id} was not tested against {base}: {self.reason}"
        pair = self.paired
        interval = f"95 % interval {signed(pair.low)} to {signed(pair.high)}, {_as_text(pair.p)}"
        if self.corrected is not None:
            interval += f", corrected for {self.family} comparisons {_as_text(self.corrected)}"
        if not self.shown:
            change = f"{measure} {signed(pair.difference)}"
            return f"No significant difference between {run_id} and {base}: {change}, {interval}."
        word = "better" if pair.difference > 0 else "worse"
        return f"{run_id} is {word} than {base} by {abs(pair.difference):.4f} {measure}: {interval}."


def _as_text(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if abs(p - ALPHA) > 0.001 else f"p = {p:.5f}"


def signed(value: float) -> str:
    """
    >>> signed(0.0123), signed(-0.00001)
    ('+0.0123', '-0.0000')
    """
    return f"{value:+.4f}" if value else "0.0000"


def difference(base: Record, other: Record, measure: str) -> Difference:
    """The paired test of two runs over the same examples."""
    try:
        return Difference(paired(base, other, measure))
    except RecommenderError as error:
        return Difference(None, str(error))


def corrected(found: Mapping[Name, Difference]) -> dict[Name, Difference]:
    """The tests that are shown together, each with its p corrected for the number of those made (Holm)."""
    tested = {name: one.paired.p for name, one in found.items() if one.paired is not None}
    if len(tested) < 2:
        return dict(found)
    p_values = dict(zip(tested, holm(list(tested.values())), strict=True))
    return {
        name: replace(one, family=len(tested), corrected=p_values[name]) if name in tested else one
        for name, one in found.items()
    }
