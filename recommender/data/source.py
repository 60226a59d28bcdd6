"""Where a data set came from."""

from enum import StrEnum


class Source(StrEnum):
    """A folder that the user named, what was downloaded before or now, or the simulator in place of real data."""

    FOLDER = "folder"
    CACHE = "cache"
    HUB = "hub"
    SAMPLE = "sample"
