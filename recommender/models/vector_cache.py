"""Text vectors of a frozen encoder, computed once and kept on disk under a key of text + weights hash."""

import hashlib
import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from recommender.errors import RecommenderError
from recommender.models.text_encoder import TextEncoder

log = logging.getLogger(__name__)

FILE = "text_vectors.sqlite"
HASH_BYTES = 16  # behind each vector
CHUNK = 2048  # texts between two writes


def cached_vectors(encoder: TextEncoder, tokens: Sequence[Sequence[int]], folder: Path) -> Tensor:
    """Token ids -> vectors [N, D]; only texts that this encoder has never seen are computed. A damaged entry is
    computed again, and so is a store that is no database any more.

    Raises `RecommenderError` if the store cannot be read or written.
    """
    try:
        try:
            return _cached_vectors(encoder, tokens, folder)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise
            _put_aside(folder / FILE, error)
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
        found = _stored(store, set(keys), encoder.width)
        new = [(key, ids) for key, ids in dict(zip(keys, tokens, strict=True)).items() if key not in found]
        new.sort(key=lambda entry: len(entry[1]))  # texts of like length together, so that little is padding
        for start in range(0, len(new), CHUNK):
            part = new[start : start + CHUNK]
            computed = encoder.vectors([ids for _, ids in part]).numpy()  # [CHUNK, D]
            rows = [(key, _sealed(key, vector.tobytes())) for (key, _), vector in zip(part, computed, strict=True)]
            with store:
                store.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            found.update((key, vector) for (key, _), vector in zip(part, computed, strict=True))
            log.info("text vectors: %s of %s new ones", f"{start + len(part):,}", f"{len(new):,}")
    if not keys:
        return torch.empty(0, encoder.width)
    return torch.from_numpy(np.stack([found[key] for key in keys]))


def _key(weights_hash: str, ids: Sequence[int]) -> bytes:
    return hashlib.sha256(weights_hash.encode() + np.asarray(ids, dtype=np.int32).tobytes()).digest()


def _sealed(key: bytes, vector: bytes) -> bytes:
    """A vector and, behind it, a hash of it and its key."""
    return vector + hashlib.blake2b(vector, key=key, digest_size=HASH_BYTES).digest()


def _stored(store: sqlite3.Connection, keys: set[bytes], width: int) -> dict[bytes, np.ndarray]:
    """The vectors [D] that are there and whole. One without a hash is of an older version, and counts as damaged."""
    found, damaged = {}, 0
    for key in keys:
        row = store.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
        if row is None:
            continue
        vector = row[0][: 4 * width] if isinstance(row[0], bytes) else b""
        if _sealed(key, vector) == row[0]:
            found[key] = np.frombuffer(vector, dtype=np.float32).copy()
        else:
            damaged += 1
    if damaged:
        log.warning("%s stored text vectors are damaged or have no hash: computed again", f"{damaged:,}")
    return found


def _put_aside(path: Path, error: sqlite3.DatabaseError) -> None:
    """Out of the way of a new store, which another process that used this one may have begun meanwhile."""
    with FileLock(path.with_name(f".{path.name}.lock")):
        if _is_damaged(path):
            path.replace(path.with_name(f"{path.name}.damaged"))
            path.with_name(f"{path.name}-journal").unlink(missing_ok=True)  # SQLite would play it into the new one
            log.warning("the text vectors in %s are damaged (%s): put aside and computed again", path, error)


def _is_damaged(path: Path) -> bool:
    with closing(sqlite3.connect(path, timeout=60)) as store:
        try:
            return bool(store.execute("PRAGMA quick_check").fetchone() != ("ok",))
        except sqlite3.DatabaseError:
            return True
