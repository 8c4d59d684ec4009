"""Names of albums as the page shows them."""

from __future__ import annotations

from photoseek.gallery.albums import FAVORITES
from photoseek.page.strings import CATALOGUES, strings

_FAVORITES = (FAVORITES, *(texts.favorites for texts in CATALOGUES.values()))


def album_label(name: str) -> str:
    """Return the name of an album as the page shows it."""
    return strings().favorites if name == FAVORITES else name


def is_favorites(name: str) -> bool:
    """Return whether a typed name is that of the favorites, in any language of the page."""
    return name.strip() in _FAVORITES
