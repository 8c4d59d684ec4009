"""The formats of caption files, their splits, and the errors for invalid files."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photoseek.captions import Caption, CaptionFile, read_caption_file, read_captions, read_split
from photoseek.captions.flickr_token import token_line
from photoseek.errors import CaptionFileError
from photoseek.evaluation.evaluate import images_with_captions

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1).filter(
    lambda text: text.strip()
)
NAMES = st.lists(st.from_regex(r"[a-z_]{1,6}(/[a-z]{1,3})?\.jpg", fullmatch=True), min_size=1, max_size=5, unique=True)

KARPATHY: dict[str, Any] = {
    "dataset": "coco",
    "images": [
        {"filepath": "val2014", "filename": "b.jpg", "split": "val", "sentences": [{"raw": "A cat ."}]},
        {"filename": "a.jpg", "split": "restval", "sentences": [{"raw": "A dog\nruns"}, {"raw": "Dog"}]},
        {"filename": "c.jpg", "split": "train", "sentences": [{"raw": "狗在雪地里"}]},
        {"filename": "d.jpg", "split": "test", "sentences": [{"raw": "Snow"}]},
    ],
}
COCO: dict[str, Any] = {
    "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 9, "file_name": "sub/b.jpg"}, {"id": 11, "file_name": "c.jpg"}],
    "annotations": [
        {"id": 1, "image_id": 9, "caption": "A cat"},
        {"id": 2, "image_id": 7, "caption": "A dog"},
        {"id": 3, "image_id": 9, "caption": " Two cats "},
    ],
}


def save(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8", newline="")
    return path


def changed(values: dict[str, Any], *way: str | int, to: Any = None) -> dict[str, Any]:
    """A copy with another value at a place; without the key, where there is none."""
    copy = json.loads(json.dumps(values))
    place = copy
    for step in way[:-1]:
        place = place[step]
    if to is None:
        del place[way[-1]]
    else:
        place[way[-1]] = to
    return copy  # type: ignore[no-any-return]


def test_keywords_are_in_a_third_column(tmp_path: Path) -> None:
    file = save(tmp_path / "kw.txt", "a.jpg#0\tA dog runs\tdog,  black dog\na.jpg#1\tSo\t\n")
    assert read_captions(file) == [
        Caption("a.jpg", 0, "A dog runs", ("dog", "black dog")),
        Caption("a.jpg", 1, "So", ()),
    ]
    with pytest.raises(CaptionFileError, match=r"kw\.txt:2: expected 3 columns, NAME#I<TAB>caption<TAB>.*, found 2"):
        read_captions(save(file, "a.jpg#0\tA dog\tdog\na.jpg#1\tA cat\n"))


def test_flickr8k_captions_are_numbered_in_the_order_of_each_image(tmp_path: Path) -> None:
    file = save(tmp_path / "captions.txt", 'image,caption\r\na.jpg,A dog .\r\nb.jpg,"A cat, ""Tom"""\r\na.jpg,Dog\r\n')
    assert read_captions(file) == [
        Caption("a.jpg", 0, "A dog ."),
        Caption("b.jpg", 0, 'A cat, "Tom"'),
        Caption("a.jpg", 1, "Dog"),
    ]
    with pytest.raises(CaptionFileError, match=r"captions\.txt:3: unknown image 'b\.jpg'"):
        read_captions(file, images={"a.jpg"})


@pytest.mark.parametrize(
    ("rows", "line", "reason"),
    [
        ("name,text\na.jpg,Dog", 1, "expected the header image,caption or lines NAME#I<TAB>caption, found 'name,text'"),
        ("caption,image\nA dog, running,a.jpg", 2, "expected 2 columns, caption,image, found 3"),
        ("image,caption\na.jpg", 2, "expected 2 columns, image,caption, found 1"),
        ("image,caption\na.jpg,Dog\n,Cat", 3, "expected the name of an image in the first column"),
        ("image,caption\na.jpg,Dog\na.jpg, ", 3, "expected a caption for 'a.jpg'"),
        ('image,caption\na.jpg,"A dog', 2, "close the quotation"),
    ],
)
def test_the_error_for_invalid_csv_names_its_line(tmp_path: Path, rows: str, line: int, reason: str) -> None:
    file = save(tmp_path / "captions.txt", rows + "\n")
    with pytest.raises(CaptionFileError) as caught:
        read_captions(file)
    assert str(caught.value).startswith(f"{file}:{line}: ")
    assert reason in str(caught.value)


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptionFileError, match="expected rows image,caption after the header, found none"):
        read_captions(save(tmp_path / "captions.txt", "image,caption\n"))


