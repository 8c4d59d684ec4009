"""What the page says where there is nothing to show; names and messages are shown as plain text, never as Markdown."""

from __future__ import annotations

from html import escape
from shlex import quote

import streamlit as st

from photoseek.gallery import GalleryStatus


def welcome(status: GalleryStatus) -> None:
    """Say how to search."""
    _notice(
        f"Search {_photos(status.searchable)}",
        "Describe in a sentence what they should show, add a photo that they should be like, or both.",
    )


def no_gallery(folder: str) -> None:
    """Say that there is no gallery, and how to make one."""
    if folder:
        _notice("No gallery here", f"{folder} is neither a gallery nor a folder of photos that has been indexed.")
    else:
        _notice("Choose a gallery", "Name its folder in the sidebar, or make one first.")
    st.html('<p class="ps-hint">Index a folder of your photos:</p>')
    st.code("photoseek index PHOTOS --bundle demo", language="bash")
    st.html('<p class="ps-hint">Or look around in a gallery of drawn scenes:</p>')
    st.code("photoseek demo", language="bash")


def nothing_searchable(status: GalleryStatus, bundle: str) -> None:
    """Say that a gallery has no photo that could be found."""
    if status.photos:
        _notice("Nothing to search yet", f"None of its {_photos(status.photos)} can be searched so far.")
    else:
        _notice("This gallery is empty", f"Nothing in {status.photos_root} has been indexed yet.")
    st.html('<p class="ps-hint">Put photos into the folder, then index it:</p>')
    st.code(f"photoseek index {quote(status.photos_root)} --bundle {quote(bundle)}", language="bash")


def broken_photo(reason: str) -> None:
    """Say that the uploaded file is of no use."""
    _notice(
        "This file cannot be read as a photo",
        f"{reason[:1].upper()}{reason[1:]}. Remove it above, or choose another.",
        problem=True,
    )


def problem(message: str) -> None:
    """Show the message of an error."""
    _notice("That did not work", message, problem=True)


def _notice(title: str, text: str, *, problem: bool = False) -> None:
    kind, role = ("ps-notice ps-problem", "alert") if problem else ("ps-notice", "status")
    st.html(f'<section class="{kind}" role="{role}"><h2>{escape(title)}</h2><p>{escape(text)}</p></section>')


def _photos(count: int) -> str:
    return f"{count:,} photo" if count == 1 else f"{count:,} photos"
