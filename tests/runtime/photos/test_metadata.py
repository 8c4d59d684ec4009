"""Titles, keywords and dates of XMP and IPTC, and what damaged or hostile metadata does."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from photo_metadata import iptc_dataset, jpeg, xmp
from photoseek.photos.decode import decode_photo, photo_metadata
from photoseek.photos.metadata import Metadata, sidecar_names
from photoseek.photos.xmp import MAX_BYTES, Xmp, parse_xmp

DOCUMENT = xmp(taken="2019-08-24T15:30:12", title="The pier", keywords=["sea", "Brighton & Hove".replace("&", "&amp;")])


def test_xmp_in_a_jpeg_is_read() -> None:
    found = photo_metadata(jpeg(xmp=DOCUMENT))
    assert found == Metadata("2019-08-24 15:30:12", "", ("The pier",), ("sea", "Brighton & Hove"), ())


@pytest.mark.parametrize("name", ["TIFF", "WEBP", "AVIF"])
def test_xmp_in_other_formats_is_read(name: str) -> None:
    file = io.BytesIO()
    options = {"tiffinfo": {700: DOCUMENT}} if name == "TIFF" else {"xmp": DOCUMENT}
    Image.new("RGB", (64, 48)).save(file, name, **options)
    assert photo_metadata(file.getvalue()).keywords == ("sea", "Brighton & Hove")


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("at_the_end", [False, True])
def test_xmp_in_a_png_is_read(compressed: bool, at_the_end: bool) -> None:
    """ExifTool writes it after the pixels, where Pillow finds it only when these are decoded."""
    from PIL.PngImagePlugin import PngInfo

    file, info = io.BytesIO(), PngInfo()
    info.add_itxt("XML:com.adobe.xmp", DOCUMENT.decode(), zip=compressed)
    Image.new("RGB", (64, 48)).save(file, "PNG", pnginfo=info)
    data = file.getvalue()
    start, last = data.index(b"iTXt") - 4, data.index(b"IEND") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4])
    moved = data[:start] + data[end:last] + data[start:end] + data[last:]
    assert photo_metadata(moved if at_the_end else data).titles == ("The pier",)
    assert photo_metadata(moved[: -len(data) // 4] if at_the_end else data[:start]) == Metadata()


@pytest.mark.parametrize(("charset", "encoding"), [(b"\x1b%G", "utf-8"), (b"", "utf-8"), (b"", "latin-1")])
def test_iptc_is_read_in_its_character_set(charset: bytes, encoding: str) -> None:
    data = iptc_dataset(1, 90, charset) if charset else b""
    for number, text in ((5, "Café"), (25, "été"), (25, "mer"), (120, "Vue du café")):
        data += iptc_dataset(2, number, text.encode(encoding))
    found = photo_metadata(jpeg(iptc=data))
    assert found == Metadata("", "", ("Café",), ("été", "mer"), ("Vue du café",))


def test_iptc_and_xmp_of_one_photo_are_joined_without_repetition() -> None:
    data = iptc_dataset(2, 25, b"sea") + iptc_dataset(2, 25, b"gull")
    assert photo_metadata(jpeg(xmp=DOCUMENT, iptc=data)).keywords == ("sea", "gull", "Brighton & Hove")


def test_an_iptc_dataset_that_is_cut_off_ends_the_reading() -> None:
    whole, cut = iptc_dataset(2, 25, b"sea"), iptc_dataset(2, 25, b"gull")[:-2]
    assert photo_metadata(jpeg(iptc=whole + cut)).keywords == ("sea",)
    extended = bytes([0x1C, 2, 25, 0x80, 4]) + (2**31).to_bytes(4) + b"x"
    assert photo_metadata(jpeg(iptc=whole + extended)).keywords == ("sea",)


def test_hierarchical_keywords_are_split_into_their_levels() -> None:
    more = "<lr:hierarchicalSubject><rdf:Bag><rdf:li>Places|Europe|Paris</rdf:li></rdf:Bag></lr:hierarchicalSubject>"
    assert parse_xmp(xmp(keywords=["Paris"], more=more)).keywords == ("Paris", "Places", "Europe")


def test_dates_of_other_resources_and_of_its_history_are_not_the_photos() -> None:
    history = (
        "<xmpMM:History><rdf:Seq><rdf:li rdf:parseType='Resource'><photoshop:DateCreated>2001-01-01"
        "</photoshop:DateCreated></rdf:li></rdf:Seq></xmpMM:History><xmpMM:DerivedFrom><rdf:Description "
        "photoshop:DateCreated='2002-02-02'/></xmpMM:DerivedFrom>"
    )
    assert parse_xmp(xmp(more=history)).taken == ""
    element = "<photoshop:DateCreated>2003-03-03</photoshop:DateCreated>"
    assert parse_xmp(xmp(more=history + element)).taken == "2003-03-03"


ENTITY = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + DOCUMENT


@pytest.mark.parametrize(
    "document",
    [
        ENTITY,
        ENTITY.decode().encode("utf-16"),
        DOCUMENT[:-200],
        DOCUMENT.replace(b"rdf:RDF", b"other:RDF", 1),
        b"<a>" * 100_000,
        b"\xff\xfe\0",
        b"",
        DOCUMENT + b" " * MAX_BYTES,
    ],
)
def test_damaged_and_hostile_documents_say_nothing(document: bytes) -> None:
    assert parse_xmp(document) == Xmp()
    if len(document) < 60_000:
        data = jpeg(xmp=document)
        assert photo_metadata(data) == Metadata()
        assert decode_photo(data).width == 64


def test_texts_are_single_lines_of_printable_characters() -> None:
    found = parse_xmp(xmp(title="  The\n pier\t", keywords=["", " ", "a\u200eb", "sea", "sea"]))
    assert (found.titles, found.keywords) == (("The pier",), ("a b", "sea"))


def test_a_file_that_is_no_photo_has_no_metadata() -> None:
    assert photo_metadata(b"nothing") == Metadata()


def test_sidecars_precede_each_other_and_add_to_the_embedded_metadata() -> None:
    assert sidecar_names("IMG_1.jpg") == ("IMG_1.jpg.xmp", "IMG_1.jpg.XMP", "IMG_1.xmp", "IMG_1.XMP")
    own = Metadata("2018-01-01", "", ("Own",), ("sea",), ())
    documents = [xmp(title="First", keywords=["gull"]), xmp(taken="2020-01-01", title="Own", keywords=["sea", "pier"])]
    assert own.with_sidecars(documents) == Metadata(
        "2018-01-01", "2020-01-01", ("Own", "First"), ("sea", "gull", "pier"), ()
    )
