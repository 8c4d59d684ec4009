"""Script of ``photoseek.page.launch``, alone in its folder because ``streamlit run`` adds that to the import path."""

from streamlit.starlette import App

from photoseek.page.server import SCRIPT, lifespan, middleware

app = App(SCRIPT, middleware=middleware(), lifespan=lifespan)
