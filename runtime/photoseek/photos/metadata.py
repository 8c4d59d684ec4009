"""Metadata of a photo besides its date by EXIF: camera, dates, titles, keywords, captions; also of XMP files by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from PIL import Image

from photoseek.photos.camera import exif_camera
from photoseek.photos.iptc import CAPTION, KEYWORD, TITLE, parse_iptc
from photoseek.photos.xmp import Xmp, lines, parse_xmp, png_xmp
from photoseek.photos.xmp_keywords import SUBJECT, Keywords, read_keywords

SIDECAR_SUFFIXES = (".xmp", ".XMP")
"""Suffixes of XMP files."""

_IPTC_OF_JPEG, _IPTC_OF_TIFF = 0x0404, 33723
_MAX_TITLES, _MAX_KEYWORDS = 10, 500
_MAX_CHARACTERS = 2_000  # of a text


@dataclass(frozen=True)
class Metadata:
    """What the gallery records of a photo at a path.

    Attributes:
        xmp_taken: Date by the XMP in the file, see ``iso_taken``; empty if there is none.
        sidecar_taken: Date by an XMP file beside it, likewise.
        titles: Titles.
        keywords: Keywords.
        descriptions: Captions.
        camera: Make and model of the camera by EXIF, see ``camera_name``; empty if there is none.
    """

    xmp_taken: str = ""
    sidecar_taken: str = ""
    titles: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()
    camera: str = ""

    def with_sidecars(self, documents: Iterable[bytes]) -> Metadata:
        """Return the metadata with that of XMP files beside the photo, the one that precedes first."""
        found = [parse_xmp(document) for document in documents]
        return replace(
            self,
            sidecar_taken=next((xmp.taken for xmp in found if xmp.taken), ""),
            titles=_limited((*self.titles, *(text for xmp in found for text in xmp.titles)), _MAX_TITLES),
            keywords=_limited((*self.keywords, *(text for xmp in found for text in xmp.keywords)), _MAX_KEYWORDS),
            descriptions=_limited(
                (*self.descriptions, *(text for xmp in found for text in xmp.descriptions)), _MAX_TITLES
            ),
        )


def metadata_of(image: Image.Image, data: bytes) -> Metadata:
    """Return the metadata in an open file, of which ``data`` is the content; damaged ones are left out."""
    document, iptc = _embedded(image, data)
    xmp = parse_xmp(document) if document is not None else Xmp()
    return Metadata(
        xmp.taken,
        "",
        _limited((*lines(iptc.get(TITLE, ())), *xmp.titles), _MAX_TITLES),
        _limited((*lines(iptc.get(KEYWORD, ())), *xmp.keywords), _MAX_KEYWORDS),
        _limited((*lines(iptc.get(CAPTION, ())), *xmp.descriptions), _MAX_TITLES),
        exif_camera(image, data),
    )


def keywords_of(image: Image.Image, data: bytes) -> Keywords:
    """Return the lists of keywords in an open file, as ``metadata_of`` reads it; those of IPTC are plain ones."""
    document, iptc = _embedded(image, data)
    plain = lines(iptc.get(KEYWORD, ()))
    return {**({SUBJECT: plain} if plain else {}), **(read_keywords(document) if document is not None else {})}


def sidecar_names(name: str) -> tuple[str, ...]:
    """Return the names that the XMP file beside a photo may have, the one that precedes first."""
    stem = name[: name.rfind(".")] if "." in name else name
    return tuple(f"{start}{suffix}" for start in dict.fromkeys((name, stem)) for suffix in SIDECAR_SUFFIXES)


def _embedded(image: Image.Image, data: bytes) -> tuple[bytes | None, dict[tuple[int, int], list[str]]]:
    """Return the XMP document and the IPTC datasets in a file."""
    try:
        document = image.info.get("xmp") or (png_xmp(data) if image.format == "PNG" else None)
        return document if isinstance(document, bytes) else None, parse_iptc(_iptc(image))
    except Exception:  # of a format's plugin; damaged metadata does not make the photo unreadable
        return None, {}


def _iptc(image: Image.Image) -> bytes:
    resources = image.info.get("photoshop")
    found = resources.get(_IPTC_OF_JPEG) if isinstance(resources, dict) else None
    if found is None:
        found = getattr(image, "tag_v2", {}).get(_IPTC_OF_TIFF)
    if isinstance(found, tuple) and all(isinstance(word, int) for word in found):  # a TIFF may store longs
        order = "big" if image.tag_v2.prefix == b"MM" else "little"  # type: ignore[attr-defined]
        found = b"".join(word.to_bytes(4, order) for word in found)
    return found if isinstance(found, bytes) else b""


def _limited(texts: Iterable[str], most: int) -> tuple[str, ...]:
    return tuple(text[:_MAX_CHARACTERS] for text in dict.fromkeys(texts))[:most]
