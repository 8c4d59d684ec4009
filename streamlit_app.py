"""Search page for ``streamlit run streamlit_app.py``; ``PHOTOSEEK_GALLERY`` selects the gallery."""

from streamlit.starlette import App

from photoseek.page.server import SCRIPT, lifespan, middleware

app = App(SCRIPT, middleware=middleware(), lifespan=lifespan)
