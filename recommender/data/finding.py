"""Files below a data folder, also through links to folders, and read whether they are compressed or not."""

import gzip
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO, cast

from recommender.errors import DataError

SHARD = re.compile(r"(?P<name>.+)-(?P<number>\d+)-of-(?P<count>\d+)(?P<ending>\..+)")  # as the hub names its files


def find_files(folder: Path, *patterns: str) -> list[Path]:
    """Every file below the folder with a name like one of the patterns, or like it and `.gz`; each once, sorted.

    Links are followed, also those to folders. Hidden folders and files are passed over: no data set has one.
    """
    found: dict[Path, Path] = {}
    for place, names in _walk(folder):
        for name in names:
            if any(fnmatchcase(name.removesuffix(".gz"), pattern) for pattern in patterns):
                path = place / name
                found.setdefault(path.resolve(), path)
    return sorted(path for path in found.values() if path.is_file())


def find_file(folder: Path, name: str) -> Path | None:
    """The first of `find_files`, or None."""
    return next(iter(find_files(folder, name)), None)


def _walk(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    seen = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield Path(place), [name for name in names if not name.startswith(".")]


def ending(path: Path) -> str:
    """The suffix without `.gz`: `.csv` of `ratings.csv.gz`."""
    return Path(path.name.removesuffix(".gz")).suffix


def read_bytes(path: Path) -> bytes:
    """The whole file, unpacked where it is compressed. Raises `DataError` if it cannot be read."""
    with opened(path) as file:
        return file.read()


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file to read from, unpacked where it is compressed. Raises `DataError` if it cannot be read."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield cast("BinaryIO", file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is not a whole gzip file: {error}.") from error
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror or error}.") from error


def whole_set(paths: list[Path]) -> bool:
    """Whether these are the shards of one file: all that their names speak of (`train-00001-of-00003.parquet`).

    Raises `DataError` if they are of one file but not all of them.
    """
    parts = [SHARD.fullmatch(path.name) for path in paths]
    named = {(part["name"], part["count"], part["ending"]) for part in parts if part is not None}
    if None in parts or len(named) != 1:
        return False
    numbers = {int(part["number"]) for part in parts if part is not None}
    wanted = set(range(int(next(iter(named))[1])))
    if missing := sorted(wanted - numbers):
        raise DataError(
            f"{paths[0].parent} holds {len(paths)} of {len(wanted)} parts of one file ({paths[0].name}); number "
            f"{missing[0]} is missing. Download the others too."
        )
    return len(numbers) == len(paths)
