"""Keywords of an XMP document, and documents with one more; every other byte of a document stays unchanged.

An XMP file contains the edits of a raw converter, so it is not parsed and written again: new elements are inserted.

Programs read one list of keywords, the first that is not empty of those they know: darktable ``hierarchicalSubject``,
else ``subject`` (``src/common/exif.cc``); digiKam ``TagsList``, ``LastKeywordXMP``, ``hierarchicalSubject``,
``CatalogSets``, else ``subject`` (``dmetadatasettingscontainer.cpp``). Of a file and the XMP file beside it, they read
the list of the latter. So a keyword is added to each list that one of both has, with what the list contains.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pyexpat import XMLParserType
from typing import TypeAlias
from xml.sax.saxutils import escape

from photoseek.photos.xmp import CONTAINERS, DAMAGED, DC, ITEM, LIGHTROOM, MAX_BYTES, MAX_DEPTH, TOP, xmp_parser

Keywords: TypeAlias = Mapping[str, Sequence[str]]
"""The items of each list of keywords, by its name with the usual prefix: ``dc:subject``."""

SUBJECT = "dc:subject"
"""The list of plain keywords, which every program reads and writes."""

NO_KEYWORDS = b"""<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""/>
 </rdf:RDF>
</x:xmpmeta>
"""
"""A document without properties."""

_HIERARCHY = "lr:hierarchicalSubject"
_SPACES = {
    SUBJECT: DC,
    _HIERARCHY: LIGHTROOM,
    "digiKam:TagsList": "http://www.digikam.org/ns/1.0/",
    "MicrosoftPhoto:LastKeywordXMP": "http://ns.microsoft.com/photo/1.0/",
    "mediapro:CatalogSets": "http://ns.iview-multimedia.com/mediapro/1.0/",
}
_SEPARATORS = {"digiKam:TagsList": "/", "MicrosoftPhoto:LastKeywordXMP": "/"}  # of levels; else |
_ORDERED = {"digiKam:TagsList"}  # a Seq, and not a Bag
_NAMES = {f"{space} {name.partition(':')[2]}": name for name, space in _SPACES.items()}
_DAMAGED, _OTHER_FORM = "damaged, or not XMP", "of a program that describes keywords in another form"
_TAG = re.compile(rb"""<([^\s/>]+)(?:[^>"']|"[^"]*"|'[^']*')*>""")


class UnknownForm(ValueError):
    """A document to which no keyword can be added."""


def read_keywords(document: bytes) -> Keywords:
    """Return the keywords of a document; none if it is damaged, too long or too deep, or has a DTD."""
    try:
        return _read(document).items
    except UnknownForm:
        return {}


def with_keyword(document: bytes, keyword: str, parent: str, embedded: Keywords | None = None) -> bytes:
    """Return a document with a keyword, which is below another one in lists that have levels.

    Args:
        document: The document.
        keyword: The keyword, without control characters. In lists with levels, a character that separates levels
            becomes a dash.
        parent: The keyword of the level above.
        embedded: Keywords in the photo, which those of an XMP file beside it replace.

    Raises:
        UnknownForm: The document is damaged or too long, has a DTD or is not in UTF-8, or describes keywords in
            another form than that of the standard.
    """
    document = document.strip(b"\0 \t\r\n")
    found, known = _read(document), {name: items for name, items in (embedded or {}).items() if items}
    created = {SUBJECT, *known} | (set() if found.items or known else {_HIERARCHY})
    changes: list[tuple[int, int, bytes]] = []
    properties: list[bytes] = []
    for name in _SPACES:
        level = keyword if name == SUBJECT else _path(keyword, parent, _SEPARATORS.get(name, "|"))
        if name in found.lists:
            if level not in found.items.get(name, ()):
                changes.append(_inside(document, found.lists[name], _items(found.lists[name].prefix, [level])))
        elif name in created:
            texts = list(dict.fromkeys((*known.get(name, ()), level)))
            properties.append(_property(name, texts, found.description.prefix))
    if properties:
        changes.append(_inside(document, found.description, b"".join(properties)))
    for start, end, content in sorted(changes, reverse=True):
        document = document[:start] + content + document[end:]
    if keyword not in _read(document).items.get(SUBJECT, ()):
        raise UnknownForm(_OTHER_FORM)
    return document + b"\n"


@dataclass(frozen=True)
class _Element:
    """An element: its first tag, and the position of its last one."""

    tag: re.Match[bytes]
    end: int

    @property
    def prefix(self) -> bytes:
        """The prefix of its name, with the colon."""
        before, colon, _ = self.tag[1].rpartition(b":")
        return before + colon


@dataclass
class _Found:
    """Where the keywords of a document are.

    Attributes:
        description: The first description of the photo.
        lists: The elements with the items, by the name of the list.
        items: The items.
    """

    description: _Element
    lists: dict[str, _Element]
    items: dict[str, list[str]]


def _read(document: bytes) -> _Found:
    document = document.strip(b"\0 \t\r\n")
    if len(document) > MAX_BYTES:
        raise UnknownForm("too long")
    if b"\0" in document:
        raise UnknownForm("not in UTF-8")
    parser = xmp_parser()
    reader = _Reader(document, parser)
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text.append
    try:
        parser.Parse(document, True)
    except UnknownForm:
        raise
    except DAMAGED as error:
        raise UnknownForm(_DAMAGED) from error
    if reader.description is None:
        raise UnknownForm(_DAMAGED)
    return _Found(reader.description, reader.lists, reader.items)


@dataclass
class _Reader:
    """Handlers of the parser that find the lists of keywords of the photo, and of no other resource."""

    document: bytes
    parser: XMLParserType
    description: _Element | None = None
    lists: dict[str, _Element] = field(default_factory=dict)
    items: dict[str, list[str]] = field(default_factory=dict)
    above: list[tuple[str, int]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Handle the start of an element."""
        self.above.append((name, self.parser.CurrentByteIndex))
        self.text.clear()
        path = self._path()
        in_attribute = path == TOP and _NAMES.keys() & attributes.keys()
        if len(self.above) > MAX_DEPTH or in_attribute or (self._list(path[:3]) and len(path) == 3 and attributes):
            raise UnknownForm(_OTHER_FORM)

    def end(self, _: str) -> None:
        """Handle the end of an element."""
        path, text, name = self._path(), "".join(self.text).strip(), self._list(self._path()[:3])
        if path == TOP and self.description is None:
            self.description = self._element()
        elif name and len(path) == 3 and (text or name not in self.lists):
            raise UnknownForm(_OTHER_FORM)
        elif name and len(path) == 4 and path[3] in CONTAINERS:
            self.lists.setdefault(name, self._element())
        elif name and len(path) == 5 and path[4] == ITEM and text:
            self.items.setdefault(name, []).append(text)
        self.text.clear()
        self.above.pop()

    def _path(self) -> tuple[str, ...]:
        """Return the names of the current element and of those around it, from the top of the description on."""
        names = tuple(name for name, _ in self.above)
        return names[names.index(TOP[0]) :] if TOP[0] in names else ()

    def _list(self, path: tuple[str, ...]) -> str:
        """Return the list of keywords that the property at a path is; an empty text if it is another property."""
        return _NAMES.get(path[2], "") if len(path) == 3 and path[:2] == TOP else ""

    def _element(self) -> _Element:
        tag = _TAG.match(self.document, self.above[-1][1])
        if tag is None:
            raise UnknownForm(_DAMAGED)
        return _Element(tag, self.parser.CurrentByteIndex)


def _inside(document: bytes, element: _Element, content: bytes) -> tuple[int, int, bytes]:
    """Return start and end of what content at the end of an element replaces, and the bytes that replace it."""
    after = element.tag.end()
    if document[after - 2 : after] == b"/>":
        return after - 2, after, b">" + content + b"</" + element.tag[1] + b">"
    return element.end, element.end, content


def _property(name: str, texts: Sequence[str], rdf: bytes) -> bytes:
    prefix, space = name.partition(":")[0].encode(), _SPACES[name].encode()
    kind = rdf + (b"Seq" if name in _ORDERED else b"Bag")
    listed = b"<%b>%b</%b>" % (kind, _items(rdf, texts), kind)
    return b'<%b xmlns:%b="%b">%b</%b>' % (name.encode(), prefix, space, listed, name.encode())


def _items(rdf: bytes, texts: Sequence[str]) -> bytes:
    """Return items as ASCII, which every encoding of a document contains."""
    return b"".join(
        b"<%bli>%b</%bli>" % (rdf, escape(text).encode("ascii", "xmlcharrefreplace"), rdf) for text in texts
    )


def _path(keyword: str, parent: str, separator: str) -> str:
    return separator.join((parent, keyword.replace(separator, "-")))