def test_karpathys_file_has_splits_and_train_includes_restval(tmp_path: Path) -> None:
    file = read_caption_file(save(tmp_path / "dataset_coco.json", KARPATHY))
    assert file.captions == (
        Caption("val2014/b.jpg", 0, "A cat ."),
        Caption("a.jpg", 0, "A dog runs"),
        Caption("a.jpg", 1, "Dog"),
        Caption("c.jpg", 0, "狗在雪地里"),
        Caption("d.jpg", 0, "Snow"),
    )
    assert file.names("train") == ["c.jpg", "a.jpg"]
    assert [file.names(split) for split in ("restval", "val", "test")] == [["a.jpg"], ["val2014/b.jpg"], ["d.jpg"]]
    assert file.names() == ["val2014/b.jpg", "a.jpg", "c.jpg", "d.jpg"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"dataset": "coco"}, "the top level: expected an object with 'images'"),
        ([1, 2], "the top level: expected an object with 'images'"),
        (changed(KARPATHY, "images", to={}), "images: expected a list with at least one element, found dict {}"),
        (changed(KARPATHY, "images", 0, to="b.jpg"), "images[0]: expected an object with the key 'filename'"),
        (
            changed(KARPATHY, "images", 1, "filename"),
            "images[1]: expected the key 'filename', found 'split', 'sentences'",
        ),
        (changed(KARPATHY, "images", 2, "split"), "images[2]: expected the key 'split'"),
        (
            changed(KARPATHY, "images", 2, "split", to="trian"),
            "images[2].split: expected one of train, restval, val, test",
        ),
        (changed(KARPATHY, "images", 2, "sentences", to=[]), "images[2].sentences: expected a list with at least one"),
        (changed(KARPATHY, "images", 1, "sentences", 1, "raw"), "images[1].sentences[1]: expected the key 'raw'"),
        (
            changed(KARPATHY, "images", 1, "sentences", 1, "raw", to=" "),
            "images[1].sentences[1].raw: expected text that is not empty, found str ' '",
        ),
        (changed(KARPATHY, "images", 3, "filename", to="c.jpg"), "images[3]: 'c.jpg' is also at images[2]"),
        (changed(COCO, "annotations", to=[]), "annotations: expected a list with at least one element, found list []"),
        (
            changed(COCO, "annotations", 1, "image_id", to=8),
            "annotations[1].image_id: expected the id of one of 'images'",
        ),
        (changed(COCO, "annotations", 1, "image_id", to="7"), "annotations[1].image_id: expected a whole number"),
        (changed(COCO, "annotations", 2, "caption", to=""), "annotations[2].caption: expected text that is not empty"),
        (changed(COCO, "annotations", 2, "caption"), "annotations[2]: expected the key 'caption'"),
        (changed(COCO, "images", 1, "file_name"), "images[1]: expected the key 'file_name'"),
        (
            changed(COCO, "images", 1, "id", to=7),
            "images[1].id: expected a unique id, found int 7; 'a.jpg' has the same",
        ),
        (changed(COCO, "images", 1, "file_name", to="a.jpg"), "images[1]: 'a.jpg' is also at images[0]"),
    ],
)
def test_the_error_for_invalid_json_names_its_location(tmp_path: Path, values: object, reason: str) -> None:
    file = save(tmp_path / "dataset.json", values)
    with pytest.raises(CaptionFileError) as caught:
        read_captions(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert reason in str(caught.value)


def test_coco_captions_are_numbered_in_the_order_of_each_image(tmp_path: Path) -> None:
    file = read_caption_file(save(tmp_path / "captions_val.json", COCO))
    assert file.captions == (
        Caption("sub/b.jpg", 0, "A cat"),
        Caption("a.jpg", 0, "A dog"),
        Caption("sub/b.jpg", 1, "Two cats"),
    )
    assert not file.splits
    with pytest.raises(CaptionFileError, match=r"unknown image 'sub/b\.jpg'"):
        read_captions(file.path, images={"a.jpg"})


@pytest.mark.parametrize("values", [KARPATHY, COCO])
def test_truncated_json_is_refused(tmp_path: Path, values: object) -> None:
    text = json.dumps(values, indent=1)
    for end in range(2, len(text) - 1, 7):
        file = save(tmp_path / "cut.json", text[:end])
        with pytest.raises(CaptionFileError, match=r"cut\.json:\d+: expected JSON, found it invalid or truncated"):
            read_captions(file)


@pytest.mark.parametrize("read", [read_captions, read_split])
@pytest.mark.parametrize(
    ("content", "found"),
    [
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n",
            "Git LFS pointer; fetch the file: git lfs pull",
        ),
        ("\n<!DOCTYPE html>\n<html><body>404</body></html>\n", "a web page"),
    ],
)
def test_a_pointer_or_a_web_page_in_place_of_the_file_is_detected(
    tmp_path: Path, read: Any, content: str, found: str
) -> None:
    with pytest.raises(CaptionFileError, match=found):
        read(save(tmp_path / "captions.token", content))


