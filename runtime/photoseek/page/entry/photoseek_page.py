"""What ``photoseek.page.launch`` runs; alone in its folder, which ``streamlit run`` puts on the import path."""

from streamlit.starlette import App

from photoseek.page.server import SCRIPT, lifespan, middleware

app = App(SCRIPT, middleware=middleware(), lifespan=lifespan)
