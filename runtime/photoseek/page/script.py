"""What ``streamlit run`` is given by :mod:`photoseek.page.launch`."""

from photoseek.page import main

main()
