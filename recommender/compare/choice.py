"""The default selection of runs, and the groups of reports that can be compared."""

from collections import Counter
from collections.abc import Sequence

from recommender.compare.entries import Entry, Group
from recommender.runs.folder import DEFAULT_RUN
from recommender.wording import SAMPLE

SPLITS = ("test", "validation", "train")  # the held-out dialogues first
SOURCE_NAMES = {"redial": "ReDial", "movielens": "MovieLens", "sample": SAMPLE}
SPLIT_NAMES = {"test": "test split", "validation": "validation split", "train": "training split"}
TARGET_NAMES = {"all": "all targets", "new": "new targets only"}


def default_choice(entries: Sequence[Entry]) -> list[str]:
    """An original run and the weighted run of the same model if there are such; else `default`; else the first two.

    Of several pairs, one with a common report comes first, then by name.
    """
    pairs = [
        (original, weighted)
        for original in entries
        for weighted in entries
        if (original.trainer, weighted.trainer) == ("original", "weighted")
        and original.architecture == weighted.architecture
        and original.config.protocol == weighted.config.protocol
    ]
    if pairs:
        best = min(pairs, key=lambda pair: (not _common(*pair), _epochs_apart(*pair), pair[0].run_id, pair[1].run_id))
        return [entry.run_id for entry in best]
    names = [entry.run_id for entry in entries]
    return [DEFAULT_RUN] if DEFAULT_RUN in names else names[:2]


def in_company(run_id: str, entries: Sequence[Entry]) -> list[str]:
    """A run and the best one to compare it with, which comes first: measured alike, the same model if possible."""
    known = {entry.run_id: entry for entry in entries}
    own = known[run_id]
    others = [entry for entry in entries if entry is not own and _common(own, entry)]
    if not others:
        return [run_id]
    return [min(others, key=lambda entry: (entry.architecture != own.architecture, entry.run_id)).run_id, run_id]


def _common(first: Entry, second: Entry) -> set[Group]:
    return set(first.reports) & set(second.reports)


def _epochs_apart(first: Entry, second: Entry) -> int:
    return abs(first.config.training.epochs - second.config.training.epochs)


def groups_of(entries: Sequence[Entry]) -> list[Group]:
    """The groups in which any of the runs was measured: by number of runs, then of runs trained for it, then the test
    split, then groups of the first run."""
    counts = Counter(group for entry in entries for group in entry.reports)
    meant = Counter(group for entry in entries for group in entry.reports if group.protocol == entry.config.protocol)

    def rank(group: Group) -> tuple[object, ...]:
        return -counts[group], -meant[group], _split_rank(group), group not in entries[0].reports, group

    return sorted(counts, key=rank)


def _split_rank(group: Group) -> int:
    return SPLITS.index(group.split) if group.split in SPLITS else len(SPLITS)


def describe_group(group: Group) -> str:
    """`"notebook · test split · all targets · ReDial"`."""
    return " · ".join(
        (
            group.protocol,
            SPLIT_NAMES.get(group.split, group.split),
            TARGET_NAMES.get(group.targets, group.targets),
            SOURCE_NAMES.get(group.source, group.source),
            *([f"data set {group.data[:8]}"] if group.data else []),
        )
    )


def evaluate_command(run_id: str, group: Group) -> str:
    """The command that measures a run in this group."""
    return (
        f"python -m recommender evaluate --run {run_id} --protocol {group.protocol} "
        f"--split {group.split} --targets {group.targets}"
    )
