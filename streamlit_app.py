"""The app: `streamlit run streamlit_app.py`. The pages are in pages/."""

from pages.shared.setup import navigation

navigation().run()
