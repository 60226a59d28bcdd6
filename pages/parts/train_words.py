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
    """Rounded the way one says it: "45 s", "4 min", "2 h 6 min", "25 h"."""
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours == 0:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes and hours < 10 else f"{hours} h"


def memory(mb: float) -> str:
    """ "812 MB", "4.0 GB"."""
    return f"{mb:.0f} MB" if mb < 1000 else f"{mb / 1024:.1f} GB"


def place_in_line(number: int) -> str:
    """ "next in line" for 0, "number 2 in line" for 1."""
    return f"number {number + 1} in line" if number else "next in line"
