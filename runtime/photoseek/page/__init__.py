"""The search page, drawn with Streamlit (extra ``app``); it only calls the library.

`launch` starts it as a process of its own, `app` draws it; neither is loaded by ``import photoseek``.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Draw the page; Streamlit calls this anew on every interaction."""
    from photoseek.page.app import render  # Streamlit takes a second to import
    from photoseek.system.terminal import install

    install()
    render()
