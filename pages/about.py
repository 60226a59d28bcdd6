"""The About page: the data, the protocols, what was wrong with earlier figures, licences."""

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
        "You say what you feel like watching. A model trained on real conversations about movies ranks the whole "
        "catalogue for you and gives reasons. You can also train the published models yourself and compare them, "
        "always beside simple baselines."
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
