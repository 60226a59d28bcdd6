"""How the Train page says what a run is doing."""

from recommender.runs.status import State

STATES: dict[State, tuple[str, str]] = {
    "running": (":material/play_circle:", "training"),
    "queued": (":material/schedule:", "waiting"),
    "finished": (":material/check_circle:", "finished"),
    "stopped": (":material/pause_circle:", "stopped"),
    "interrupted": (":material/report:", "interrupted"),
    "failed": (":material/error:", "failed"),
}


def place_in_line(number: int) -> str:
    """ "next in line" for 0, "number 2 in line" for 1."""
    return f"number {number + 1} in line" if number else "next in line"


def less_at_once(batch: int, parts: int) -> str:
    """For a run that memory ran out of, and that went on with its batches in so many parts."""
    return (
        f"Memory ran out, so it learns {batch // parts} at a time instead of {batch}; a step still counts all {batch}."
    )
