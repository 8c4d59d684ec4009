"""Dialog with one large photo, its details, and buttons to search with it or describe it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from photoseek.gallery.gallery import Gallery
from photoseek.page import describe_view
from photoseek.page.exposure import is_shared
from photoseek.page.photo_files import PhotoFiles, is_missing
from photoseek.page.results import confidence_of, matched_in
from photoseek.page.strings import strings
from photoseek.search.hits import Hit


def render_opened(hits: Sequence[Hit], gallery: Gallery, files: PhotoFiles) -> None:
    """Draw the dialog if an opened photo is among the hits."""
    if st.session_state.get("opened") in [hit.path for hit in hits]:
        st.dialog(strings().detail, width="medium", on_dismiss=_close)(_render)(hits, gallery, files)


def _render(hits: Sequence[Hit], gallery: Gallery, files: PhotoFiles) -> None:
    positions = {hit.path: position for position, hit in enumerate(hits)}
    position = positions.get(st.session_state.get("opened") or "", 0)
    hit = hits[position]
    _render_picture(hit, files)
    _render_navigation(hits, position)
    _render_facts(hit, gallery.sentences.of_photo(hit.path))
    now = strings()
    with st.container(horizontal=True):
        search_similar = st.button(
            now.more_like, icon=":material/image_search:", type="primary", on_click=_search_similar, args=(hit.path,)
        )
        describe = st.button(
            now.describe_it, icon=":material/notes:", on_click=describe_view.describe, args=(hit.path,), key="describe"
        )
    if search_similar or describe:
        st.rerun()


def _render_picture(hit: Hit, files: PhotoFiles) -> None:
    if is_missing(hit.file):
        st.html(f'<p class="ps-full ps-missing">{escape(strings().missing)}</p>')
    else:
        uri = files.url(hit.id, "view")
        st.html(f'<figure class="ps-full"><img src="{uri}" alt="{escape(hit.path)}"></figure>')


def _render_navigation(hits: Sequence[Hit], position: int) -> None:
    """Draw two buttons that wrap around. A disabled one would lose the focus, so that Escape would not work."""
    now = strings()
    with st.container(horizontal=True, key="ps-turn", vertical_alignment="center", horizontal_alignment="distribute"):
        _open_button(now.previous, hits[position - 1], "Left")
        label = now.position.format(number=position + 1, count=len(hits))
        st.html(f'<p class="ps-hint ps-position" role="status">{label}</p>', width="content")
        _open_button(now.next, hits[(position + 1) % len(hits)], "Right")


def _open_button(label: str, hit: Hit, shortcut: str) -> None:
    st.button(label, on_click=_open, args=(hit.path,), shortcut=shortcut, key=f"turn-{shortcut}")


def _render_facts(hit: Hit, captions: Sequence[str]) -> None:
    now, confidence = strings(), confidence_of(hit)
    incomplete = f", {now.incomplete}" if hit.incomplete else ""
    rows = [
        (now.file, hit.path),
        (now.size, f"{hit.width} × {hit.height} ({hit.width * hit.height / 1e6:.1f} MP){incomplete}"),
        (now.taken, _date_of(hit)),
        (now.score, f"{hit.score:.3f}"),
        *((now.score_by.format(bundle=each.bundle), f"{each.score or 0:.3f}") for each in hit.scores[1:] if each.score),
        (now.matched, matched_in(hit)),
        (now.confidence, confidence),
    ]
    facts = "".join(f"<dt>{escape(name)}</dt><dd><bdi>{escape(value)}</bdi></dd>" for name, value in rows if value)
    st.html(f'<dl class="ps-facts ps-detail">{facts}</dl>')
    if not is_shared():
        st.code(str(hit.file), language=None, wrap_lines=True)  # has a button that copies the path
    if captions:
        items = "".join(f"<li>{escape(caption)}</li>" for caption in captions)
        st.html(f'<h3 class="ps-small">{now.captions}</h3><ul class="ps-captions">{items}</ul>')


def _date_of(hit: Hit) -> str:
    """Return the date of a photo, and where it comes from."""
    now = strings()
    names = {"exif": "EXIF", "xmp": "XMP", "sidecar": now.date_of_sidecar, "name": now.date_of_name}
    return f"{hit.taken} ({names[hit.taken_from]})" if hit.taken and hit.taken_from else ""


def _open(path: str) -> None:
    st.session_state["opened"] = path


def _close() -> None:
    st.session_state["opened"] = None


def _search_similar(path: str) -> None:
    """Search with this photo only; the user can add a text."""
    st.session_state.update(similar_to=path, photo=None, q="", opened=None)