@pytest.mark.parametrize("good", ["a.jpg#0\tcaf\n", "image,caption\na.jpg,caf\n", '{"images":\n["caf"]}'])
def test_another_encoding_is_refused_in_every_format(tmp_path: Path, good: str) -> None:
    (tmp_path / "file").write_bytes(good.encode().replace(b"caf", b"caf\xe9"))
    with pytest.raises(CaptionFileError, match=r"file:[12]: not UTF-8 \(byte 0xe9 at column \d+\).*iconv"):
        read_captions(tmp_path / "file")


def test_a_split_is_a_file_or_a_name_and_the_error_lists_the_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = read_caption_file(save(tmp_path / "dataset.json", KARPATHY))
    assert file.names(save(tmp_path / "mine.txt", "a.jpg\nd.jpg\n")) == ["a.jpg", "d.jpg"]
    with pytest.raises(CaptionFileError, match=r"No such file.*or a split of .*: train, restval, val, test"):
        file.names("dev")
    plain = CaptionFile(tmp_path / "c.token", (Caption("a.jpg", 0, "Dog"),))
    with pytest.raises(CaptionFileError, match=r"^train: cannot be read: No such file.*has no splits"):
        plain.names("train")


def test_an_evaluation_accepts_the_name_of_a_split(tmp_path: Path) -> None:
    file = save(tmp_path / "dataset.json", KARPATHY)
    for name in ("a.jpg", "c.jpg"):
        (tmp_path / name).touch()
    names, chosen = images_with_captions(tmp_path, file, "train")
    assert names == ["c.jpg", "a.jpg"]
    assert [caption.text for caption in chosen] == ["狗在雪地里", "A dog runs", "Dog"]
    with pytest.raises(CaptionFileError, match=r"val: unknown image 'val2014/b\.jpg': no such file"):
        images_with_captions(tmp_path, file, "val")


def read_back(content: str) -> list[Caption]:
    with tempfile.TemporaryDirectory() as folder:
        return read_captions(save(Path(folder, "file"), content))


@settings(deadline=None)
@given(NAMES, st.lists(TEXTS, min_size=1, max_size=3))
def test_any_csv_and_json_is_read_back(names: list[str], texts: list[str]) -> None:
    expected = [Caption(name, index, text.strip()) for name in names for index, text in enumerate(texts)]
    table = io.StringIO()
    rows = [("image", "caption"), *((name, text) for name in names for text in texts)]
    csv.writer(table, quoting=csv.QUOTE_ALL).writerows(rows)
    assert read_back(table.getvalue()) == expected
    images = [{"filename": n, "split": "val", "sentences": [{"raw": text} for text in texts]} for n in names]
    assert read_back(json.dumps({"images": images})) == expected


@settings(deadline=None)
@given(NAMES, TEXTS, st.lists(st.from_regex(r"[a-z狗雪]{1,5}( [a-z]{1,3})?", fullmatch=True), max_size=3))
def test_lines_with_keywords_are_read_back(names: list[str], text: str, keywords: list[str]) -> None:
    captions = [Caption(name, 3, text.strip(), tuple(keywords)) for name in names]
    assert read_back("".join(map(token_line, captions))) == captions
