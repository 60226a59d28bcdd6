"""Callbacks that nothing cuts short."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from streamlit.runtime.scriptrunner import RerunException

P = ParamSpec("P")


def whole(callback: Callable[P, None]) -> Callable[P, None]:
    """For a callback that looks into `st.session_state`: it must look before it changes anything.

    When another event of the same browser has come in meanwhile (a second click, a component that answers), Streamlit
    cuts a callback short at its first look, and what was typed or clicked is lost. The next look goes well, so the
    callback is begun again, and the other event has its turn after it.
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
