"""Files: written and removed so that a reader never sees half of one; read without following links; JSON that others
wrote; what a safetensors file says of itself."""

import errno
import json
import os
import platform
import re
import shutil
import stat
import threading
import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import psutil

PLAIN_NAME = re.compile(
    r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}(?<!\.)"
)  # of a run, a preset, a study: never a path; some file systems drop a last dot
HOST = f"{zlib.crc32(platform.node().encode()):08x}"  # process ids of another machine mean nothing here
PART = re.compile(r"\..*\.([0-9a-f]{8})\.(\d+)\.(\d+)\.part")  # machine, process and thread of `part_of`
ABANDONED_AFTER = 3600.0  # seconds; no part takes that long to write


def open_regular(path: Path) -> BinaryIO:
    """Open a file that others may have put there. A symbolic link is not followed, and a pipe does not block.

    Raises `OSError` for anything but a regular file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    if path.is_symlink():  # where the system knows no O_NOFOLLOW, and for a clear error elsewhere
        raise OSError(errno.ELOOP, "it is a link, and links are not followed here", str(path))
    file = os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return file


def read_regular(path: Path) -> bytes:
    """The whole of a file that others may have put there. Raises `OSError` as `open_regular` does."""
    with open_regular(path) as file:
        return file.read()


def part_of(path: Path) -> Path:
    """Where this thread writes `path` aside: a name that no other thread, process or machine uses."""
    return path.with_name(f".{path.name}.{HOST}.{os.getpid()}.{threading.get_ident()}.part")


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write beside `path` and rename over it: at every moment `path` is the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = part_of(path)
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
    aside = part_of(folder)
    shutil.rmtree(aside, ignore_errors=True)
    if folder.exists():
        folder.rename(aside)
        shutil.rmtree(aside)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes had begun to write, or to remove, in a folder. Called before this thread writes
    anything there."""
    for path in folder.glob(".*.part"):
        with suppress(FileNotFoundError):  # another process was quicker
            if _abandoned(path):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _abandoned(part: Path) -> bool:
    made_by = PART.fullmatch(part.name)
    if made_by is None:
        return False
    host, process, thread = made_by[1], int(made_by[2]), int(made_by[3])
    if (host, process) == (HOST, os.getpid()):
        others = {other.ident for other in threading.enumerate() if other is not threading.current_thread()}
        return thread not in others
    times = part.stat()
    old = time.time() - max(times.st_mtime, times.st_ctime) > ABANDONED_AFTER  # a renamed folder keeps its st_mtime
    return old or (host == HOST and not psutil.pid_exists(process))


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
