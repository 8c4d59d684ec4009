"""A keyword is added to the lists of an XMP document that programs read, and nothing else changes."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from photo_metadata import iptc_dataset, jpeg, xmp
from photoseek.photos.decode import photo_keywords
from photoseek.photos.xmp import MAX_BYTES, parse_xmp
from photoseek.photos.xmp_keywords import NO_KEYWORDS, UnknownForm, read_keywords, with_keyword

DARKTABLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:darktable="http://darktable.sf.net/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
   xmp:Rating="4"
   darktable:note="a &lt; b&#xA;c">
   <dc:subject>
    <rdf:Seq>
     <rdf:li>sea</rdf:li>
    </rdf:Seq>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Seq>
     <rdf:li>nature|sea</rdf:li>
    </rdf:Seq>
   </lr:hierarchicalSubject>
   <darktable:history>
    <rdf:Seq>
     <rdf:li darktable:num="0" darktable:params="gz03eJxjYGBgkGLAA"/>
    </rdf:Seq>
   </darktable:history>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>"""
DIGIKAM = xmp(
    keywords=["gull"],
    more='<d:TagsList xmlns:d="http://www.digikam.org/ns/1.0/"><rdf:Seq><rdf:li>birds/gull</rdf:li></rdf:Seq></d:TagsList>',
)
LIGHTROOM = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<!-- <r:Description> --><r:Description r:about='uuid:1' xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
 crs:Text="x > y" crs:Exposure2012="+0.50"/></r:RDF></x:xmpmeta>"""
DEFAULT = b"""<RDF xmlns="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><Description about="">
<s:subject xmlns:s="http://purl.org/dc/elements/1.1/"><Bag/></s:subject></Description></RDF>"""
LATIN = b'<?xml version="1.0" encoding="ISO-8859-1"?>' + xmp(title="Café").decode().replace("\ufeff", "").encode(
    "latin-1"
)
LISTS = ["subject", "hierarchicalSubject", "TagsList"]
OTHER_FORMS = "another form"


def rest(document: bytes) -> str:
    """Return a document without its lists of keywords."""
    tree = ElementTree.fromstring(document)
    for parent in tree.iter():
        for each in [each for each in parent if each.tag.rpartition("}")[2] in LISTS]:
            parent.remove(each)
    return ElementTree.canonicalize(ElementTree.tostring(tree), strip_text=True)


def test_a_new_document_has_a_plain_and_a_hierarchical_keyword() -> None:
    made = with_keyword(NO_KEYWORDS, "Lake 2024", "Albums")
    assert read_keywords(made) == {"dc:subject": ["Lake 2024"], "lr:hierarchicalSubject": ["Albums|Lake 2024"]}
    assert parse_xmp(made).keywords == ("Lake 2024", "Albums")
    assert made.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<x:xmpmeta ')


@pytest.mark.parametrize(
    "name", ["A|B/C", "<b>&amp;</b>", "]]>", "湖 \U0001f3d6\ufe0f \u200dé", "\"quoted\" 'too'", "a  b"]
)
@pytest.mark.parametrize("document", [NO_KEYWORDS, DARKTABLE, LATIN], ids=["new", "darktable", "latin"])
def test_a_name_is_one_keyword_whatever_its_characters(name: str, document: bytes) -> None:
    found = read_keywords(with_keyword(document, name, "Albums"))
    assert found["dc:subject"][-1] == name
    assert found.get("lr:hierarchicalSubject", [""])[-1] in ("", f"Albums|{name.replace('|', '-')}")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (DARKTABLE, {"dc:subject": ["sea", "Trip"], "lr:hierarchicalSubject": ["nature|sea", "Albums|Trip"]}),
        (DIGIKAM, {"dc:subject": ["gull", "Trip"], "digiKam:TagsList": ["birds/gull", "Albums/Trip"]}),
        (LIGHTROOM, {"dc:subject": ["Trip"], "lr:hierarchicalSubject": ["Albums|Trip"]}),
        (DEFAULT, {"dc:subject": ["Trip"], "lr:hierarchicalSubject": ["Albums|Trip"]}),
        (xmp(keywords=["sea"]), {"dc:subject": ["sea", "Trip"]}),  # programs would no longer read "sea" otherwise
        (b"\n\0 " + xmp(keywords=["Trip"]) + b"\0\0", {"dc:subject": ["Trip"]}),
    ],
    ids=["darktable", "digikam", "lightroom", "default", "subject", "known"],
)
def test_it_is_added_to_the_lists_of_a_document_and_nothing_else_changes(
    document: bytes, expected: dict[str, list[str]]
) -> None:
    made = with_keyword(document, "Trip", "Albums")
    assert read_keywords(made) == expected
    assert rest(made) == rest(document.strip(b"\0\n "))
    bytes_of = iter(made)
    assert all(byte in bytes_of for byte in document.strip(b"\0\n "))  # each one in its order
    assert with_keyword(made, "Trip", "Albums") == made


def test_lists_that_replace_those_in_the_photo_contain_their_items() -> None:
    embedded = {"dc:subject": ["sea"], "lr:hierarchicalSubject": ["nature|sea"], "mediapro:CatalogSets": []}
    expected = {"dc:subject": ["sea", "Trip"], "lr:hierarchicalSubject": ["nature|sea", "Albums|Trip"]}
    assert read_keywords(with_keyword(NO_KEYWORDS, "Trip", "Albums", embedded)) == expected
    beside = with_keyword(xmp(keywords=["boat"]), "Trip", "Albums", embedded)
    assert read_keywords(beside) == {**expected, "dc:subject": ["boat", "Trip"]}
    flat = with_keyword(NO_KEYWORDS, "Trip", "Albums", {"dc:subject": ["sea"]})
    assert read_keywords(flat) == {"dc:subject": ["sea", "Trip"]}


def test_keywords_in_a_photo_are_read_by_list() -> None:
    more = "<lr:hierarchicalSubject><rdf:Bag><rdf:li>nature|sea</rdf:li></rdf:Bag></lr:hierarchicalSubject>"
    iptc = iptc_dataset(2, 25, b"gull")
    assert photo_keywords(jpeg(iptc=iptc)) == {"dc:subject": ("gull",)}
    both = photo_keywords(jpeg(iptc=iptc, xmp=xmp(keywords=["sea"], more=more)))
    assert both == {"dc:subject": ["sea"], "lr:hierarchicalSubject": ["nature|sea"]}
    assert photo_keywords(b"no photo") == {}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "damaged"),
        (b"<a/>", "damaged, or not XMP"),
        (DARKTABLE[:-30], "damaged"),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + LIGHTROOM, "damaged"),
        (LIGHTROOM.decode().encode("utf-16"), "not in UTF-8"),
        (DARKTABLE + b" " * MAX_BYTES + b"<!-- -->", "too long"),
        (LIGHTROOM.replace(b"crs:Text=", b's:subject="a" xmlns:s="http://purl.org/dc/elements/1.1/" c='), OTHER_FORMS),
        (xmp().replace(b"<rdf:Bag></rdf:Bag>", b"sea"), OTHER_FORMS),
        (xmp().replace(b"<dc:subject>", b'<dc:subject rdf:parseType="Literal">'), OTHER_FORMS),
        (b"<a>" * 100_000, "another form|damaged"),
    ],
)
def test_a_document_in_another_form_is_refused(document: bytes, reason: str) -> None:
    with pytest.raises(UnknownForm, match=reason):
        with_keyword(document, "Trip", "Albums")
    assert read_keywords(document) == {}
