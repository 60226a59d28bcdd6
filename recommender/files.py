"""Files: written so that a reader never sees half of one; what a safetensors file says of itself."""

import json
import os
import re
from pathlib import Path

PLAIN_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}")  # of a run, a preset, a study: a name, never a path


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


def safetensors_metadata(raw: bytes) -> dict[str, str]:
    """The free-form metadata in the header of a safetensors file, which `safetensors.load` leaves out."""
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    metadata: dict[str, str] = header.get("__metadata__", {})
    return metadata
