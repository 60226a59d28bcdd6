"""Widget callbacks that a rerun cannot interrupt."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from streamlit.runtime.scriptrunner import RerunException

P = ParamSpec("P")


def whole(callback: Callable[P, None]) -> Callable[P, None]:
    """Decorator for callbacks that read `st.session_state`. They must read it before they change anything.

    If another event of the same browser arrives (a second click, a value from a component), Streamlit interrupts a
    callback at its first access to the session state, and the user's input is lost. The next access succeeds, so the
    callback is run again, and the rerun that was asked for follows.
    """

    @wraps(callback)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        interruption = None
        while True:
            try:
                callback(*args, **kwargs)
            except RerunException as asked:
                interruption = asked
            else:
                break
        if interruption:
            raise interruption

    return run
