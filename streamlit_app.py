"""The app's entry. `streamlit run streamlit_app.py` imports it as a server; run as a script, it draws the app."""

import sys

from starlette.middleware import Middleware
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.starlette import App

from pages.shared.server import Guard, allowed_hosts, check_secrets, lifespan
from pages.shared.visit import draw_app
from recommender.errors import RecommenderError

if get_script_run_ctx() is None:
    try:
        check_secrets()
        guard = Middleware(Guard, hosts=allowed_hosts())
    except RecommenderError as error:
        sys.exit(f"error: {error}")
    app = App("pages/app.py", lifespan=lifespan, middleware=[guard])
else:
    draw_app()
