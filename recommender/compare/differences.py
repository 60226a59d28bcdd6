"""Paired tests of a run against the base, and their wording."""

from dataclasses import dataclass

from recommender.errors import RecommenderError
from recommender.evaluation.comparison import Paired, paired
from recommender.evaluation.records import Record

ALPHA = 0.05  # a difference with a larger p may be chance


@dataclass(frozen=True)
class Difference:
    """The difference of a run and the base, or why it could not be tested."""

    paired: Paired | None
    reason: str = ""

    @property
    def shown(self) -> bool:
        return self.paired is not None and self.paired.p < ALPHA

    @property
    def brief(self) -> str:
        """For a cell of a table: `"+0.0123, p = 0.003"`, `"no significant difference"`."""
        if self.paired is None:
            return "not tested"
        return f"{signed(self.paired.difference)}, {self._p}" if self.shown else "no significant difference"

    def sentence(self, run_id: str, base: str, measure: str) -> str:
        """The result of the test in a sentence."""
        if self.paired is None:
            return f"{run_id} was not tested against {base}: {self.reason}"
        pair = self.paired
        interval = f"95 % interval {signed(pair.low)} to {signed(pair.high)}, {self._p}"
        if not self.shown:
            change = f"{measure} {signed(pair.difference)}"
            return f"No significant difference between {run_id} and {base}: {change}, {interval}."
        word = "better" if pair.difference > 0 else "worse"
        return f"{run_id} is {word} than {base} by {abs(pair.difference):.4f} {measure}: {interval}."

    @property
    def _p(self) -> str:
        assert self.paired is not None
        p = self.paired.p
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
