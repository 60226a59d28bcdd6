"""The app: `streamlit run streamlit_app.py`. The pages are in pages/."""

from pages.shared.setup import navigation
from pages.shared.theme import follow_theme

navigation().run()
follow_theme()
