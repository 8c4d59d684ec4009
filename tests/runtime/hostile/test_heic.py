"""HEIC photos: decoded with the extra, reported without it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoseek import Bundle, Gallery
from photoseek.photos import formats
from photoseek.photos.decode import decode_photo, exif_date, open_photo, photo_format
from photoseek.photos.formats import SUFFIXES
from tiny_bundle import COLORS

needs_heif = pytest.mark.skipif(not formats.can_decode_heif(), reason="pillow-heif is not installed")


@needs_heif
def test_a_heic_photo_is_decoded_with_the_extra(photos: Path, tiny_bundle: Bundle) -> None:
    formats.register_heif()
    exif = Image.Exif()
    exif[0x0132] = "2024:05:17 10:11:12"
    file = io.BytesIO()
    Image.new("RGB", (64, 48), COLORS["red"]).save(file, "HEIF", exif=exif)
    data = file.getvalue()
    assert np.abs(np.asarray(open_photo(data), dtype=int) - COLORS["red"]).max() < 12
    (photos / "IMG_0001.HEIC").write_bytes(data)
    assert photo_format(photos / "IMG_0001.HEIC") == "HEIF"
    assert exif_date(photos / "IMG_0001.HEIC") == decode_photo(data).taken == "2024-05-17 10:11:12"
    gallery = Gallery.create(photos, tiny_bundle)
    assert (gallery.index().encoded, gallery.unreadable()) == (25, [])


def test_without_the_extra_a_heic_photo_is_reported_with_the_command_that_installs_it(
    photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {".heic", ".heif"} < SUFFIXES
    (photos / "IMG_0001.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    with monkeypatch.context() as patch:
        patch.setattr(formats, "can_decode_heif", lambda: False)
        gallery = Gallery.create(photos, tiny_bundle)
        assert gallery.index().unreadable == [("IMG_0001.HEIC", formats.INSTALL_HINT)]
        assert "pip install 'photoseek[heic]'" in formats.INSTALL_HINT
        revision = gallery.database.revision()
        gallery.index()
        assert gallery.database.revision() == revision
    if formats.can_decode_heif():  # tried again although the file did not change
        assert gallery.index().unreadable[0][1] != formats.INSTALL_HINT
