"""XMP: the date, title and keywords that programs write into a photo, or into a file beside it.

ISO 16684-1. Read with the standard library's expat; a document with a DTD, which could define entities, is refused.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pyexpat import ExpatError, ParserCreate, XMLParserType

from photoseek.photos.dates import iso_taken

MAX_BYTES = 4_000_000
"""A longer document is not read: it has develop settings or pictures of programs."""

DC = "http://purl.org/dc/elements/1.1/"
LIGHTROOM = "http://ns.adobe.com/lightroom/1.0/"
"""Namespaces of plain and of hierarchical keywords."""

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_EXIF = "http://ns.adobe.com/exif/1.0/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"

_DATES = tuple(
    f"{space} {name}"
    for space, name in (
        (_EXIF, "DateTimeOriginal"),
        (_PHOTOSHOP, "DateCreated"),
        (_EXIF, "DateTimeDigitized"),
        (_XMP, "CreateDate"),
    )
)
_TITLE, _KEYWORDS, _DESCRIPTION = (f"{DC} {name}" for name in ("title", "subject", "description"))
_HIERARCHY = f"{LIGHTROOM} hierarchicalSubject"
_NEEDED = frozenset((*_DATES, _TITLE, _KEYWORDS, _DESCRIPTION, _HIERARCHY))

TOP = (f"{_RDF} RDF", f"{_RDF} Description")
CONTAINERS = frozenset(f"{_RDF} {name}" for name in ("Alt", "Bag", "Seq"))
ITEM = f"{_RDF} li"
"""Elements around the properties of a photo, around the items of a list, and of an item."""

MAX_DEPTH = 64
"""Maximum number of nested elements; the properties that are read have six."""

_PNG, _PNG_KEYWORD = b"\x89PNG\r\n\x1a\n", b"XML:com.adobe.xmp\0"
_MAX_CHUNKS = 100_000  # of a PNG; one of 512 MB has 65,000 of the usual size


@dataclass(frozen=True)
class Xmp:
    """What a document says of a photo; each text is a line.

    Attributes:
        taken: As ``iso_taken`` returns it.
        titles: Its title, perhaps in several languages.
        keywords: Its keywords, each level of a hierarchical one by itself.
        descriptions: Its caption, perhaps in several languages.
    """

    taken: str = ""
    titles: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()


def parse_xmp(document: bytes) -> Xmp:
    """Return what a document says; nothing if it is damaged, too long or too deep, or has a DTD."""
    if len(document) > MAX_BYTES:
        return Xmp()
    reader = _Reader()
    try:
        _parse(document.strip(b"\0 \t\r\n"), reader)
    except DAMAGED:
        return Xmp()
    found = reader.values
    hierarchy = (part for text in found.get(_HIERARCHY, ()) for part in text.split("|"))
    return Xmp(
        next(filter(None, (iso_taken(text) for name in _DATES for text in found.get(name, ()))), ""),
        lines(found.get(_TITLE, ())),
        lines((*found.get(_KEYWORDS, ()), *hierarchy)),
        lines(found.get(_DESCRIPTION, ())),
    )


def png_xmp(data: bytes) -> bytes | None:
    """Return the document in the chunks of a PNG, which Pillow reads only up to the pixels; None if there is none."""
    for kind, start, end in _chunks(data):
        if kind == b"iTXt" and data.startswith(_PNG_KEYWORD, start):
            flag, rest = data[start + len(_PNG_KEYWORD)], data[start + 2 + len(_PNG_KEYWORD) : end]
            document = rest.split(b"\0", 2)[-1]  # after the language and the translated keyword
            return _inflated(document) if flag else document
    return None


def png_exif(data: bytes) -> bytes:
    """Return the EXIF in the chunks of a PNG, of which Pillow reads those after the pixels with these; or nothing."""
    return next((data[start:end] for kind, start, end in _chunks(data) if kind == b"eXIf"), b"")


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the type of each chunk of a PNG, and where its data start and end."""
    at = len(_PNG)
    for _ in range(_MAX_CHUNKS if data.startswith(_PNG) else 0):
        if at + 8 > len(data):
            break
        end = at + 8 + int.from_bytes(data[at : at + 4])
        yield data[at + 4 : at + 8], at + 8, end
        at = end + 4


def _inflated(document: bytes) -> bytes:
    found = zlib.decompressobj().decompress(document, MAX_BYTES + 1)
    return found if len(found) <= MAX_BYTES else b""


def lines(texts: Iterable[str]) -> tuple[str, ...]:
    """Return distinct texts that are not empty, each as one line without control characters."""
    cleaned = (" ".join("".join(char if char.isprintable() else " " for char in text).split()) for text in texts)
    return tuple(dict.fromkeys(filter(None, cleaned)))


class RefusedDocument(Exception):
    """The document has a DTD, or too many levels."""


DAMAGED = (ExpatError, RefusedDocument, ValueError, LookupError)
"""Errors of ``Parse`` of ``xmp_parser``; an unknown encoding is a LookupError."""


def xmp_parser() -> XMLParserType:
    """Return a parser that refuses a DTD; names of elements and attributes are the namespace, a space, and the name."""
    parser = ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    return parser


@dataclass
class _Reader:
    """Handlers of the parser that collect the needed properties of the photo, and of no other resource in it."""

    values: dict[str, list[str]] = field(default_factory=dict)
    above: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Handle the start of an element; a property may be an attribute of the description."""
        self.above.append(name)
        if len(self.above) > MAX_DEPTH:
            raise RefusedDocument
        self.text.clear()
        if tuple(self.above[-2:]) == TOP and self.above.count(TOP[0]) == 1:
            for each in _NEEDED & attributes.keys():
                self.values.setdefault(each, []).append(attributes[each])

    def end(self, _: str) -> None:
        """Handle the end of an element, whose text may be the value of a property."""
        if (name := self._property()) in _NEEDED:
            self.values.setdefault(name, []).append("".join(self.text))
        self.text.clear()
        self.above.pop()

    def _property(self) -> str:
        """Return the property of which the current element is a value."""
        path = self.above[self.above.index(TOP[0]) :] if TOP[0] in self.above else []
        if tuple(path[:2]) != TOP or not (len(path) == 3 or (len(path) == 5 and path[3] in CONTAINERS)):
            return ""
        return path[2] if len(path) == 3 or path[4] == ITEM else ""


def _refuse(*_: object) -> None:
    raise RefusedDocument


def _parse(document: bytes, reader: _Reader) -> None:
    parser = xmp_parser()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text.append
    parser.Parse(document, True)
