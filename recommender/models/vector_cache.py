"""Text vectors of a frozen encoder, computed once and kept on disk under a key of text + weights hash."""

import hashlib
import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recommender.errors import RecommenderError
from recommender.models.text_encoder import TextEncoder

log = logging.getLogger(__name__)

FILE = "text_vectors.sqlite"
CHUNK = 2048  # texts between two writes


def cached_vectors(encoder: TextEncoder, tokens: Sequence[Sequence[int]], folder: Path) -> Tensor:
    """Token ids -> vectors [N, D]; only texts that this encoder has never seen are computed.

    Raises `RecommenderError` if the store cannot be read or written.
    """
    try:
        return _cached_vectors(encoder, tokens, folder)
    except (sqlite3.Error, OSError) as error:
        raise RecommenderError(
            f"The text vectors in {folder / FILE} cannot be read or written: {error}. Make room or delete the file; "
            "it is computed again."
        ) from error


def _cached_vectors(encoder: TextEncoder, tokens: Sequence[Sequence[int]], folder: Path) -> Tensor:
    """The store is one SQLite file, so that several processes may use it at once and a kill never leaves half an entry;
    what was computed before a kill is kept.
    The key is of the token ids, which is the text as the encoder reads it, after cutting.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keys = [_key(encoder.weights_hash, ids) for ids in tokens]
    with closing(sqlite3.connect(folder / FILE, timeout=60)) as store:
        store.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
        found = {key: vector for key in set(keys) if (vector := _get(store, key, encoder.width)) is not None}
        new = [(key, ids) for key, ids in dict(zip(keys, tokens, strict=True)).items() if key not in found]
        new.sort(key=lambda entry: len(entry[1]))  # texts of like length together, so that little is padding
        for start in range(0, len(new), CHUNK):
            part = new[start : start + CHUNK]
            computed = encoder.vectors([ids for _, ids in part]).numpy()  # [CHUNK, D]
            rows = [(key, vector.tobytes()) for (key, _), vector in zip(part, computed, strict=True)]
            with store:
                store.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            found.update((key, vector) for (key, _), vector in zip(part, computed, strict=True))
            log.info("text vectors: %s of %s new ones", f"{start + len(part):,}", f"{len(new):,}")
    if not keys:
        return torch.empty(0, encoder.width)
    return torch.from_numpy(np.stack([found[key] for key in keys]))


def _key(weights_hash: str, ids: Sequence[int]) -> bytes:
    return hashlib.sha256(weights_hash.encode() + np.asarray(ids, dtype=np.int32).tobytes()).digest()


def _get(store: sqlite3.Connection, key: bytes, width: int) -> np.ndarray | None:
    """The stored vector [D], or None when there is none of the right length."""
    row = store.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
    if row is None or len(row[0]) != 4 * width:
        return None
    return np.frombuffer(row[0], dtype=np.float32).copy()
