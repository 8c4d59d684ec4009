"""The shapes in which captions are published: tables, JSON records and folders, with rows and photos missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from caption_shapes import SHAPES
from photoseek.captions import Caption, CaptionColumns, match_files, read_caption_file, read_captions
from photoseek.captions.broken_rows import MAX_BROKEN_SHARE
from photoseek.errors import CaptionFileError
from photoseek.evaluation.evaluate import images_with_captions

DOG, DOGS, CAT = Caption("a.jpg", 0, "A dog , running"), Caption("a.jpg", 1, "Two dogs"), Caption("b.jpg", 0, "一只猫")


def save(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "utf-8")
    return path


@pytest.mark.parametrize("name", SHAPES)
def test_every_published_shape_is_read(tmp_path: Path, name: str) -> None:
    file = read_caption_file(save(tmp_path / "captions", SHAPES[name]))
    assert file.captions == (DOG, DOGS, CAT)
    assert not file.broken


def test_crossmodal_3600_is_read_in_the_language_of_a_key(tmp_path: Path) -> None:
    lines = [
        {"image/key": key, "image/locale": "zh", **{code: {"caption": texts} for code, texts in captions.items()}}
        for key, captions in (
            ("a", {"en": ["A dog"], "zh": ["狗", "一只狗"]}),
            ("b", {"en": ["A cat"], "zh": ["猫"]}),
        )
    ]
    file = save(tmp_path / "captions.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    found = read_caption_file(file, columns=CaptionColumns(caption_column="zh"))
    assert [(each.image, each.text) for each in found.captions] == [("a", "狗"), ("a", "一只狗"), ("b", "猫")]


def test_unusual_columns_are_named_and_the_error_says_how(tmp_path: Path) -> None:
    table = save(tmp_path / "t.csv", "picture,words\na.jpg,Dog\n")
    records = save(tmp_path / "t.json", '[{"picture": "a.jpg", "words": "Dog"}]')
    for file in (table, records):
        with pytest.raises(
            CaptionFileError, match=r"captions convert .* --image-column COLUMN --caption-column COLUMN"
        ):
            read_captions(file)
        found = read_caption_file(file, columns=CaptionColumns("picture", "words"))
        assert found.captions == (Caption("a.jpg", 0, "Dog"),)


@pytest.mark.parametrize(
    "content",
    [
        "a bus station\thttp://photos.example/1.jpg\na stunning top\thttp://photos.example/2.jpg\n",  # CC3M
        '{"image_urls": ["http://photos.example/1.jpg"], "user_ids": ["1@N08"], "captions": ["A chair"]}',  # SBU
        "http://photos.example/1.jpg\nhttp://photos.example/2.jpg\n",
    ],
)
def test_photos_given_by_their_urls_have_to_be_downloaded(tmp_path: Path, content: str) -> None:
    with pytest.raises(CaptionFileError, match=r"download them first.* photoseek-train unpack"):
        read_captions(save(tmp_path / "captions", content))


def test_a_column_has_the_splits(tmp_path: Path) -> None:
    table = save(tmp_path / "t.csv", "filename,split,caption\na.jpg,train,Dog\nb.jpg,val,Cat\na.jpg,train,Dogs\n")
    records = save(
        tmp_path / "t.json",
        '[{"image": "a.jpg", "caption": ["Dog", "Dogs"], "split": "train"}, '
        '{"image": "b.jpg", "caption": "Cat", "split": "val"}]',
    )
    for file in (table, records):
        assert read_caption_file(file).names("train") == ["a.jpg"]
        assert read_caption_file(file).names("val") == ["b.jpg"]


def token_rows(count: int) -> list[str]:
    return [f"{number}.jpg#0\tA dog" for number in range(count)]


def table_rows(count: int) -> list[str]:
    return ["image,caption", *(f"{number}.jpg,A dog" for number in range(count))]


def record_rows(count: int) -> list[str]:
    return [json.dumps({"image": f"{number}.jpg", "caption": "A dog"}) for number in range(count)]


@pytest.mark.parametrize(
    ("rows", "broken"),
    [
        (token_rows, "z.jpg#0\t "),
        (token_rows, "z.jpg A dog"),
        (table_rows, "z.jpg,"),
        (table_rows, ",A dog"),
        (record_rows, '{"image": "z.jpg", "caption": ""}'),
        (record_rows, '{"caption": "A dog"}'),
    ],
)
def test_a_few_broken_rows_are_left_out_and_listed_and_more_are_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, rows: Callable[[int], list[str]], broken: str
) -> None:
    most = 2
    count = round(most / MAX_BROKEN_SHARE) - most
    lines = [*rows(count), *[broken.replace("z", f"z{number}") for number in range(most)]]
    found = read_caption_file(save(tmp_path / "captions", "\n".join(lines)))
    assert len(found.captions) == count
    assert len(found.broken) == most
    assert all(str(tmp_path / "captions") in message for message in found.broken)
    assert "left out 2 rows that cannot be read" in caplog.text
    lines.append(broken.replace("z", "z9"))
    with pytest.raises(CaptionFileError, match=rf"\(3 of {count + 3} rows cannot be read\)$"):
        read_caption_file(save(tmp_path / "captions", "\n".join(lines)))


def test_an_image_folder_has_a_text_file_for_each_image_or_a_metadata_file(tmp_path: Path) -> None:
    for name, text in (("00000/000000000", "A dog\nTwo dogs\n"), ("00000/000000001", "一只猫")):
        save(tmp_path / f"{name}.jpg", "")
        save(tmp_path / f"{name}.txt", text)
    assert read_captions(tmp_path) == [
        Caption("00000/000000000.jpg", 0, "A dog"),
        Caption("00000/000000000.jpg", 1, "Two dogs"),
        Caption("00000/000000001.jpg", 0, "一只猫"),
    ]
    save(tmp_path / "metadata.jsonl", SHAPES["Hugging Face's metadata.jsonl"])
    assert read_captions(tmp_path) == [DOG, DOGS, CAT]
    with pytest.raises(CaptionFileError, match=r"expected NAME\.txt with captions for each image, or metadata\.jsonl"):
        read_captions(save(tmp_path / "empty" / "a.jpg", "").parent)


def test_names_may_lack_the_extension_or_have_the_folders_of_another_computer(tmp_path: Path) -> None:
    for name in ("a.jpg", "sub/b.png", "c.jpg", "d.jpg"):
        save(tmp_path / name, "")
    rows = ["a.jpg#0\tA dog", "sub/b#0\tA cat", "/content/images/c.jpg#0\tSnow", "C:\\photos\\sub\\d#0\tSea"]
    captions = save(tmp_path / "c.token", "\n".join(rows))
    split = save(tmp_path / "split.txt", "sub/b\na\n/content/images/c.jpg\nd.jpg\n")
    names, chosen = images_with_captions(tmp_path, captions, split)
    assert names == ["sub/b.png", "a.jpg", "c.jpg", "d.jpg"]
    assert [each.image for each in chosen] == names
    assert [each.text for each in chosen] == ["A cat", "A dog", "Snow", "Sea"]


def test_a_few_captioned_photos_may_be_missing_unless_a_split_names_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(200):
        (tmp_path / f"{number}.jpg").touch()
    lines = [*token_rows(200), "missing.jpg.1#0\tA dog"]
    file = save(tmp_path / "c.token", "\n".join(lines))
    names, _ = images_with_captions(tmp_path, file, None)
    assert len(names) == 200
    assert "left out 1 of 201 captioned images" in caplog.text
    split = save(tmp_path / "split.txt", "0.jpg\nmissing.jpg.1\n")
    with pytest.raises(CaptionFileError, match=r"unknown image 'missing\.jpg\.1': no such file"):
        images_with_captions(tmp_path, file, split)
    save(file, "\n".join([*lines, "x.jpg#0\tA dog", "y.jpg#0\tA dog"]))
    _, _, missing = match_files(read_caption_file(file), tmp_path, None)
    assert missing == ["missing.jpg.1", "x.jpg", "y.jpg"]
