"""The selection to compare: runs, base, group of reports, measure and cut-off."""

from dataclasses import dataclass
from functools import cached_property

from recommender.charts.comparison import Mark
from recommender.charts.style import DASHES
from recommender.compare.entries import Entry, Group, Report
from recommender.compare.lists import USUAL
from recommender.config.losses import LOSSES

TRAINERS = (*(loss.trainer for loss in LOSSES.values()), "none")  # in the order of the dashes


@dataclass(frozen=True)
class View:
    entries: tuple[Entry, ...]  # in the order of the choice
    group: Group | None  # None: none of the runs was measured
    base: str
    measure: str = "ndcg@10"
    cutoff: int = USUAL  # for what their lists are like besides being right

    @property
    def protocol(self) -> str:
        """The group's; without one, that under which the base was trained."""
        return self.group.protocol if self.group else self.entry(self.base).config.protocol

    def entry(self, run_id: str) -> Entry:
        return next(entry for entry in self.entries if entry.run_id == run_id)

    @property
    def measured(self) -> list[Entry]:
        """The runs with a report in the group."""
        return [entry for entry in self.entries if self.group in entry.reports]

    @property
    def unmeasured(self) -> list[Entry]:
        return [entry for entry in self.entries if self.group not in entry.reports]

    @property
    def trained_alike(self) -> list[Entry]:
        """The runs whose validation values mean the same: of the group's protocol and data, and of dialogues held out
        from training (an epoch picked on the test split has a curve of that)."""
        return [entry for entry in self.entries if self._is_alike(entry)]

    @property
    def trained_otherwise(self) -> list[Entry]:
        return [entry for entry in self.entries if not self._is_alike(entry)]

    def _is_alike(self, entry: Entry) -> bool:
        base, where = self.entry(self.base).validated_on, entry.validated_on
        source = self.group.source if self.group else base.source
        asked = (self.protocol, source, "validation", base.data)
        return (where.protocol, where.source, where.split, where.data) == asked

    def report(self, entry: Entry) -> Report:
        assert self.group is not None
        return entry.reports[self.group]

    @property
    def reference(self) -> Report | None:
        """The report whose baselines stand for all: the base's, or the first there is."""
        reports = [self.report(entry) for entry in self.measured]
        return next(
            (self.report(entry) for entry in self.measured if entry.run_id == self.base), next(iter(reports), None)
        )

    @cached_property
    def marks(self) -> dict[str, Mark]:
        """How each run is drawn, in every chart alike: colour by architecture, dash by trainer. Of runs that agree in
        both the later ones get a dash that no trainer of that colour has."""
        architectures = list(dict.fromkeys(entry.architecture for entry in self.entries))
        marks: dict[str, Mark] = {}
        taken: set[tuple[int, int]] = set()
        for entry in self.entries:
            colour, own = architectures.index(entry.architecture), TRAINERS.index(entry.trainer)
            spare = (dash for dash in reversed(range(len(DASHES))) if (colour, dash) not in taken)
            dash = own if (colour, own) not in taken else next(spare, own)
            taken.add((colour, dash))
            marks[entry.run_id] = Mark(entry.run_id, colour, dash)
        return marks
