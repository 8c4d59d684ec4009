"""What the grid needs to act on selected photos."""

from __future__ import annotations

from typing import Any

from photoseek.page.photo_files import PhotoFiles
from photoseek.page.photo_zip import MAX_PHOTOS
from photoseek.page.strings import strings


def selection_data(files: PhotoFiles, album: str | None = None) -> dict[str, Any]:
    """Return the URL to which actions are sent, the maximum number of photos, and the texts.

    Args:
        files: The photos of the gallery.
        album: Name of the album that is shown, from which photos can be removed.
    """
    now = strings()
    texts = {
        "select_photo": now.select_photo,
        "selection": now.selection,
        "one_selected": now.one_selected,
        "selected": now.selected,
        "select_all": now.select_all,
        "clear_selection": now.clear_selection,
        "download": now.download,
        "copy_paths": now.copy_paths,
        "copied": now.copied,
        "not_copied": now.not_copied,
        "too_many": now.too_many.format(count=f"{MAX_PHOTOS:,}"),
        "action_failed": now.action_failed,
        "close": now.close,
        **album_texts(),
    }
    available = files.albums is not None
    return {"folder": files.root, "limit": MAX_PHOTOS, "albums": available, "album": album, "texts": texts}


def album_texts() -> dict[str, str]:
    """Return the texts of hearts and of the dialog that adds photos to an album."""
    now = strings()
    return {
        "favorite": now.favorite,
        "favorite_photo": now.favorite_photo,
        "add_to_album": now.add_to_album,
        "remove_from_album": now.remove_from_album,
        "create_album": now.create_album,
        "new_album": now.new_album,
        "added": now.added,
        "nothing_added": now.nothing_added,
    }
