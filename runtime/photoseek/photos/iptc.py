"""IPTC-IIM: the title, keywords and caption that older programs write into photos.

IPTC Information Interchange Model, version 4.2. Each dataset has a byte 0x1C, its record and number, and a
length.
"""

from __future__ import annotations

from collections.abc import Iterator

TITLE, KEYWORD, CAPTION = (2, 5), (2, 25), (2, 120)
"""Datasets of the model: object name, keywords, caption."""

_CHARSET = (1, 90)
_UTF8 = b"\x1b%G"
_MAX_BYTES = 1_000_000


def parse_iptc(data: bytes) -> dict[tuple[int, int], list[str]]:
    """Return the texts of each dataset, up to the first damaged record.

    Programs that record no character set write UTF-8, or else the set of their system, which is read as Latin-1.
    """
    found: dict[tuple[int, int], list[bytes]] = {}
    for dataset, value in _records(data[:_MAX_BYTES]):
        found.setdefault(dataset, []).append(value)
    utf8 = _UTF8 in found.get(_CHARSET, [])
    return {dataset: [_text(value, utf8) for value in values] for dataset, values in found.items()}


def _text(value: bytes, utf8: bool) -> str:
    try:
        return value.decode("utf-8", "replace" if utf8 else "strict")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _records(data: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    at = 0
    while data[at : at + 1] == b"\x1c" and at + 5 <= len(data):
        record, number, size = data[at + 1], data[at + 2], int.from_bytes(data[at + 3 : at + 5])
        at += 5
        if size & 0x8000:  # an extended length: the number of its bytes
            length = size & 0x7FFF
            if length > 4:
                return
            size = int.from_bytes(data[at : at + length])
            at += length
        if at + size > len(data):
            return
        yield (record, number), data[at : at + size]
        at += size
