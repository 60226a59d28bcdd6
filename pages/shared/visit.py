"""What every visitor runs: login, navigation, the page, theme."""

import streamlit as st

from pages.shared.charts import follow_theme
from pages.shared.setup import navigation


def draw_app() -> None:
    """Draw the page that was asked for."""
    page = navigation()
    require_login()
    page.run()
    follow_theme()


def require_login() -> None:
    """Stop here for a visitor who is not logged in.

    Streamlit gives a visitor `is_logged_in` only where [auth] is set. No page has been drawn before, so the session
    holds no widget whose callback could run.
    """
    if "is_logged_in" not in st.user:
        return
    if st.user.is_logged_in:
        st.sidebar.button("Log out", on_click=st.logout)
        return
    st.title("Log in", anchor=False)
    st.write("This app is open to known users only.")
    st.button("Log in", type="primary", on_click=st.login)
    st.stop()
