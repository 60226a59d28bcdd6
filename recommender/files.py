"""Files: written so that a reader never sees half of one; JSON that others wrote; what a safetensors file says of
itself."""

import json
import os
from pathlib import Path
from typing import Any


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
