"""Callbacks that another event of the same browser interrupts."""

import pytest
from streamlit.runtime.scriptrunner import RerunData, RerunException

from pages.shared.callback import whole


class State:
    """Like `st.session_state`: while other events wait, each look is cut short by one of them."""

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting

    def look(self) -> str:
        if self.waiting:
            self.waiting -= 1
            raise RerunException(RerunData())
        return "typed"


@pytest.mark.parametrize("waiting", [1, 3])
def test_an_interrupted_callback_does_its_work_and_lets_the_other_event_have_its_turn(waiting: int) -> None:
    state, kept = State(waiting), []
    callback = whole(lambda name: kept.append((name, state.look())))
    with pytest.raises(RerunException):
        callback("wish")
    assert kept == [("wish", "typed")]


def test_a_callback_in_peace_runs_once() -> None:
    kept = []
    whole(kept.append)(1)
    assert kept == [1]


def test_another_error_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        whole(lambda: {}["missing"])()
