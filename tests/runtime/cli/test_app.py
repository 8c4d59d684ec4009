"""The command line: output, messages and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import photoseek
from installed import INSTALLED
from photoseek import Bundle, Gallery
from photoseek.bundle.installed_models import RECORD
from photoseek.models.recommendation import recommended_model
from tiny_bundle import write_tiny_bundle
from typed_commands import answer, photoseek_command


def test_index_then_search_with_the_photo_folder(photos: Path, tiny_bundle_path: Path) -> None:
    report = json.loads(answer("index", photos, "--bundle", tiny_bundle_path, "--json"))
    assert (report["photos"], report["encoded"], report["unreadable"]) == (24, 24, [])
    hits = json.loads(answer("search", "a red picture", "--gallery", photos, "-k", 4, "--json"))
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4]
    assert {hit["path"] for hit in hits} == {f"red/red-{index}.png" for index in range(4)}
    assert set(hits[0]) >= {"rank", "path", "score", "width", "height", "file"}
    assert Path(hits[0]["file"]).is_file()


def test_the_demo_of_a_folder_names_a_larger_model_and_its_commands(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOSEEK_MODELS", str(tmp_path / "installed"))
    model = recommended_model("en")
    pull, index = model.pull_command, f"photoseek index {photos} --bundle {model.name} --add-bundle"
    offer = "this is the small built-in model; for more hits: "
    assert f"{offer}{pull} && {index}\n" in photoseek_command("demo", photos, "--query", "red").stderr
    installed = tmp_path / "installed" / model.name / RECORD
    installed.parent.mkdir(parents=True)
    installed.write_text("{}")
    assert f"{offer}{index}\n" in photoseek_command("demo", photos, "--query", "red").stderr
    with Gallery.open(photos) as gallery:
        gallery.bundles.add(Bundle.load(write_tiny_bundle(tmp_path / "second")))
    assert offer not in photoseek_command("demo", photos, "--query", "red").stderr
    assert offer not in photoseek_command("demo", photos, "--query", "red", "--json").stderr


def test_search_by_photo_by_text_and_photo_and_exactly(gallery: Gallery, photos: Path) -> None:
    image = photos / "blue" / "blue-1.png"
    by_photo = json.loads(answer("search", "--image", image, "--gallery", gallery.path, "--json"))
    assert by_photo[0]["path"] == "blue/blue-1.png"
    both = json.loads(answer("search", "blue", "--image", image, "--gallery", photos, "--exact", "--json", "-k", 1))
    assert both[0]["path"].startswith("blue/")


def test_the_table_names_the_files(gallery: Gallery, photos: Path) -> None:
    printed = answer("search", "red", "--gallery", gallery.path, "-k", 2)
    assert printed.count(f"{photos}/red/red-") == 2
    assert "score" in printed


def test_a_long_path_is_not_truncated_in_a_pipe(photos: Path, tiny_bundle_path: Path) -> None:
    long = photos / ("album " * 20).strip() / ("name " * 20 + "end.png")
    long.parent.mkdir()
    (photos / "red" / "red-0.png").rename(long)
    answer("index", photos, "--bundle", tiny_bundle_path)
    assert str(long) in answer("search", "red", "--gallery", photos)


def test_indexing_reports_counts_and_unreadable_photos(photos: Path, tiny_bundle_path: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"no photo")
    done = photoseek_command("index", photos, "--bundle", tiny_bundle_path)
    assert done.returncode == 0
    assert "25 photos: 24 encoded" in done.stderr
    assert "unreadable: broken.jpg: not a photo of a known format" in done.stderr
    assert "25 photos: 25 unchanged" in photoseek_command("index", photos, "--bundle", tiny_bundle_path).stderr


def test_evaluate_prints_the_documented_json(photos: Path, tiny_bundle_path: Path, tmp_path: Path) -> None:
    images = [f"{name}/{name}-0.png" for name in ("red", "green", "blue", "yellow")]
    captions = [f"{image}#{index}\ta {image.split('/')[0]} picture" for image in images for index in range(2)]
    (tmp_path / "c.token").write_text("\n".join(captions))
    (tmp_path / "split.txt").write_text("\n".join(images[:3]))
    words = ("evaluate", "--bundle", tiny_bundle_path, "--images", photos, "--captions", tmp_path / "c.token")
    found = json.loads(answer(*words, "--split", tmp_path / "split.txt", "--json"))
    perfect = {"r1": 100.0, "r5": 100.0, "r10": 100.0, "medr": 1.0, "meanr": 1.0}
    # both captions of an image are the same sentence, so each is a correct answer
    interval = found.pop("interval")
    assert interval["text_to_image"] == {"r1": [100.0, 100.0], "r5": [100.0, 100.0], "r10": [100.0, 100.0]}
    assert found == {
        "text_to_image": perfect,
        "image_to_text": perfect,
        "rsum": 600.0,
        "images": 3,
        "captions": 6,
        "precision": "fp32",
    }
    table = answer(*words)
    assert "of 4 images" in table
    assert "of 8 captions" in table
    assert "100.0 [100.0, 100.0]" in table


def test_evaluate_in_folds_and_in_two_languages(photos: Path, tiny_bundle_path: Path, tmp_path: Path) -> None:
    images = [f"{name}/{name}-0.png" for name in ("red", "green", "blue", "yellow")]
    english = [f"{image}#0\ta {image.split('/')[0]} picture" for image in images]
    (tmp_path / "en.token").write_text("\n".join(english))
    words = ["evaluate", "--bundle", tiny_bundle_path, "--images", photos, "--captions", tmp_path / "en.token"]
    both = [*words, "--captions", tmp_path / "zh.token", "--resamples", "0"]
    (tmp_path / "zh.token").write_text("\n".join(f"{image}#0\t\u7ea2\u8272" for image in images), "utf-8")
    found = json.loads(answer(*both, "--folds", "2", "--json"))
    assert (found["captions"], found["languages"]["en"]["captions"], found["languages"]["zh"]["captions"]) == (8, 4, 4)
    assert found["languages"]["en"]["rsum"] == 600.0
    assert found["languages"]["zh"]["text_to_image"]["r1"] == 25.0  # unknown words: one ranking for all queries
    assert (found["folds"]["count"], found["folds"]["images"]) == (2, 2)
    assert "interval" not in found
    table = answer(*both, "--folds", "2")
    assert "zh: mean of 2 folds, image to text" in table
    one = json.loads(answer(*both, "--language", "en", "--sample", "3", "--json"))
    assert (one["images"], one["captions"], one["rsum"]) == (3, 3, 600.0)
    failed = photoseek_command(*both, "--folds", "9")
    assert failed.returncode == 2
    assert failed.stderr.strip() == "photoseek: expected folds that fit into 4 images, found 9 folds"


def test_info_and_verify_accept_bundles_and_galleries(gallery: Gallery, tiny_bundle_path: Path) -> None:
    bundle = json.loads(answer("info", tiny_bundle_path, "--json"))
    assert (bundle["name"], bundle["dim"]) == ("tiny", 16)
    status = json.loads(answer("info", gallery.path, "--json"))
    assert (status["photos"], status["recall"], status["unreadable"]) == (24, 1.0, [])
    assert set(status["search"]["engines"]) == set(INSTALLED)
    text = answer("info", gallery.path)
    assert "bundle:" in text
    assert "exact *" in text  # the engine of auto for so few photos
    assert ("search_k" in text) == ("annoy" in INSTALLED)
    for path in (tiny_bundle_path, gallery.path):
        assert answer("verify", path) == f"{path}: OK\n"


@pytest.mark.parametrize("engine", INSTALLED)
def test_the_engine_can_be_chosen(gallery: Gallery, engine: str) -> None:
    hits = json.loads(answer("search", "red", "--gallery", gallery.path, "--engine", engine, "--json", "-k", 1))
    assert hits[0]["path"].startswith("red/")


def test_verify_fails_on_a_damaged_file(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "b")
    model = path / "onnx" / "text_model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"?")
    done = photoseek_command("verify", path)
    assert done.returncode == 1
    assert done.stderr.startswith("photoseek: ")
    assert "text_model.onnx: expected sha256" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("search", "red", "--gallery", "/nowhere"),
            1,
            "no gallery at /nowhere: no such folder; create one with: photoseek index",
        ),
        (("search", "red", "--gallery", ".", "--engine", "x"), 2, "'x' is not one of 'auto', 'exact', 'annoy'"),
        (
            ("search", "red"),
            2,
            "no gallery: expected --gallery DIR, or $PHOTOSEEK_GALLERY, or a current folder inside one",
        ),
        (("find", "red"), 2, "No such command 'find'."),
        (("index", "/nowhere", "--bundle", "/nothing"), 1, "no bundle at /nothing"),
        (("info", "/nowhere"), 2, "expected a bundle or a gallery, found neither: /nowhere"),
        (("search", " ", "--gallery", "{gallery}"), 2, "an empty query"),
        (
            ("search", "red", "-k", "0", "--gallery", "{gallery}"),
            2,
            "'-k': 0 is not in the range x>=1",
        ),
        (("search", "red", "-k", "many", "--gallery", "{gallery}"), 2, "Invalid value for '-k'"),
        (("search", "--image", "{gallery}/CURRENT", "--gallery", "{gallery}"), 1, "not a photo of a known format"),
        (
            ("index", "{gallery}", "--gallery", "/dev/null/x", "--bundle", "{bundle}"),
            1,
            "/dev/null/x: expected its parents to be folders, found the file /dev/null",
        ),
        (("search", "red", "--precision", "int8", "--gallery", "{gallery}"), 1, "has no int8; it has fp32"),
    ],
)
def test_an_error_is_one_line_on_standard_error(
    gallery: Gallery, tiny_bundle_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    words = [argument.format(gallery=gallery.path, bundle=tiny_bundle_path) for argument in arguments]
    done = photoseek_command(*words)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_debug_shows_the_traceback() -> None:
    done = photoseek_command("--debug", "search", "red", "--gallery", "/nowhere")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "GalleryNotFound" in done.stderr


def test_a_pipe_that_is_closed_early_is_not_an_error(gallery: Gallery) -> None:
    command = f"{sys.executable} -m photoseek search red -k 24 --json --gallery {gallery.path} | head -n 1"
    source = str(Path(photoseek.__file__).parents[1])
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": source}, check=False
    )
    assert done.stdout == "[\n"
    assert "Traceback" not in done.stderr


def test_filters_terms_similar_photos_and_groups(gallery: Gallery) -> None:
    def found(*arguments: object) -> list[str]:
        return [hit["path"] for hit in json.loads(answer("search", *arguments, "--gallery", gallery.path, "--json"))]

    assert {path.split("/")[0] for path in found("red + blue", "-k", 24, "--folder", "blue")} == {"blue"}
    assert set(found("--similar-to", "red/red-0.png", "-k", 3)) == {"red/red-1.png", "red/red-2.png", "red/red-3.png"}
    assert found("red", "--type", "jpeg") == []
    assert len(found("red", "-k", 24, "--group-duplicates")) < 24
    failed = photoseek_command("search", "red", "--taken-from", "may", "--gallery", gallery.path)
    assert (failed.returncode, failed.stderr.count("\n")) == (2, 1)
    assert "taken_from: expected a date like 2024" in failed.stderr


def test_captions_of_any_format_are_converted(tmp_path: Path) -> None:
    table, out = tmp_path / "table.csv", tmp_path / "captions.token"
    table.write_text("picture;words;split\na.jpg;A dog;train\nb.jpg;A cat;val\na.jpg;Dogs;train\n")
    columns = ["--image-column", "picture", "--caption-column", "words"]
    assert answer("captions", "convert", table, out, *columns) == f"{out}: 3 captions of 2 images\n"
    assert out.read_text() == "a.jpg#0\tA dog\nb.jpg#0\tA cat\na.jpg#1\tDogs\n"
    answer("captions", "convert", table, out, *columns, "--split", "val")
    assert out.read_text() == "b.jpg#0\tA cat\n"


def test_captions_are_added_and_describe_a_photo(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "sentences.txt"
    file.write_text("a red picture\n\na blue picture\na green picture\n", "utf-8")
    added = json.loads(answer("captions", "add", file, "--plain", "--gallery", gallery.path, "--json"))
    assert added == {"read": 3, "added": 3, "captions": 3}
    assert "0 of 3 captions were new" in answer("captions", "add", file, "--plain", "--gallery", gallery.path)
    best = json.loads(
        answer("captions", "describe", "--image", photos / "blue" / "blue-1.png", "--gallery", gallery.path, "--json")
    )
    assert best[0]["text"] == "a blue picture"
    assert "a red picture" in answer("captions", "describe", "--similar-to", "red/red-1.png", "--gallery", gallery.path)
    assert answer("captions", "clear", "--gallery", gallery.path) == "3 captions deleted\n"


def test_a_query_without_a_confident_match_is_reported(photos: Path, tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "calibrated")
    captions = photos / "captions.token"
    colors = ("red", "green", "blue", "yellow", "white", "black")
    captions.write_text("".join(f"{name}/{name}-0.png#0\t{name}\n" for name in colors), "utf-8")
    answer("calibrate", "--bundle", path, "--images", photos, "--captions", captions)
    assert photoseek_command("index", photos / "black", "--bundle", path).returncode == 0
    found = photoseek_command("search", "white", "--gallery", photos / "black")
    assert (found.returncode, found.stderr) == (
        0,
        "photoseek: no confident match; showing the nearest photos\n",
    )
    assert "confidence" in found.stdout
