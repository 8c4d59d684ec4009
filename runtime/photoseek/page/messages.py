"""Notices instead of results; names and messages are shown as plain text, never as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from photoseek.gallery.status import GalleryStatus
from photoseek.page.exposure import is_shared, public
from photoseek.page.photo_reason import photo_reason
from photoseek.page.strings import strings


def notice(title: str, *texts: str, error: bool = False) -> None:
    """Draw a box with a title and paragraphs."""
    kind, role = ("ps-notice ps-error", "alert") if error else ("ps-notice", "status")
    lines = "".join(f"<p>{escape(text)}</p>" for text in texts)
    st.html(f'<section class="{kind}" role="{role}"><h2>{escape(title)}</h2>{lines}</section>')


def hint(text: str) -> None:
    """Draw a line of small text."""
    st.html(f'<p class="ps-hint">{escape(text)}</p>')


def no_gallery() -> None:
    """Report to a visitor from another computer that there is no gallery to search."""
    notice(strings().unavailable_title, strings().ask_operator)


def nothing_searchable(status: GalleryStatus) -> None:
    """Report that a gallery has no searchable photo."""
    now = strings()
    if is_shared():
        notice(now.nothing_title, now.ask_operator)
    elif status.photos:
        notice(now.nothing_title, now.nothing.format(count=f"{status.photos:,}"))
    else:
        notice(now.empty_title, now.empty.format(folder=status.photos_root))


def photo_error(reason: str) -> None:
    """Report that the uploaded file is not a readable photo."""
    now, reason = strings(), _sentence(public(photo_reason(reason))).rstrip(".。")
    notice(now.photo_error_title, now.photo_error.format(reason=reason), error=True)


def query_error(reason: str) -> None:
    """Report an invalid query, with an example of a valid one."""
    now = strings()
    notice(now.query_error_title, _sentence(public(reason)), now.query_hint)


def filter_error(reason: str) -> None:
    """Report an invalid filter by its label on the page."""
    notice(strings().filter_error_title, _labeled(reason))


def link_errors(reasons: Sequence[str]) -> None:
    """Report invalid values in the address, which are ignored, by their labels on the page."""
    notice(strings().link_error_title, *map(_labeled, reasons))


def _labeled(reason: str) -> str:
    now = strings()
    name, _, expected = reason.partition(": ")
    label = {"k": now.number, "sort": now.order}.get(name) or getattr(now, name, name)
    if expected.startswith("expected a date like"):
        expected = now.expected_date.format(found=expected.rpartition(", found ")[2])
    return public(f"{label}: {expected}.")


def error(message: str) -> None:
    """Report any other error."""
    notice(strings().error_title, public(message), error=True)


def _sentence(reason: str) -> str:
    end = "" if reason.endswith((".", "。")) else "."
    return f"{reason[:1].upper()}{reason[1:]}{end}"
