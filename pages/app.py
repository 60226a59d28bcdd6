"""The script that the server runs for every visitor. It stands here, since beside the folder `pages/` Streamlit would
take every page for a script of its own when a visitor opens a deep link first."""

from pages.shared.visit import draw_app

draw_app()
