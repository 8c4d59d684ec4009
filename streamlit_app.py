"""The search page, for a bare ``streamlit run streamlit_app.py``; ``PHOTOSEEK_GALLERY`` names the gallery."""

from photoseek.page import main

main()
