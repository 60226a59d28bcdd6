"""Reads the log of a training, `metrics.jsonl`, while it is being written."""

import sys
from pathlib import Path
from threading import Lock
from typing import Any

from recommender.errors import CheckpointError
from recommender.files import open_regular, parse_json

Row = dict[str, Any]


class MetricsLog:
    """The rows of one log. Read again, it goes on where it stopped, so that a long log costs no more than a short one.

    Shared by threads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._forget()

    def rows(self) -> list[Row]:
        """Every whole line; one that is being written, or was cut by a kill, is passed over. [] without a file.

        Raises `CheckpointError` if the file is a link or cannot be read.
        """
        with self._lock:
            try:
                self._read_on()
            except FileNotFoundError:
                self._forget()
            except OSError as error:
                where = f"{self.path.parent.name}/{self.path.name}"
                raise CheckpointError(f"Cannot read {where}: {error.strerror}.") from error
            return list(self._rows)

    def _forget(self) -> None:
        self._rows: list[Row] = []
        self._place = 0  # bytes read
        self._last = b""  # the line before that place

    def _read_on(self) -> None:
        with open_regular(self.path) as file:
            # A run that is resumed drops the rows after its checkpoint; then what was read is no longer true.
            file.seek(self._place - len(self._last))
            if file.read(len(self._last)) != self._last:
                self._forget()
                file.seek(0)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        lines = whole.splitlines(keepends=True)
        self._rows += [row for line in lines if (row := _parse(line)) is not None]
        self._place += len(whole)
        self._last = lines[-1] if lines else self._last


def _parse(line: bytes) -> Row | None:
    try:
        # Every row has the same names: kept once, they do not fill the memory.
        row = parse_json(line.decode(errors="replace"), object_pairs_hook=_row)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _row(pairs: list[tuple[str, Any]]) -> Row:
    return {sys.intern(name): value for name, value in pairs}
