"""Packed data sets: WebDataset's tar shards, and what Hugging Face's ``datasets`` writes."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest
from PIL import Image

from photoseek.captions import CaptionColumns, read_caption_file, read_captions
from photoseek.errors import CaptionFileError
from photoseek_train.cli.app import main
from photoseek_train.errors import DataError
from photoseek_train.inspect.check import inspect_data
from photoseek_train.progress import no_progress
from photoseek_train.unpack.unpack import CAPTIONS, Unpacked, find_parts
from photoseek_train.unpack.unpack import unpack as unpack_parts


def photo(color: str, kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 6), color).save(file, kind)
    return file.getvalue()


def shard(path: Path, files: Mapping[str, bytes | str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def unpack(source: Path, out: Path, columns: CaptionColumns | None = None) -> Unpacked:
    return unpack_parts(find_parts(source, columns or CaptionColumns()), out)


def captions(out: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in read_captions(out / CAPTIONS):
        found.setdefault(each.image, []).append(each.text)
    return found


def table(texts: Sequence[Any], colors: Sequence[str], column: str = "caption") -> datasets.Dataset:
    rows = {"image": [{"bytes": photo(color), "path": None} for color in colors], column: list(texts)}
    features = datasets.Features({"image": datasets.Image(), column: datasets.Dataset.from_dict(rows).features[column]})
    return datasets.Dataset.from_dict(rows, features=features)


def test_shards_of_img2dataset_are_unpacked_and_pass_the_inspection(tmp_path: Path) -> None:
    shard(
        tmp_path / "shards" / "00000.tar",
        {
            "000000000.jpg": photo("red"),
            "000000000.json": json.dumps({"caption": "not this one", "key": "000000000"}),
            "000000000.txt": "A red wall",
            "000000001.json": json.dumps({"caption": "A wall\nin blue", "status": "success"}),
            "000000001.jpg": photo("blue"),
        },
    )
    shard(
        tmp_path / "shards" / "00001.tar", {"000000000.png": photo("green", "PNG"), "000000000.txt": "Grass\nLeaves\n"}
    )
    (tmp_path / "shards" / "00000.parquet").write_bytes(b"a description of the shard")
    found = unpack(tmp_path / "shards", tmp_path / "out")
    assert found == Unpacked(photos=3, captions=4)
    assert captions(tmp_path / "out") == {
        "00000/000000000.jpg": ["A red wall"],
        "00000/000000001.jpg": ["A wall in blue"],
        "00001/000000000.png": ["Grass", "Leaves"],
    }
    assert (tmp_path / "out" / "00000" / "000000001.jpg").read_bytes() == photo("blue")
    inspection = inspect_data(tmp_path / "out", tmp_path / "out" / CAPTIONS, {}, None, 64, no_progress)
    assert inspection.usable


def test_names_with_dots_and_incomplete_examples(tmp_path: Path) -> None:
    files = {"beach.2019.jpg": photo("red"), "beach.2019.txt": "2019", "beach.2020.jpg": photo("blue")}
    files |= {"beach.2020.txt": "2020", "sea.jpg": photo("green"), "alone.txt": "no photo"}
    found = unpack(shard(tmp_path / "a.tar", files), tmp_path / "out")
    assert captions(tmp_path / "out") == {"a/beach.2019.jpg": ["2019"], "a/beach.2020.jpg": ["2020"]}
    assert (found.without_caption, found.without_photo) == (1, 1)


def test_names_never_leave_the_folder(tmp_path: Path) -> None:
    files = {"../../up.jpg": photo("red"), "../../up.txt": "Up", "/etc/x.jpg": photo("blue"), "/etc/x.txt": "X"}
    files |= {"two\nlines.jpg": photo("green"), "two\nlines.txt": "Two"}
    unpack(shard(tmp_path / "in" / "a.tar", files), tmp_path / "in" / "out")
    assert set(captions(tmp_path / "in" / "out")) == {"a/up.jpg", "a/etc/x.jpg", "a/two_lines.jpg"}
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.jpg")}
    assert written == {f"in/out/{name}" for name in captions(tmp_path / "in" / "out")}


def test_a_truncated_shard_is_named_and_the_finished_ones_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        shard(tmp_path / "s" / f"{number}.tar", {"a.jpg": photo("red"), "a.txt": f"Wall {number}"})
    whole = (tmp_path / "s" / "1.tar").read_bytes()
    (tmp_path / "s" / "1.tar").write_bytes(whole[:700])
    with pytest.raises(DataError, match=r"1\.tar: expected a complete tar file.*download it again"):
        unpack(tmp_path / "s", tmp_path / "out")
    assert not (tmp_path / "out" / CAPTIONS).exists()
    (tmp_path / "s" / "1.tar").write_bytes(whole)
    opened: list[str] = []
    open_tar = tarfile.open

    def recording(path: Path, mode: str) -> tarfile.TarFile:
        opened.append(path.name)
        return open_tar(path, mode)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr("tarfile.open", recording)
    assert unpack(tmp_path / "s", tmp_path / "out").photos == 3
    assert opened == ["1.tar", "2.tar"]
    assert list(captions(tmp_path / "out").values()) == [["Wall 0"], ["Wall 1"], ["Wall 2"]]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0", "1", "2", CAPTIONS]


def test_a_saved_data_set_is_unpacked_with_its_splits(tmp_path: Path) -> None:
    train = table([["Red", "A red wall"], ["Blue"]], ["red", "blue"])
    test = table([["Green"]], ["green"])
    datasets.DatasetDict({"train": train, "test": test}).save_to_disk(str(tmp_path / "saved"))
    found = unpack(tmp_path / "saved", tmp_path / "out")
    assert found == Unpacked(photos=3, captions=4, splits=["test", "train"])
    assert sorted(captions(tmp_path / "out").values()) == [["Blue"], ["Green"], ["Red", "A red wall"]]
    names = (tmp_path / "out" / "train.txt").read_text("utf-8").split()
    assert [captions(tmp_path / "out")[name] for name in names] == [["Red", "A red wall"], ["Blue"]]
    assert {(tmp_path / "out" / name).read_bytes() for name in names} == {photo("red"), photo("blue")}


def test_parquet_files_of_a_hub_repository_with_a_row_for_each_caption(tmp_path: Path) -> None:
    data = tmp_path / "repository" / "data"
    data.mkdir(parents=True)
    rows = table(["Red", "A red wall", "Blue"], ["red", "red", "blue"], "sentence")
    rows.to_parquet(str(data / "train-00000-of-00001.parquet"))
    table(["Green"], ["green"], "sentence").to_parquet(str(data / "validation-00000-of-00001.parquet"))
    found = unpack(tmp_path / "repository", tmp_path / "out")
    assert found == Unpacked(photos=3, captions=4, splits=["train", "validation"])
    assert sorted(captions(tmp_path / "out").values()) == [["Blue"], ["Green"], ["Red", "A red wall"]]


def test_names_of_photos_in_a_data_set_are_kept(tmp_path: Path) -> None:
    for name, color in (("wall.jpg", "red"), ("sea.jpg", "blue")):
        (tmp_path / name).write_bytes(photo(color))
    saved = datasets.Dataset.from_dict(
        {"photo": [str(tmp_path / "wall.jpg"), str(tmp_path / "sea.jpg")], "words": ["Wall", "Sea"]}
    ).cast_column("photo", datasets.Image())
    saved.save_to_disk(str(tmp_path / "saved"))  # embeds the files
    with pytest.raises(DataError, match=r"expected a column .* --image-column and --caption-column"):
        unpack(tmp_path / "saved", tmp_path / "out")
    unpack(tmp_path / "saved", tmp_path / "out", CaptionColumns("photo", "words"))
    names = {name.rpartition("/")[2]: texts for name, texts in captions(tmp_path / "out").items()}
    assert names == {"wall.jpg": ["Wall"], "sea.jpg": ["Sea"]}


def test_packed_files_given_as_captions_name_the_command(tmp_path: Path) -> None:
    file = shard(tmp_path / "shards" / "0.tar", {"a.jpg": photo("red"), "a.txt": "Wall"})
    for source in (file, file.parent):
        with pytest.raises(CaptionFileError, match=rf"photoseek-train unpack {source} images"):
            read_caption_file(source)


def test_the_command_unpacks_and_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shard(tmp_path / "s" / "0.tar", {"a.jpg": photo("red"), "a.txt": "Wall", "b.jpg": photo("blue")})
    monkeypatch.setattr("sys.argv", ["photoseek-train", "unpack", str(tmp_path / "s"), str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="0"):
        main()
    printed = capsys.readouterr().out
    assert f"{tmp_path / 'out' / CAPTIONS}: 1 captions of 1 photos" in printed
    assert "left out 1 photos without a caption" in printed
    with pytest.raises(DataError, match="expected tar shards"):
        find_parts(tmp_path / "out", CaptionColumns())
