"""XMP and IPTC as programs write them, for tests that draw their photos."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image


def xmp(
    *, taken: str = "", title: str = "", keywords: Sequence[str] = (), description: str = "", more: str = ""
) -> bytes:
    """Return an XMP document as Lightroom writes it."""
    date = f'exif:DateTimeOriginal="{taken}"' if taken else ""
    bag = "".join(f"<rdf:li>{word}</rdf:li>" for word in keywords)
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" {date}>
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
   <dc:subject><rdf:Bag>{bag}</rdf:Bag></dc:subject>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{description}</rdf:li></rdf:Alt></dc:description>
   {more}
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>""".encode()


def iptc_dataset(record: int, number: int, value: bytes) -> bytes:
    """Return a dataset of IPTC-IIM."""
    return bytes([0x1C, record, number]) + len(value).to_bytes(2) + value


def jpeg(*, xmp: bytes = b"", iptc: bytes = b"", color: str = "red", exif: Image.Exif | None = None) -> bytes:
    """Return a JPEG with XMP and IPTC."""
    file = io.BytesIO()
    options = {key: value for key, value in {"xmp": xmp or None, "exif": exif}.items() if value is not None}
    Image.new("RGB", (64, 48), color).save(file, "JPEG", **options)
    data = file.getvalue()
    if iptc:
        block = b"8BIM" + (0x0404).to_bytes(2) + b"\0\0" + len(iptc).to_bytes(4) + iptc + b"\0" * (len(iptc) % 2)
        segment = b"Photoshop 3.0\0" + block
        data = data[:2] + b"\xff\xed" + (len(segment) + 2).to_bytes(2) + segment + data[2:]
    return data
