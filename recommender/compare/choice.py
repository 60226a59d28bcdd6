"""Which runs to begin with, and in which group their reports meet."""

from collections import Counter
from collections.abc import Sequence

from recommender.compare.entries import Entry, Group
from recommender.runs.folder import DEFAULT_RUN
from recommender.wording import SAMPLE

SPLITS = ("test", "validation", "train")  # the held-out dialogues first
SOURCE_NAMES = {"redial": "ReDial", "movielens": "MovieLens", "sample": SAMPLE}
SPLIT_NAMES = {"test": "test split", "validation": "validation split", "train": "training split"}
TARGET_NAMES = {"all": "all answers", "new": "new answers only"}


def default_choice(entries: Sequence[Entry]) -> list[str]:
    """An original run and its weighted twin if there are such; else the shipped run; else the first two.

    Of several pairs the one that shares a report comes first, then by name.
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
    """A run, behind the one that it is best set against: one measured alike, of the same model if there is such."""
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
    """The groups in which any of the runs was measured: the one of most runs first, then what most were trained for,
    then the test split, then what the first run has."""
    counts = Counter(group for entry in entries for group in entry.reports)
    meant = Counter(group for entry in entries for group in entry.reports if group.protocol == entry.config.protocol)

    def rank(group: Group) -> tuple[object, ...]:
        return -counts[group], -meant[group], _split_rank(group), group not in entries[0].reports, group

    return sorted(counts, key=rank)


def _split_rank(group: Group) -> int:
    return SPLITS.index(group.split) if group.split in SPLITS else len(SPLITS)


def describe_group(group: Group) -> str:
    """`"notebook · test split · all answers · ReDial"`."""
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
    """What makes the report that a run lacks in this group."""
    return (
        f"python -m recommender evaluate --run {run_id} --protocol {group.protocol} "
        f"--split {group.split} --targets {group.targets}"
    )
