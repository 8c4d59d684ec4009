"""The search page, for a bare ``streamlit run streamlit_app.py``; ``PHOTOSEEK_GALLERY`` names the gallery."""

from streamlit.starlette import App

from photoseek.page.server import SCRIPT, lifespan, middleware

app = App(SCRIPT, middleware=middleware(), lifespan=lifespan)
