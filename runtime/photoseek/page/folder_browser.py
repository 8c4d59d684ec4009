"""A browser of the folders of this computer, to choose one with photos; for visitors on this computer only."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import streamlit as st

from photoseek.errors import GalleryNotFound
from photoseek.gallery.location import find_gallery, known_folder, photos_of
from photoseek.page import components, messages
from photoseek.page.exposure import is_shared
from photoseek.page.left_out_view import photo_count
from photoseek.page.strings import strings
from photoseek.sources.browse import MOST_PHOTOS, Subfolder, subfolders, usual_places
from photoseek.system.filenames import decode_filename, encode_filename
from photoseek.system.user_paths import absolute, why_no_folder

_AT = "browsed-folder"  # in the session: the folder whose folders are listed
_BROWSING = "browsing"  # in the session: whether the dialog is open
_CHOSEN = "folder-chosen"  # in the session: whether one was chosen since the page was drawn


def render_browse_button(label: str, key: str, width: Literal["content", "stretch"] = "content") -> None:
    """Draw a button that opens the browser in a dialog, see ``render_dialog``."""
    st.button(label, icon=":material/folder_open:", key=key, width=width, on_click=_set_browsing, args=(True,))


def render_dialog() -> None:
    """Draw the dialog if it is open; what happens in the background runs the page again, and does not close it."""
    if not is_shared() and st.session_state.get(_BROWSING):
        st.dialog(strings().choose_folder, width="medium", on_dismiss=lambda: _set_browsing(False))(_render)("dialog")


def _set_browsing(opened: bool) -> None:
    st.session_state[_BROWSING] = opened


@st.fragment
def render_folder_browser() -> None:
    """Draw the browser on the page."""
    _render("page")


def _render(place: str) -> None:
    if is_shared():
        return
    if st.session_state.pop(_CHOSEN, False):
        st.rerun()
    now, folder = strings(), _current()
    try:
        inside, more = subfolders(folder)
        note = now.and_more_folders.format(count=f"{more:,}") if more else "" if inside else now.no_folders
    except GalleryNotFound as error:
        inside, note = [], str(error)
    messages.hint(now.choose_folder_hint)
    data = {
        "here": _text(folder),
        "places": [{"name": _place_name(each), "path": _text(each)} for each in usual_places()],
        "crumbs": [{"name": each.name or "/", "path": _text(each)} for each in (*reversed(folder.parents), folder)],
        "folders": [_row(each) for each in inside if not _is_inside_its_photos(each.path)],
        "note": note,
        "texts": {
            "places": now.places,
            "path": now.file,
            "folders": now.folders_inside,
            "indexed": now.indexed_folder,
            "use": now.use_folder.format(name=_text(Path(folder.name or "/"))),
        },
    }
    key = f"folders-{place}"
    components.render_component("folders", key, data, opened=lambda: _open(key), chosen=lambda: _choose(key))


def _row(folder: Subfolder) -> dict[str, Any]:
    now, photos = strings(), folder.photos or 0
    return {
        "name": _text(Path(folder.path.name)),
        "path": _text(folder.path),
        "photos": now.many_photos.format(count=f"{photos:,}") if photos == MOST_PHOTOS else photo_count(photos),
        "indexed": find_gallery(folder.path) is not None,
    }


def _is_inside_its_photos(folder: Path) -> bool:
    """Return whether a folder is a gallery that is stored among its photos, under a name of the person's choice."""
    photos = photos_of(folder)
    return photos is not None and folder.is_relative_to(photos)


def _place_name(folder: Path) -> str:
    return strings().home if folder == Path.home() else _text(Path(folder.name or "/"))


def _current() -> Path:
    """Return the folder that was opened last, else the one nearest to the typed one, else that of pictures.

    For a gallery, it is the folder of its photos.
    """
    folder = st.session_state.get(_AT)
    if folder is None:
        typed = str(st.session_state.get("gallery") or "")
        folder = absolute(typed) if typed else usual_places()[-1 if len(usual_places()) == 1 else 1]
        folder = photos_of(folder) or folder
    return next((each for each in (folder, *folder.parents) if why_no_folder(each) is None), Path.home())


def _open(key: str) -> None:
    if (folder := _event(key, "opened")) is not None:
        st.session_state[_AT] = folder


def _choose(key: str) -> None:
    if (folder := _event(key, "chosen")) is not None:
        choose_folder(folder)
        st.session_state[_CHOSEN] = True


def choose_folder(folder: Path) -> None:
    """Open a folder as if its path had been typed."""
    folder = known_folder(folder)
    st.session_state.update({"gallery": _text(folder), _AT: folder, _BROWSING: False})


def _event(key: str, name: str) -> Path | None:
    """Return the folder of an event, which any program can send, or None if it is not one of this computer."""
    path = components.component_value(key, name)
    if is_shared() or not isinstance(path, str) or not path.startswith("/"):
        return None
    folder = Path(encode_filename(path))
    return folder if why_no_folder(folder) is None else None


def _text(path: Path) -> str:
    return decode_filename(str(path))
