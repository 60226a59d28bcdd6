"""The script that Streamlit runs for every visitor: login, navigation, theme."""

from pages.shared.login import require_login
from pages.shared.setup import navigation
from pages.shared.theme import follow_theme

page = navigation()
require_login()
page.run()
follow_theme()
