"""What the data is, what is asked of a model, what went wrong before, and whose work this builds on."""

import streamlit as st

from pages.about.causes import draw_causes
from pages.about.data import draw_data
from pages.about.findings import draw_findings
from pages.about.project import draw_project
from pages.about.protocols import draw_protocols
from pages.shared.setup import APP_NAME, set_up
from pages.shared.text import plain
from recommender.data.facts import FACTS_FILE, Facts
from recommender.errors import DataError
from recommender.settings import settings


def main() -> None:
    set_up("About")
    st.title(f"About {APP_NAME}", anchor=False)
    st.write(
        "You say what you feel like watching; a model that learned from real conversations about movies ranks the "
        "whole catalogue for you and says why. You can also train the published models yourself and see what beats "
        "what, with the simplest methods always beside them."
    )
    try:
        facts = Facts.load(settings().assets_dir / FACTS_FILE)
    except DataError as error:
        st.error(plain(str(error)), icon=":material/error:")
        facts = None
    if facts:
        draw_data(facts)
    draw_protocols(facts)
    draw_findings()
    draw_causes()
    draw_project()


main()
