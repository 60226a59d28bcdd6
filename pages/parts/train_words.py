"""How the Train page says what a run is doing."""

from recommender.status import State

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
