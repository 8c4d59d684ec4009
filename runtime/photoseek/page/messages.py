"""What the page says where there is nothing to show; names and messages are shown as plain text, never as Markdown."""

from __future__ import annotations

from html import escape
from pathlib import Path
from shlex import quote

import streamlit as st

from photoseek.gallery.status import GalleryStatus
from photoseek.page.exposure import is_shared, public
from photoseek.page.strings import strings
from photoseek.system.user_paths import printable


def welcome(status: GalleryStatus) -> None:
    """Say how to search."""
    now = strings()
    _notice(now.welcome_title.format(count=f"{status.searchable:,}"), now.welcome)


def no_gallery(folder: str) -> None:
    """Say that there is no gallery, and how to make one."""
    now = strings()
    if is_shared():
        _notice(now.unavailable_title, now.ask_operator)
        return
    if folder:
        _notice(now.no_gallery_title, now.no_gallery.format(folder=printable(folder)))
    else:
        _notice(now.choose_title, now.choose)
    _command(now.index_hint, "photoseek index PHOTOS --bundle demo")
    _command(now.demo_hint, "photoseek demo")


def nothing_searchable(status: GalleryStatus, bundle: str) -> None:
    """Say that a gallery has no photo that could be found."""
    now = strings()
    if is_shared():
        _notice(now.nothing_title, now.ask_operator)
        return
    if status.photos:
        _notice(now.nothing_title, now.nothing.format(count=f"{status.photos:,}"))
    else:
        _notice(now.empty_title, now.empty.format(folder=status.photos_root))
    where = "" if Path(status.path).parent == Path(status.photos_root) else f" --gallery {quote(status.path)}"
    _command(now.fill_hint, f"photoseek index {quote(status.photos_root)}{where} --bundle {quote(bundle)}")


def being_indexed() -> None:
    """Say that there will be something to search soon."""
    _notice(strings().being_indexed_title, strings().being_indexed)


def no_captions(gallery: str) -> None:
    """Say how captions are added."""
    now = strings()
    if is_shared():
        _notice(now.no_captions_title, now.ask_operator)
        return
    _notice(now.no_captions_title, now.no_captions)
    st.code(f"photoseek captions add FILE --gallery {quote(gallery)}", language="bash")


def no_results() -> None:
    """Say that the conditions leave nothing."""
    _notice(strings().none_title, strings().none)


def low_confidence() -> None:
    """Say that the best hit is most likely none."""
    _notice(strings().low_confidence_title, strings().low_confidence)


def photo_error(reason: str) -> None:
    """Say that the uploaded file is of no use."""
    now, reason = strings(), public(reason)
    _notice(now.broken_title, now.broken.format(reason=_sentence(reason).rstrip(".。")), problem=True)


def query_error(reason: str) -> None:
    """Say what is wrong with a query, and how one looks."""
    now = strings()
    _notice(now.query_title, _sentence(public(reason)), now.query_hint)


def filter_error(reason: str) -> None:
    """Say what is wrong with a condition, which goes by its name on the page."""
    now = strings()
    name, _, expected = reason.partition(": ")
    _notice(now.filter_title, public(f"{getattr(now, name, name)}: {expected}."))


def problem(message: str) -> None:
    """Show the message of an error."""
    _notice(strings().problem_title, public(message), problem=True)


def hint(text: str) -> None:
    """Draw a line of small text."""
    st.html(f'<p class="ps-hint">{escape(text)}</p>')


def _sentence(reason: str) -> str:
    ended = reason.endswith((".", "。"))
    return f"{reason[:1].upper()}{reason[1:]}{'' if ended else '.'}"


def _command(text: str, command: str) -> None:
    hint(text)
    st.code(command, language="bash")


def _notice(title: str, *texts: str, problem: bool = False) -> None:
    kind, role = ("ps-notice ps-problem", "alert") if problem else ("ps-notice", "status")
    lines = "".join(f"<p>{escape(text)}</p>" for text in texts)
    st.html(f'<section class="{kind}" role="{role}"><h2>{escape(title)}</h2>{lines}</section>')
