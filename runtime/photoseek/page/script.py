"""What Streamlit runs on every interaction, behind the gate of ``photoseek.page.server``."""

from photoseek.page import main

main()
