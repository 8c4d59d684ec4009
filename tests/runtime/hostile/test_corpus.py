"""A corpus of small damaged photos from ``photo_mutations``, one for each class of decoder errors."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from photoseek.errors import PhotoError
from photoseek.gallery.thumbnails import make_thumbnail, thumbnail
from photoseek.photos.decode import decode_photo, exif_date, photo_format

CORPUS = sorted(Path(__file__).with_name("corpus").iterdir())


def test_the_corpus_is_small_and_has_each_class_of_error() -> None:
    """Named by format, class and number: ``gif-ValueError-0``."""
    classes = {
        "OSError",
        "ValueError",
        "TypeError",
        "RuntimeError",
        "SyntaxError",
        "EOFError",
        "UnidentifiedImageError",
    }
    assert classes | {"DecompressionBombError", "PhotoError"} <= {file.name.rsplit("-", 2)[1] for file in CORPUS}
    assert max(file.stat().st_size for file in CORPUS) <= 2_000


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.name)
def test_every_function_refuses_a_damaged_photo_with_a_reason(file: Path) -> None:
    data = file.read_bytes()
    for decode in (decode_photo, make_thumbnail):
        with pytest.raises(PhotoError, match=r"\w"):
            decode(data)
    with pytest.raises(PhotoError, match=r"\w"):
        thumbnail(file)
    assert isinstance(exif_date(file), str)
    with suppress(PhotoError):  # most of the headers are intact
        assert photo_format(file)
