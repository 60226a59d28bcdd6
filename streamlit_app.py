"""The app's server: `streamlit run streamlit_app.py`. What a visitor sees begins in pages/app.py."""

import sys

from starlette.middleware import Middleware
from streamlit.starlette import App

from pages.shared.server import Guard, allowed_hosts, check_secrets, lifespan
from recommender.errors import RecommenderError

try:
    check_secrets()
    guard = Middleware(Guard, hosts=allowed_hosts())
except RecommenderError as error:
    sys.exit(f"error: {error}")
app = App("pages/app.py", lifespan=lifespan, middleware=[guard])
