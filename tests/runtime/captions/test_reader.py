"""Caption and split files, and the errors for invalid lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from photoseek.captions import Caption, captions_of, read_captions, read_split
from photoseek.errors import CaptionFileError


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_captions_are_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "c.token", "b.jpg#0\tA dog .\nb.jpg#1\tTwo dogs\nsub/a.jpg#0\t狗在雪地里\n")
    assert read_captions(file) == [
        Caption("b.jpg", 0, "A dog ."),
        Caption("b.jpg", 1, "Two dogs"),
        Caption("sub/a.jpg", 0, "狗在雪地里"),
    ]


def test_byte_order_mark_windows_lines_and_blank_lines_are_accepted(tmp_path: Path) -> None:
    file = write(tmp_path / "c.token", b"\xef\xbb\xbfa.jpg#0\tA dog\r\n\r\nb#c.jpg#3\tA cat\r\n")
    assert read_captions(file) == [Caption("a.jpg", 0, "A dog"), Caption("b#c.jpg", 3, "A cat")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a.jpg#1 A cat", "found no tab"),
        ("a.jpg\tA cat", "found no '#'"),
        ("#1\tA cat", "found no '#'"),
        ("a.jpg#one\tA cat", "expected a number after '#', found 'one'"),
        ("a.jpg#-1\tA cat", "expected a number"),
        ("a.jpg#1\t  ", "expected a caption for"),
        ("a.jpg#1\tA cat\tcat", "expected 2 columns, NAME#I<TAB>caption, found 3"),
        ("z.jpg#0\tA cat", "unknown image 'z.jpg'"),
        ("a.jpg#0\tA cat", "is also on line 1"),
    ],
)
def test_the_error_for_an_invalid_line_names_file_and_line(tmp_path: Path, line: str, reason: str) -> None:
    file = write(tmp_path / "c.token", f"a.jpg#0\tA dog\n\n{line}\n")
    with pytest.raises(CaptionFileError) as caught:
        read_captions(file, images={"a.jpg"})
    assert str(caught.value).startswith(f"{file}:3: ")
    assert reason in str(caught.value)


def test_the_error_for_another_encoding_names_byte_and_column(tmp_path: Path) -> None:
    file = write(tmp_path / "c.token", "a.jpg#0\tA dog\na.jpg#1\tcafé\n".encode("latin-1"))
    with pytest.raises(CaptionFileError, match=r"c\.token:2: not UTF-8 \(byte 0xe9 at column 12\).*iconv"):
        read_captions(file)


@pytest.mark.parametrize("read", [read_captions, read_split])
def test_missing_and_empty_files_are_refused(tmp_path: Path, read: object) -> None:
    assert callable(read)
    with pytest.raises(CaptionFileError, match="cannot be read: No such file"):
        read(tmp_path / "nowhere")
    with pytest.raises(CaptionFileError, match="found none"):
        read(write(tmp_path / "empty", "\n\n"))


def test_a_split_has_the_order_of_its_file_and_unique_names(tmp_path: Path) -> None:
    assert read_split(write(tmp_path / "s", "b.jpg\n\n a.jpg \n")) == ["b.jpg", "a.jpg"]
    with pytest.raises(CaptionFileError, match=r"t:3: 'b.jpg' is also on line 1"):
        read_split(write(tmp_path / "t", "b.jpg\na.jpg\nb.jpg\n"))


def test_captions_of_a_split_are_grouped_by_image() -> None:
    dog, cat, ball = Caption("a", 0, "dog"), Caption("b", 0, "cat"), Caption("a", 1, "ball")
    assert captions_of([dog, cat, ball], ["b", "a"]) == [cat, dog, ball]
    assert captions_of([dog, cat, ball], ["a"]) == [dog, ball]
    with pytest.raises(CaptionFileError, match="2 of 3 images of the split have no caption, the first is 'x'"):
        captions_of([dog], ["a", "x", "y"])
