"""What trains here: a graphics card if there is one, else the processor."""

from dataclasses import dataclass

import streamlit as st

from pages.shared.imports import import_slow
from pages.shared.text import plain
from recommender.device import choose_device, describe_device, supports_bfloat16
from recommender.errors import RecommenderError
from recommender.settings import settings


@dataclass(frozen=True)
class Device:
    name: str
    on_cpu: bool
    bfloat16: bool


@st.cache_data(show_spinner=False, max_entries=1)
def _device() -> Device:
    import_slow()
    device = choose_device(settings())
    return Device(describe_device(device), device.type == "cpu", supports_bfloat16(device))


def draw_device() -> None:
    """Draw this last, into a place further up: finding out takes a second, since it loads torch."""
    with st.spinner("Looking at this machine…"):
        try:
            device = _device()
        except RecommenderError as error:
            st.error(plain(str(error)), icon=":material/error:")
            return
    precision = " (bfloat16 where a preset trains the text encoder)" if device.bfloat16 else ""
    if device.on_cpu:
        st.caption(
            f":material/memory: Trains on the processor: {plain(device.name)}{precision}. There is no graphics card "
            "here. The preset **frozen** is made for that; presets that train the whole text encoder take hours or "
            "days."
        )
    else:
        st.caption(f":material/memory: Trains on {plain(device.name)}{precision}.")
