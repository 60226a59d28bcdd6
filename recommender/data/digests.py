"""Which dialogues or events data holds, as numbers that can be kept: whether it is the published data, and whether a
model has learned from it."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.data.dialogue import Dialogue

Digests = NDArray[np.uint64]

KEPT = 100_000  # the smallest numbers: the same ones of any data, so that two samples can be compared
# ReDial's training and test dialogues by their ids.
PUBLISHED = ("921129c0a3d7e9ed", "38adf3093a460a54")


def fingerprint(ids: Iterable[str]) -> str:
    """A hash that does not depend on the order."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:16]


def dialogue_digests(dialogues: Sequence[Dialogue]) -> Digests:
    """A number for the words of each dialogue [N]: a copy under another id has the same one."""
    texts = ("\n".join(message.text for message in dialogue.messages) for dialogue in dialogues)
    hashed = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts]
    return np.frombuffer(b"".join(hashed), dtype="<u8").astype(np.uint64)


def event_digests(events: pd.DataFrame) -> Digests:
    """A number for who watched what and when, of each event [N]."""
    what = events[["person", "movie_id", "timestamp"]]
    return np.asarray(pd.util.hash_pandas_object(what, index=False), dtype=np.uint64)


def smallest(digests: Digests) -> Digests:
    """The part of them that is kept, ascending."""
    return np.sort(np.unique(digests))[:KEPT]


def overlap(measured: Digests, learned: Digests) -> tuple[int, int]:
    """How many of the measured ones were learned from, of how many of which that is known. `learned` is what
    `smallest` kept; above the largest of a full sample nothing is known."""
    known = measured if len(learned) < KEPT else measured[measured <= learned.max()]
    return int(np.isin(known, learned).sum()), len(known)
