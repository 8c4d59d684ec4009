"""What Streamlit runs on every interaction, behind the gate of :mod:`photoseek.page.server`."""

from photoseek.page import main

main()
