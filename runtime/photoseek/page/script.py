"""Script that Streamlit runs on every interaction, behind the gate of ``photoseek.page.server``."""

from photoseek.page.app import render
from photoseek.system.terminal import install

install()
render()
