"""What the grid needs to act on selected photos."""

from __future__ import annotations

from typing import Any

from photoseek.page.photo_files import PhotoFiles
from photoseek.page.photo_zip import MAX_PHOTOS
from photoseek.page.strings import strings


def selection_data(files: PhotoFiles) -> dict[str, Any]:
    """Return the URL to which actions are sent, the maximum number of photos, and the texts."""
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
    }
    return {"folder": files.root, "limit": MAX_PHOTOS, "texts": texts}
