"""How the Train page says things: states, times, sizes."""

from recommender.status import State

STATES: dict[State, tuple[str, str]] = {
    "running": (":material/play_circle:", "training"),
    "queued": (":material/schedule:", "waiting"),
    "finished": (":material/check_circle:", "finished"),
    "stopped": (":material/pause_circle:", "stopped"),
    "interrupted": (":material/report:", "interrupted"),
    "failed": (":material/error:", "failed"),
}


def duration(seconds: float) -> str:
    """Short and rounded: "45 s", "4 min", "2.1 h", "25 h"."""
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    if seconds < 120 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h" if seconds < 10 * 3600 else f"{seconds / 3600:.0f} h"


def memory(mb: float) -> str:
    """ "812 MB", "4.0 GB"."""
    return f"{mb:.0f} MB" if mb < 1000 else f"{mb / 1024:.1f} GB"


def place_in_line(number: int) -> str:
    """ "next in line" for 0, "number 2 in line" for 1."""
    return f"number {number + 1} in line" if number else "next in line"
