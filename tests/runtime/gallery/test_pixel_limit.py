"""The limit of pixels is an option, which a gallery keeps; refused photos are tried again when it changes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from photoseek import Bundle, Gallery, Searcher
from photoseek.errors import QueryError
from photoseek.gallery.database.pixel_limit import max_pixels
from photoseek.gallery.thumbnails import make_thumbnail
from photoseek.photos import formats
from photoseek.photos.decode import decode_photo
from tiny_bundle import COLORS
from typed_commands import photoseek_command

LARGE = "large.png"
REASON = "2000 x 1000 pixels; at most 1 million are decoded; --pixel-limit 2 raises the limit"


@pytest.fixture
def large(photos: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photo of two million pixels, where one million is the default."""
    monkeypatch.setattr(formats, "MAX_PIXELS", 1_000_000)
    Image.new("RGB", (2000, 1000), COLORS["red"]).save(photos / LARGE)
    return photos


def test_a_refused_photo_names_the_option_that_reads_it(large: Path, tiny_bundle: Bundle) -> None:
    gallery = Gallery.create(large, tiny_bundle)
    assert gallery.index().unreadable == [(LARGE, REASON)]
    assert gallery.index().encoded == 0
    report = gallery.index(pixel_limit=2)
    assert (report.unreadable, report.encoded) == ([], 1)
    assert Searcher(gallery).search(similar_to=LARGE, k=1)[0].score > 0.9


def test_a_gallery_keeps_the_limit(large: Path, tiny_bundle: Bundle) -> None:
    gallery = Gallery.create(large, tiny_bundle)
    assert max_pixels(gallery.database) is None
    gallery.index(pixel_limit=2)
    Image.new("RGB", (1500, 1300), COLORS["blue"]).save(large / "later.png")
    assert gallery.index().unreadable == []
    assert max_pixels(gallery.database) == 2_000_000
    Image.new("RGB", (1500, 1400), COLORS["blue"]).save(large / "larger.png")
    assert [path for path, _ in gallery.index().unreadable] == ["larger.png"]
    assert gallery.index(pixel_limit=3).unreadable == []


def test_other_unreadable_photos_are_not_tried_again(
    large: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    (large / "broken.jpg").write_bytes(b"\xff\xd8\xff" + bytes(100))
    gallery = Gallery.create(large, tiny_bundle)
    gallery.index()
    decoded: list[int] = []
    decode = decode_photo
    monkeypatch.setattr(
        "photoseek.gallery.indexing.pipeline.decode_photo",
        lambda data, *sizes, **limits: decoded.append(len(data)) or decode(data, *sizes, **limits),
    )
    gallery.index(pixel_limit=2)
    assert decoded == [(large / LARGE).stat().st_size]


@pytest.mark.parametrize("limit", [0, -1, 2_148, 1.5, True, "150"])
def test_an_invalid_limit_is_refused(gallery: Gallery, limit: object) -> None:
    with pytest.raises(QueryError, match="pixel limit: expected 1 to 2,147 megapixels"):
        gallery.index(pixel_limit=limit)  # type: ignore[arg-type]


def test_the_limit_holds_for_every_step_of_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MAX_PIXELS", 1_000_000)
    monkeypatch.setattr(formats, "MAX_JPEG_PIXELS", 1_500_000)
    picture = Image.new("RGB", (2000, 1000), COLORS["red"])
    for form in ("PNG", "JPEG", "BMP"):
        file = io.BytesIO()
        picture.save(file, form)
        assert decode_photo(file.getvalue(), 100, max_pixels=2_000_000).width == 2000
        assert len(make_thumbnail(file.getvalue(), 100, 2_000_000)) > 100


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_raised_limit_is_above_that_of_pillow() -> None:
    file = io.BytesIO()
    Image.new("1", (20_000, 9_500)).save(file, "PNG")
    assert decode_photo(file.getvalue(), 100, max_pixels=190_000_000).width == 20_000


def test_the_commands_have_the_option(photos: Path) -> None:
    Image.new("1", (16_000, 10_000)).save(photos / "scan.png")
    reason = "16000 x 10000 pixels; at most 150 million are decoded; --pixel-limit 160 raises the limit"
    assert f"unreadable: scan.png: {reason}" in photoseek_command("index", photos).stderr
    assert "scan.png" not in photoseek_command("index", photos, "--pixel-limit", "160").stderr
    query = ["search", "--gallery", photos, "-k", "1", "--image", photos / "scan.png"]
    assert reason in photoseek_command(*query).stderr
    assert "scan.png" in photoseek_command(*query, "--pixel-limit", "160").stdout
    assert "expected 1 to 2,147 megapixels" in photoseek_command(*query, "--pixel-limit", "0").stderr


def test_refused_photos_are_tried_again_once_by_a_version_with_other_decoders(
    large: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = Gallery.create(large, tiny_bundle)
    gallery.index()
    with gallery.database.writing() as connection:
        connection.execute("DELETE FROM meta WHERE key = 'decoders'")  # as in a gallery of an older version
    monkeypatch.setattr(formats, "MAX_PIXELS", 150_000_000)
    assert gallery.index().unreadable == []
    (large / "broken.jpg").write_bytes(b"\xff\xd8\xff" + bytes(100))
    gallery.index()
    revision = gallery.database.revision()
    gallery.index()
    assert gallery.database.revision() == revision
