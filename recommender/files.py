"""Files: written so that a reader never sees half of one, removed in the same way; JSON that others wrote; what a
safetensors file says of itself."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import psutil

PLAIN_NAME = re.compile(
    r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}(?<!\.)"
)  # of a run, a preset, a study: never a path; some file systems drop a last dot
PART = re.compile(r"\..*\.(\d+)\.part")  # what `write_atomically` writes aside, with the number of its process


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write beside `path` and rename over it: at every moment `path` is the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def rename_whole(aside: Path, folder: Path) -> None:
    """Give a folder its name once all that is in it has reached the disk, so that not even a power cut leaves a name
    before its content."""
    for path in aside.rglob("*"):
        _sync(path)
    _sync(aside)
    aside.rename(folder)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    if path.is_dir() and os.name != "posix":  # only there can a folder be opened
        return
    number = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def remove_whole(folder: Path) -> None:
    """Remove a folder, if it is there, so that nobody finds half of it under its name."""
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    shutil.rmtree(aside, ignore_errors=True)
    if folder.exists():
        folder.rename(aside)
        shutil.rmtree(aside)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes had begun to write, or to remove, in a folder. Called before anything is written
    there: a part in the name of this process is of an earlier one that had its number."""
    for path in folder.glob(".*.part"):
        made_by = PART.fullmatch(path.name)
        if made_by and (int(made_by[1]) == os.getpid() or not psutil.pid_exists(int(made_by[1]))):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def parse_json(text: str | bytes, **options: Any) -> Any:
    """`json.loads` for what others may have written. Raises `ValueError` for all that it cannot read."""
    try:
        return json.loads(text, **options)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def safetensors_metadata(raw: bytes) -> dict[str, str]:
    """The free-form metadata in the header of a safetensors file, which `safetensors.load` leaves out.

    Raises `ValueError` for a header that cannot be read.
    """
    header = parse_json(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    metadata: dict[str, str] = header.get("__metadata__") or {}  # safetensors takes a null there for none
    return metadata
