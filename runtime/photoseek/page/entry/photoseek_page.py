"""What ``streamlit run`` is given by :mod:`photoseek.page.launch`; the folder holds nothing else, as it is importable."""

from streamlit.starlette import App

from photoseek.page.server import SCRIPT, lifespan, middleware

app = App(SCRIPT, middleware=middleware(), lifespan=lifespan)
