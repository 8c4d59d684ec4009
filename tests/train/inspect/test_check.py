"""Findings of an inspection, and which of them are errors."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from caption_shapes import SHAPES
from photoseek_train.cli.app import app
from photoseek_train.data.dataset import CaptionedPhotos, read_splits
from photoseek_train.errors import DataError, SettingsError
from photoseek_train.inspect.check import Inspection, inspect_data
from tiny_photos import write_color


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six photos: a and b for training, c and d for dev; e is in no split, and f has no caption."""
    (tmp_path / "images").mkdir()
    for number, name in enumerate("abcdef"):
        pixels = np.random.default_rng(number).integers(0, 255, (20 + number, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{name}.png")
    lines = [f"{name}.png#{i}\tPhoto {name} in {i} words" for name in "abcde" for i in range(2)]
    (tmp_path / "c.token").write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "train.txt").write_text("a.png\nb.png\n")
    (tmp_path / "dev.txt").write_text("c.png\nd.png\n")
    return tmp_path


def look(folder: Path, **options: object) -> Inspection:
    splits = {"train": folder / "train.txt", "dev": folder / "dev.txt"}
    return inspect_data(folder / "images", folder / "c.token", splits, **options)  # type: ignore[arg-type]


def kinds(found: Inspection) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the problems and the warnings by kind."""
    problems, warnings = ({f.kind: f.where for f in part} for part in (found.problems, found.warnings))
    return problems, warnings


def add(file: Path, line: str) -> None:
    file.write_text(file.read_text("utf-8") + line + "\n", "utf-8")


@pytest.mark.parametrize("name", SHAPES)
def test_every_published_shape_is_counted(tmp_path: Path, name: str) -> None:
    (tmp_path / "images").mkdir()
    for number, photo in enumerate(("a.jpg", "b.jpg")):
        pixels = np.random.default_rng(number).integers(0, 255, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / photo)
    (tmp_path / "captions").write_text(SHAPES[name], "utf-8")
    found = inspect_data(tmp_path / "images", tmp_path / "captions", {})
    assert found.usable
    assert (found.photos["decoded"], found.captions["total"]) == (2, 3)


def test_complete_data_are_usable_and_counted(folder: Path) -> None:
    found = look(folder)
    assert kinds(found) == ({}, {"image_without_caption": ["f.png"]})
    facts = found.to_json()
    assert facts["usable"] is True
    assert facts["photos"] == {
        "in_folder": 6,
        "decoded": 4,
        "width": {"min": 30, "median": 30, "max": 30},
        "height": {"min": 20, "median": 21.5, "max": 23},
        "kinds": {"PNG RGB": 4},
    }
    assert facts["splits"] == {"train": {"photos": 2, "captions": 4}, "dev": {"photos": 2, "captions": 4}}
    assert facts["captions"]["per_photo"] == {"2": 4}
    assert facts["captions"]["languages"]["en"]["words"] == {"min": 5, "median": 5, "max": 5}
    assert facts["captions"]["tokens"] is None


def test_linked_folders_are_reported(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "album").mkdir()
    (folder / "images" / "linked").symlink_to(folder / "album")
    assert kinds(look(folder)) == ({}, {"image_without_caption": ["f.png"]})
    assert "left out: 1 folder: links to folders elsewhere" in caplog.text


def test_what_fit_refuses_is_a_problem(folder: Path) -> None:
    (folder / "images" / "a.png").write_bytes(b"no photo")
    (folder / "images" / "b.png").unlink()
    (folder / "images" / "e.png").unlink()
    add(folder / "train.txt", "f.png")
    add(folder / "train.txt", "c.png")
    problems, warnings = kinds(look(folder))
    assert problems.keys() == {"unreadable", "image_missing", "split_image_without_caption", "in_train_and_dev"}
    assert problems["unreadable"][0].startswith("a.png: not a photo")
    assert problems["image_missing"] == ["b.png"]
    assert problems["split_image_without_caption"] == ["f.png"]
    assert problems["in_train_and_dev"] == ["c.png"]
    assert warnings["caption_without_image"] == ["e.png"]


def test_broken_rows_and_a_few_missing_photos_are_warnings_without_splits(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for number in range(100):
        Image.new("RGB", (16, 16), (2 * number, 0, 0)).save(tmp_path / "images" / f"{number}.png")
    rows = [f"{number}.png#0\tPhoto {number}" for number in range(100)]
    (tmp_path / "c.token").write_text("\n".join([*rows, "5.png#1\t", "gone.png#0\tPhoto"]))
    found = inspect_data(tmp_path / "images", tmp_path / "c.token")
    problems, warnings = kinds(found)
    assert problems == {}
    assert warnings["broken_row"] == [
        f"{tmp_path}/c.token:101: expected a caption for '5.png#1', found none; write one, or delete the line"
    ]
    assert warnings["caption_without_image"] == ["gone.png"]
    assert found.captions["total"] == 100


def test_the_same_photo_under_two_names_is_found(folder: Path) -> None:
    shutil.copy(folder / "images" / "a.png", folder / "images" / "c.png")
    shutil.copy(folder / "images" / "d.png", folder / "images" / "g.png")
    add(folder / "c.token", "g.png#0\tPhoto g")
    add(folder / "dev.txt", "g.png")
    problems, warnings = kinds(look(folder))
    assert problems == {}
    assert warnings["same_content_across_splits"] == ["a.png (train) = c.png (dev)"]
    assert warnings["same_content_within_split"] == ["d.png (dev) = g.png (dev)"]


def test_mistakes_in_captions_are_found(folder: Path) -> None:
    add(folder / "c.token", "a.png#2\tphoto A in  1 words\nb.png#2\tA \x07 bell\nc.png#2\tPhoto a in 1 words")
    found = look(folder)
    _, warnings = kinds(found)
    assert warnings["repeated_caption"] == ["a.png#2"]
    assert warnings["control_characters"] == ["b.png#2"]
    assert found.captions["duplicates"] == 2
    assert found.captions["duplicates_of_one_photo"] == 1


def test_languages_are_detected(folder: Path) -> None:
    add(folder / "c.token", "a.png#2\t在雪地中奔跑的狗\na.png#3\t123")
    languages = look(folder).captions["languages"]
    assert {name: facts["captions"] for name, facts in languages.items()} == {"en": 8, "other": 1, "zh": 1}
    assert languages["zh"]["characters"]["max"] == 8


def test_tokens_are_counted_by_the_text_model(folder: Path, bert: Path) -> None:
    add(folder / "c.token", "a.png#2\tred\na.png#3\tred blue red blue")
    tokens = look(folder, text_model=str(bert), max_tokens=5).captions["tokens"]
    assert tokens["min"] == 3  # [CLS] red [SEP]
    assert tokens["max_tokens"] == 5
    assert tokens["cut_off"] == 9  # "red" alone is short enough


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        inspect_data(tmp_path / "nowhere", tmp_path / "c.token")


def write_karpathy(folder: Path) -> Path:
    split = dict(zip("abcd", ("train", "restval", "val", "test"), strict=True))
    images = [
        {"filename": f"{name}.png", "split": split[name], "sentences": [{"raw": f"Photo {name}"}]} for name in "abcd"
    ]
    (folder / "dataset.json").write_text(json.dumps({"images": images}))
    return folder / "dataset.json"


def test_splits_come_from_the_caption_file(folder: Path) -> None:
    found = inspect_data(folder / "images", write_karpathy(folder))
    assert {name: facts["photos"] for name, facts in found.splits.items()} == {"train": 2, "dev": 1, "test": 1}
    assert found.usable


def test_fit_uses_the_splits_of_the_caption_file(folder: Path) -> None:
    file = write_karpathy(folder)
    train, dev = read_splits(folder / "images", file)
    assert (train.names, dev.names) == (("a.png", "b.png"), ("c.png",))
    assert CaptionedPhotos.read(folder / "images", file, "test").names == ("d.png",)
    mixed, _ = read_splits(folder / "images", file, folder / "train.txt", "test")
    assert mixed.names == ("a.png", "b.png")
    with pytest.raises(SettingsError, match=r"defines no splits; pass --train and --dev"):
        read_splits(folder / "images", folder / "c.token", folder / "train.txt")


def test_without_splits_one_of_20_photos_is_held_out(tmp_path: Path) -> None:
    """The choice depends on the names alone, so that more captions do not move photos between the splits."""
    names = [f"{number}.png" for number in range(43)]
    for name in names:
        write_color(tmp_path / name, (9, 9, 9))
    (tmp_path / "c.token").write_text("".join(f"{name}#{n}\tcaption {n}\n" for name in names for n in range(2)))
    train, dev = read_splits(tmp_path, tmp_path / "c.token")
    assert (len(train.names), len(dev.names), len(dev.captions)) == (41, 2, 4)
    assert set(train.names) | set(dev.names) == set(names)
    (tmp_path / "d.token").write_text("".join(f"{name}#0\tother\n" for name in reversed(names)))
    assert set(read_splits(tmp_path, tmp_path / "d.token")[1].names) == set(dev.names)
    (tmp_path / "one.token").write_text("1.png#0\tonly\n")
    with pytest.raises(DataError, match="expected captions of at least 2 photos, found 1"):
        read_splits(tmp_path, tmp_path / "one.token")


def call(folder: Path, *more: object) -> Result:
    data = ["--images", folder / "images", "--captions", folder / "c.token", "--dev", folder / "dev.txt"]
    return CliRunner().invoke(app, [str(word) for word in ("inspect", *data, *more)], catch_exceptions=False)


def test_the_command_prints_json_and_exits_with_1_if_there_are_problems(folder: Path) -> None:
    good = call(folder, "--train", folder / "train.txt", "--json")
    assert good.exit_code == 0
    assert json.loads(good.stdout).keys() == {
        "usable", "problems", "warnings", "photos", "captions", "splits", "seconds",
    }  # fmt: skip
    (folder / "images" / "d.png").write_bytes(b"")
    bad = call(folder, "--json")
    assert bad.exit_code == 1
    assert json.loads(bad.stdout)["problems"][0]["kind"] == "unreadable"


def test_the_command_prints_tables(folder: Path) -> None:
    (folder / "images" / "d.png").write_bytes(b"")
    printed = call(folder, "--train", folder / "train.txt")
    assert printed.exit_code == 1
    assert "problem: 1 photos cannot be decoded: d.png: " in printed.stdout
    assert "PNG RGB" in printed.stdout
    assert "not usable: fit would refuse this data" in printed.stdout


def test_every_kind_of_finding_has_a_sentence() -> None:
    from photoseek_train.cli.inspect_output import _SENTENCES
    from photoseek_train.inspect import check

    noted = set(re.findall(r'inspection\.add\(\s*"(\w+)"', Path(check.__file__).read_text()))
    assert noted == {kind for kind in _SENTENCES if not kind.startswith("in_")}
