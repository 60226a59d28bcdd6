"""Published figures of others, with what they were measured on. None was measured here."""

from dataclasses import dataclass
from typing import Literal

from recommender.config import Protocol


@dataclass(frozen=True)
class Published:
    """One published row. `values` are means by the names that reports use (`ndcg@10`, `recall@1`)."""

    name: str
    protocol: Protocol
    targets: Literal["all", "new"]
    values: dict[str, float]
    note: str  # whose figure it is, and what to mind when it stands beside ours


PAPER_NOTE = (
    "Nguyen 2024, BERT-base, best of 200 epochs, scored on a fifth of the training dialogues. A fifth of the targets "
    "is in the input: on the test split copying the mentioned movies scores 0.184 (oldest first) or 0.221 (latest "
    "first), above all four."
)
REPRODUCTION_NOTE = (
    "First reproduction (2025), MiniLM, {trainer}. Popularity alone scores 0.0440 under this protocol, and copying the "
    "mentioned movies 0.218 (oldest first) or 0.233 (latest first)."
)
ORIGINAL_NOTE = REPRODUCTION_NOTE.format(trainer="original trainer, 20 epochs")
WEIGHTED_NOTE = REPRODUCTION_NOTE.format(trainer="weighted trainer, up to 50 epochs")
BENCHMARK_NOTE = (
    "Kostric & Balog, SIGIR 2026, all systems under one protocol on the ReDial test split. Their tables score {theirs} "
    "of the test turns, ours {ours}: compare with care."
)
GPT4_NOTE = (
    "He et al. 2023, zero-shot, its titles matched to the catalogue; ReDial test split. Not under the protocol of the "
    "other rows: compare with care."
)
TURNS = {"all": ("3,617", "all 4,198"), "new": ("3,372", "the 3,838 that have a new target")}


def _ndcg(name: str, protocol: Protocol, value: float, note: str) -> Published:
    return Published(name, protocol, "all", {"ndcg@10": value}, note)


def _recall(name: str, targets: Literal["all", "new"], at_1: float, at_10: float, at_50: float) -> Published:
    theirs, ours = TURNS[targets]
    values = {"recall@1": at_1, "recall@10": at_10, "recall@50": at_50}
    return Published(name, "conversational", targets, values, BENCHMARK_NOTE.format(theirs=theirs, ours=ours))


PUBLISHED: tuple[Published, ...] = (
    _ndcg("Nguyen 2024, text", "paper", 0.130, PAPER_NOTE),
    _ndcg("Nguyen 2024, text + RNN", "paper", 0.165, PAPER_NOTE),
    _ndcg("Nguyen 2024, text + tags", "paper", 0.138, PAPER_NOTE),
    _ndcg("Nguyen 2024, text + RNN + tags", "paper", 0.169, PAPER_NOTE),
    _ndcg("Reproduction 2025, original", "notebook", 0.0440, ORIGINAL_NOTE),
    _ndcg("Reproduction 2025, original, RNN", "notebook", 0.0459, ORIGINAL_NOTE),
    _ndcg("Reproduction 2025, original, tags", "notebook", 0.0443, ORIGINAL_NOTE),
    _ndcg("Reproduction 2025, original, RNN + tags", "notebook", 0.0462, ORIGINAL_NOTE),
    _ndcg("Reproduction 2025, weighted", "notebook", 0.0571, WEIGHTED_NOTE),
    _ndcg("Reproduction 2025, weighted, RNN", "notebook", 0.0540, WEIGHTED_NOTE),
    _ndcg("Reproduction 2025, weighted, tags", "notebook", 0.0497, WEIGHTED_NOTE),
    _ndcg("Reproduction 2025, weighted, RNN + tags", "notebook", 0.0509, WEIGHTED_NOTE),
    _recall("copy (context items, latest first)", "all", 0.043, 0.090, 0.090),
    _recall("KBRD 2019", "all", 0.033, 0.177, 0.332),
    _recall("KGSF 2020", "all", 0.032, 0.177, 0.369),
    _recall("UniCRS 2022", "all", 0.049, 0.213, 0.421),
    _recall("MESE 2022", "all", 0.032, 0.178, 0.381),
    _recall("ECR 2024", "all", 0.049, 0.220, 0.428),
    _recall("PECRS 2024", "all", 0.044, 0.189, 0.383),
    _recall("ReFICR 2024 (7 B parameters)", "all", 0.049, 0.270, 0.507),
    _recall("copy (context items, latest first)", "new", 0.0, 0.0, 0.0),
    _recall("KBRD 2019", "new", 0.017, 0.148, 0.300),
    _recall("KGSF 2020", "new", 0.016, 0.147, 0.327),
    _recall("UniCRS 2022", "new", 0.024, 0.180, 0.335),
    _recall("MESE 2022", "new", 0.025, 0.159, 0.361),
    _recall("ECR 2024", "new", 0.026, 0.181, 0.337),
    _recall("PECRS 2024", "new", 0.022, 0.143, 0.341),
    _recall("ReFICR 2024 (7 B parameters)", "new", 0.018, 0.213, 0.465),
    Published(
        "GPT-4, zero-shot",
        "conversational",
        "new",
        {"recall@1": 0.050, "recall@10": 0.201, "ndcg@10": 0.115},
        GPT4_NOTE,
    ),
)

# What its author expected of the weighted trainer (protocol `notebook`): (epoch, lowest, highest nDCG@10).
# The last holds from that epoch on.
EXPECTED_BAND: tuple[tuple[int, float, float], ...] = (
    (5, 0.06, 0.08),
    (10, 0.08, 0.10),
    (20, 0.10, 0.13),
    (50, 0.13, 0.17),
)


def published_for(protocol: str, targets: str = "all") -> tuple[Published, ...]:
    """The published rows under a protocol for a kind of target; empty where there is none."""
    return tuple(row for row in PUBLISHED if (row.protocol, row.targets) == (protocol, targets))
