"""A gallery follows its folder: nothing is encoded twice, nothing is lost, and damage is told."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from installed import INSTALLED, needs_faiss
from photoseek import Bundle, Gallery, Searcher
from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import (
    BundleDamaged,
    GalleryBusy,
    GalleryClosed,
    GalleryDamaged,
    GalleryEmpty,
    GalleryError,
    GalleryIncompatible,
    GalleryNotFound,
    MissingExtra,
    PhotoError,
    QueryError,
)
from photoseek.gallery.gallery import exclusive_writer
from photoseek.gallery.indexing import index, pipeline, thread_pool
from photoseek.gallery.indexing.index import IndexReport, Progress
from photoseek.gallery.indexing.pipeline import PhotoEncoder
from photoseek.sources import local
from photoseek.vector_index.registry import Engine
from photoseek.vector_index.tuning import EngineStats
from tiny_bundle import COLORS, write_tiny_bundle
from tiny_photos import write_color

FIRST = pipeline.BATCH  # photos that are done when progress is first told of any


def counts(report: IndexReport) -> dict[str, int]:
    names = ("photos", "encoded", "reused", "unchanged", "removed")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def found(gallery: Gallery, text: str, k: int = 4) -> list[str]:
    return [hit.path for hit in Searcher(gallery).search(text, k=k)]


def test_the_first_indexing_encodes_all_and_the_second_nothing(photos: Path, tiny_bundle: Bundle) -> None:
    gallery = Gallery.create(photos, tiny_bundle)
    assert counts(gallery.index()) == {"photos": 24, "encoded": 24}
    generation = gallery.status().generation
    assert counts(gallery.index()) == {"photos": 24, "unchanged": 24}
    assert gallery.status().generation == generation


def test_stored_vectors_are_those_of_the_encoder(gallery: Gallery, photos: Path, tiny_bundle: Bundle) -> None:
    generation = gallery.generation()
    files = gallery.database.photos(generation.ids.tolist(), gallery.fingerprint)
    expected = ImageEncoder(tiny_bundle).encode([photos / files[int(photo)].path for photo in generation.ids])
    np.testing.assert_allclose(generation.vectors, expected, atol=1e-6)


def test_only_what_was_added_or_changed_is_encoded(gallery: Gallery, photos: Path) -> None:
    write_color(photos / "new.png", COLORS["red"], seed=900)
    write_color(photos / "blue" / "blue-0.png", COLORS["red"], seed=901)
    assert counts(gallery.index()) == {"photos": 25, "encoded": 2, "unchanged": 23}
    assert set(found(gallery, "red", k=6)) == {"new.png", "blue/blue-0.png", *(f"red/red-{i}.png" for i in range(4))}
    assert set(found(gallery, "blue", k=3)) == {f"blue/blue-{i}.png" for i in (1, 2, 3)}


def test_renamed_and_copied_photos_reuse_their_vector(gallery: Gallery, photos: Path) -> None:
    (photos / "red" / "red-0.png").rename(photos / "renamed.png")
    shutil.copy(photos / "blue" / "blue-0.png", photos / "copy.png")
    assert counts(gallery.index()) == {"photos": 25, "reused": 2, "unchanged": 23, "removed": 1}
    assert "renamed.png" in found(gallery, "red")
    assert "copy.png" in found(gallery, "blue", k=5)


def test_a_touched_photo_is_read_again_but_not_encoded(gallery: Gallery, photos: Path) -> None:
    os.utime(photos / "red" / "red-0.png", ns=(1, 1))
    generation = gallery.status().generation
    assert counts(gallery.index()) == {"photos": 24, "unchanged": 24}
    assert gallery.status().generation == generation


def test_a_photo_that_could_not_be_read_is_tried_again(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other than one whose bytes are no photo: a permission or a disk may come back without a new mtime."""
    gallery.index()  # the photos are copies, with another ctime
    new = write_color(photos / "new.png", COLORS["red"], seed=900)

    def fail(path: Path) -> bytes:
        raise PhotoError(f"Permission denied: {path}")

    with monkeypatch.context() as patch:
        patch.setattr(local, "read_photo", fail)
        assert [path for path, _ in gallery.index().unreadable] == [new.name]
    assert gallery.index().unreadable == []
    assert "new.png" in found(gallery, "red", k=5)


def test_a_deleted_photo_is_found_no_more_and_costs_nothing_when_it_comes_back(gallery: Gallery, photos: Path) -> None:
    aside = (photos / "red" / "red-0.png").rename(photos.parent / "aside.png")
    assert counts(gallery.index()) == {"photos": 23, "unchanged": 23, "removed": 1}
    assert "red/red-0.png" not in found(gallery, "red", k=50)
    aside.rename(photos / "red" / "red-0.png")
    assert counts(gallery.index()) == {"photos": 24, "reused": 1, "unchanged": 23}


def test_a_photo_deleted_since_the_last_generation_is_no_hit(gallery: Gallery) -> None:
    gallery.database.forget(["red/red-0.png"])
    hits = found(gallery, "red")
    assert len(hits) == 4
    assert "red/red-0.png" not in hits


def test_pruning_forgets_the_vectors_of_photos_that_are_gone(gallery: Gallery, photos: Path) -> None:
    shutil.rmtree(photos / "red")
    gallery.index()
    assert gallery.prune() == 4
    assert gallery.prune() == 0
    assert gallery.status().fresh
    assert gallery.status().searchable == 20


def test_an_empty_folder_where_photos_were_is_an_unmounted_disk(gallery: Gallery, photos: Path) -> None:
    for folder in photos.iterdir():
        if folder.name != ".photoseek":
            shutil.rmtree(folder)
    with pytest.raises(GalleryNotFound, match="no photo found where 24 were; is its disk mounted"):
        gallery.index()
    assert gallery.status().photos == 24


def test_an_unreadable_photo_is_named_and_not_tried_again(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photos / "broken.jpg").write_bytes(b"no photo at all")
    report = gallery.index()
    assert report.photos == 25
    ((path, reason),) = report.unreadable
    assert path == "broken.jpg"
    assert "not a photo of a known format" in reason

    tried: list[Path] = []
    read = local.read_photo
    monkeypatch.setattr(local, "read_photo", lambda path: tried.append(path) or read(path))
    gallery.index()
    assert tried == []
    write_color(photos / "broken.jpg", COLORS["red"], seed=77)
    assert gallery.index().unreadable == []
    assert tried == [photos / "broken.jpg"]


def test_hidden_files_and_other_files_are_passed_over(gallery: Gallery, photos: Path) -> None:
    write_color(photos / ".hidden.png", COLORS["red"])
    write_color(photos / "@eaDir" / "thumb.png", COLORS["red"])
    (photos / "notes.txt").write_text("red")
    os.mkfifo(photos / "pipe.jpg")
    (photos / "loop").symlink_to(photos)
    assert counts(gallery.index()) == {"photos": 24, "unchanged": 24}


def test_an_interrupted_indexing_keeps_what_was_encoded(
    photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread_pool, "_AHEAD", 1)  # else all may be done before the first is told of
    gallery = Gallery.create(photos, tiny_bundle)

    def interrupt(progress: Progress) -> None:
        if progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gallery.index(progress=interrupt)
    kept = gallery.status().searchable
    assert FIRST <= kept < 24
    assert counts(gallery.index()) == {"photos": 24, "encoded": 24 - kept, "unchanged": kept}


def killed_in_the_middle(path: Path) -> None:
    def kill(progress: Progress) -> None:
        if progress.done:
            os.kill(os.getpid(), 9)

    index._COMMIT_S = 0.0
    thread_pool._AHEAD = 1
    Gallery.open(path).index(progress=kill)


def test_a_killed_indexing_goes_on_where_it_was_committed(photos: Path, tiny_bundle: Bundle) -> None:
    gallery = Gallery.create(photos, tiny_bundle)
    process = multiprocessing.get_context("spawn").Process(target=killed_in_the_middle, args=(gallery.path,))
    process.start()
    process.join(60)
    assert process.exitcode == -9
    kept = gallery.status().searchable
    assert FIRST <= kept < 24
    assert counts(gallery.index()) == {"photos": 24, "encoded": 24 - kept, "unchanged": kept}
    gallery.verify()


def test_progress_counts_up_to_the_work_there_is(photos: Path, tiny_bundle: Bundle) -> None:
    told: list[Progress] = []
    Gallery.create(photos, tiny_bundle).index(progress=told.append)
    encode = [progress.done for progress in told if progress.phase == "encode"]
    assert encode == [*range(0, 24, FIRST), 24]
    assert told[-1] == Progress("build", 1, 1)


def test_two_processes_cannot_index_at_once(gallery: Gallery) -> None:
    with exclusive_writer(gallery.path), pytest.raises(GalleryBusy, match="another process"):
        Gallery.open(gallery.path).index()


def test_a_gallery_opens_by_its_own_folder_or_by_the_photos(gallery: Gallery, photos: Path) -> None:
    assert Gallery.open(photos).path == Gallery.open(photos / ".photoseek").path == gallery.path
    with pytest.raises(GalleryNotFound, match="photoseek index"):
        Gallery.open(photos / "red")


def test_a_gallery_elsewhere_knows_its_photos(photos: Path, tiny_bundle: Bundle, tmp_path: Path) -> None:
    gallery = Gallery.create(photos, tiny_bundle, tmp_path / "elsewhere")
    gallery.index()
    assert not (photos / ".photoseek").exists()
    assert Searcher(Gallery.open(tmp_path / "elsewhere")).search("red", k=1)[0].file.is_file()


@pytest.mark.usefixtures("gallery")
def test_photos_and_gallery_move_together(photos: Path, tmp_path: Path) -> None:
    moved = photos.rename(tmp_path / "moved")
    again = Gallery.open(moved)
    assert again.photos_root == moved
    assert Searcher(again).search("red", k=1)[0].file.is_file()
    assert counts(again.index()) == {"photos": 24, "unchanged": 24}


def test_a_second_gallery_in_one_place_and_other_photos_are_refused(
    gallery: Gallery, photos: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    with pytest.raises(GalleryError, match="there is a gallery already"):
        Gallery.create(photos, tiny_bundle)
    (tmp_path / "others").mkdir()
    with pytest.raises(GalleryIncompatible, match="belongs to the photos in"):
        Gallery.open_or_create(tmp_path / "others", tiny_bundle, gallery.path)
    with pytest.raises(GalleryNotFound, match="no such folder; expected a folder of photos"):
        Gallery.create(tmp_path / "nowhere", tiny_bundle)


def test_another_bundle_is_refused_until_all_is_encoded_anew(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    other = Bundle.load(write_tiny_bundle(tmp_path / "other", name="other", seed=1))
    for attempt in (
        lambda: gallery.index(other),
        lambda: Searcher(gallery, bundle=other),
        lambda: Gallery.open_or_create(photos, other),
    ):
        with pytest.raises(GalleryIncompatible, match=r"vectors of bundle 'tiny'.*'other'.*--rebuild"):
            attempt()
    rebuilt = Gallery.open_or_create(photos, other, rebuild=True)
    assert counts(rebuilt.index()) == {"photos": 24, "encoded": 24}
    assert rebuilt.load_bundle().name == "other"
    assert found(rebuilt, "red", k=1)[0].startswith("red/")


def test_a_gallery_on_its_way_to_another_bundle_refuses_to_answer(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    """Its generation still holds vectors of the old one: any answer would be wrong."""
    other = Bundle.load(write_tiny_bundle(tmp_path / "other", name="other", seed=1))
    interrupted = Gallery.open_or_create(photos, other, rebuild=True)
    with pytest.raises(GalleryIncompatible, match=r"go over to bundle 'other'; finish it with: photoseek index"):
        Searcher(interrupted).search("red")
    interrupted.index()
    assert found(interrupted, "red", k=1)[0].startswith("red/")
    with exclusive_writer(gallery.path), pytest.raises(GalleryBusy):
        Gallery.open_or_create(photos, Bundle.load(write_tiny_bundle(tmp_path / "third", seed=2)), rebuild=True)
    assert Gallery.open(photos).load_bundle().name == "other"


def test_the_photo_folder_stands_for_the_gallery_inside_it(gallery: Gallery, photos: Path, tiny_bundle: Bundle) -> None:
    assert Gallery.open_or_create(photos, tiny_bundle, photos).path == gallery.path
    assert not (photos / "gallery.sqlite").exists()


def test_a_generation_is_made_again_where_current_is_damaged(gallery: Gallery) -> None:
    (gallery.path / "CURRENT").write_text("nonsense")
    with pytest.raises(GalleryDamaged, match="CURRENT: cannot be read"):
        Searcher(gallery).search("red")
    gallery.index()
    assert found(gallery, "red", k=1)[0].startswith("red/")


def test_a_moved_bundle_is_found_again_by_naming_it(photos: Path, tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "first")
    gallery = Gallery.create(photos, Bundle.load(path))
    gallery.index()
    moved = Bundle.load(path.rename(tmp_path / "second"))
    with pytest.raises(Exception, match="no bundle at"):
        Searcher(gallery)
    assert len(Searcher(gallery, bundle=moved).search("red")) == 5
    assert Gallery.open_or_create(photos, moved).load_bundle().path == tmp_path / "second"


def test_an_empty_gallery_says_so(tmp_path: Path, tiny_bundle: Bundle) -> None:
    (tmp_path / "none").mkdir()
    gallery = Gallery.create(tmp_path / "none", tiny_bundle)
    assert gallery.index().photos == 0
    with pytest.raises(GalleryEmpty, match="nothing indexed yet"):
        Searcher(gallery).search("red")


def test_the_status_tells_what_is_there(gallery: Gallery, photos: Path) -> None:
    (photos / "broken.png").write_bytes(b"")
    gallery.index()
    status = gallery.status()
    assert (status.photos, status.searchable, status.unreadable) == (25, 24, 1)
    assert (status.bundle, status.dim, status.recall, status.fresh) == ("tiny", 16, 1.0, True)
    assert status.bytes > 24 * 16 * 4
    assert json.dumps(status.to_json())


def damage_file(file: Path, damage: str) -> None:
    """Make a file ``missing``, ``short``, with a bit ``flipped`` in its middle, or with an ``inexact`` last number."""
    content = bytearray(file.read_bytes())
    file.unlink()
    content[-4 if damage == "inexact" else len(content) // 2] ^= 1  # that one only a checksum tells
    if damage != "missing":
        file.write_bytes(content[:-8] if damage == "short" else content)


@pytest.mark.parametrize("name", ["vectors.npy", "ids.npy", "manifest.json"])
@pytest.mark.parametrize("damage", ["missing", "short", "flipped"])
def test_a_damaged_derived_file_is_refused_and_made_again(gallery: Gallery, name: str, damage: str) -> None:
    damage_file(gallery.generation().path / name, damage)
    for engine in ("exact", "auto"):
        with pytest.raises(GalleryDamaged, match=rf"{name}.*photoseek index"):
            Searcher(gallery, engine=engine).search("red")
    with pytest.raises(GalleryDamaged, match=name):
        gallery.verify()
    assert counts(gallery.index()) == {"photos": 24, "unchanged": 24}
    gallery.verify()
    assert found(gallery, "red", k=1)[0].startswith("red/")


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("index.ann", "annoy"),
        pytest.param("index.faiss", "faiss-hnsw", marks=needs_faiss),
        pytest.param("index.faiss", "faiss-flat", marks=needs_faiss),
    ],
)
@pytest.mark.parametrize("damage", ["missing", "short", "flipped", "inexact"])
def test_exact_search_answers_in_place_of_a_damaged_engine_until_its_file_is_made_again(
    gallery: Gallery, caplog: pytest.LogCaptureFixture, name: str, engine: Engine, damage: str
) -> None:
    before = gallery.generation().path
    damage_file(before / name, damage)
    searcher = Searcher(gallery, engine=engine)
    assert searcher.search("red", k=24) == Searcher(gallery, engine="exact").search("red", k=24)
    assert f"every photo is scored, without an index: {before / name}" in caplog.text
    assert "photoseek index" in str(searcher.damage)
    assert [str(searcher.damage)] == gallery.status().damaged
    with pytest.raises(GalleryDamaged, match=name):
        gallery.verify()
    assert counts(gallery.index()) == {"photos": 24, "unchanged": 24}
    gallery.verify()
    assert (searcher.damage, gallery.status().damaged) == (None, [])
    assert gallery.generation().path != before


@pytest.mark.parametrize("change", ["rows", "dtype", "zeros", "nan", "pickle", "ids"])
def test_arrays_are_looked_at_although_their_checksum_is_right(gallery: Gallery, change: str) -> None:
    """The manifest is written anew over the wrong file, so that it cannot tell."""
    vectors, ids = np.array(gallery.generation().vectors), np.array(gallery.generation().ids)
    wrong: dict[str, tuple[str, np.ndarray]] = {
        "rows": ("vectors.npy", vectors[:-1]),
        "dtype": ("vectors.npy", vectors.astype(np.float64)),
        "zeros": ("vectors.npy", np.where(np.arange(24)[:, None] < 20, vectors, np.float32(0))),
        "nan": ("vectors.npy", np.where(np.arange(24)[:, None] < 20, vectors, np.float32(np.nan))),
        "pickle": ("vectors.npy", vectors.astype(object)),
        "ids": ("ids.npy", ids[::-1]),
    }
    name, array = wrong[change]
    path = gallery.generation().path / name
    np.save(path, array)
    rewrite_manifest(gallery, lambda values: values["files"].update({name: record_of(path)}))
    with pytest.raises(GalleryDamaged, match=rf"{name}: .*photoseek index"):
        Searcher(gallery).search("red")
    gallery.index()
    assert found(gallery, "red", k=1)[0].startswith("red/")


IMPOSSIBLE: list[tuple[tuple[str, ...], object]] = [
    (("format",), "4"),
    (("count",), 0),
    (("count",), 23),
    (("count",), 10**12),
    (("dim",), 15),
    (("dim",), -16),
    (("dim",), 16.0),
    (("metric",), "euclidean"),
    (("files", "../secret"), {"bytes": 1, "sha256": "0" * 64}),
    (("files",), {}),
    (("files",), None),
    (("revision",), 10**6),
    (("gallery",), "another"),
    (("state",), None),
    (("unheard",), 1),
    (("tuning",), []),
    (("tuning", "target"), 2),
    (("tuning", "engines"), {}),
    (("tuning", "engines", "exact", "recalls"), {}),
    (("tuning", "engines", "exact", "recalls"), {"photo": 0.5}),
    (("tuning", "engines", "exact", "milliseconds"), "soon"),
    (("tuning", "engines", "oracle"), {"milliseconds": 0.1, "recalls": {"photo": 1.0}, "parameters": {}}),
    (("tuning", "engines", "annoy", "parameters"), {"branches": 3}),
    (("tuning", "engines", "annoy", "parameters"), {"trees": -1}),
    (("tuning", "engines", "annoy", "parameters"), {"search_k": 2**40}),
]


def test_a_manifest_that_says_what_cannot_be_is_refused_although_its_checksum_is_right(gallery: Gallery) -> None:
    folder = gallery.generation().path
    whole = json.loads((folder / "manifest.json").read_text())
    searcher = Searcher(gallery, engine="annoy")
    for path, value in IMPOSSIBLE:

        def change(values: dict[str, Any], path: tuple[str, ...] = path, value: object = value) -> None:
            values |= json.loads(json.dumps(whole))
            for name in path[:-1]:
                values = values[name]
            values[path[-1]] = value

        (folder / "manifest.json").write_text("{}")
        rewrite_manifest(gallery, change)
        with pytest.raises(GalleryDamaged, match=r"generations/000001.*photoseek index"):
            pytest.fail(f"{path} = {value!r} was answered: {searcher.search('red')}")
    gallery.index()
    assert found(gallery, "red", k=1)[0].startswith("red/")


def test_parameters_out_of_all_measure_are_searched_with(gallery: Gallery) -> None:
    def change(values: dict[str, Any]) -> None:
        for found in values["tuning"]["engines"].values():
            found["parameters"] = dict.fromkeys(found["parameters"], 2**31 - 1)

    expected = found(gallery, "red")
    rewrite_manifest(gallery, change)
    for engine in INSTALLED:
        assert [hit.path for hit in Searcher(gallery, engine=engine).search("red", k=4)] == expected


def test_a_restored_backup_is_told_from_the_state_that_the_index_shows(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    """Numbers of photos are given anew after it, and its revision may come to be the same: neither may mislead."""
    gallery.close()
    backup = shutil.copy(gallery.path / "gallery.sqlite", tmp_path)
    with Gallery.open(photos) as changed:
        write_color(photos / "lost.png", COLORS["red"], seed=900)
        changed.index()
    shutil.copy(backup, gallery.path)
    (photos / "lost.png").unlink()
    write_color(photos / "new.png", COLORS["blue"], seed=901)
    with Gallery.open(photos) as restored:
        with pytest.raises(GalleryDamaged, match=r"shows a later state than .*gallery\.sqlite is in.*photoseek index"):
            found(restored, "red")
        restored.index()
        assert "new.png" not in found(restored, "red", k=4)
        assert "new.png" in found(restored, "blue", k=5)


def test_the_database_of_another_gallery_is_told_from_its_own(
    gallery: Gallery, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    for number, color in enumerate(COLORS.values()):
        write_color(tmp_path / "others" / f"{number}.png", color, seed=700 + number)
    with Gallery.create(tmp_path / "others", tiny_bundle) as other:
        other.index()
    gallery.close()
    shutil.copy(other.path / "gallery.sqlite", gallery.path)
    with (
        Gallery.open(gallery.path) as mixed,
        pytest.raises(GalleryDamaged, match=r"made from another database.*photoseek index"),
    ):
        found(mixed, "red")


def test_a_closed_gallery_lets_go_of_its_database(gallery: Gallery) -> None:
    with Gallery.open(gallery.path) as again:
        assert again.status().photos == 24
    with pytest.raises(GalleryClosed, match="was closed; open it again"):
        again.status()


def test_a_damaged_database_is_refused(gallery: Gallery) -> None:
    gallery.database.close()
    (gallery.path / "gallery.sqlite").write_bytes(b"this was a database once" * 100)
    with pytest.raises(GalleryDamaged, match=r"gallery\.sqlite: not a gallery database"):
        Gallery.open(gallery.path)


def test_a_newer_database_format_is_refused(gallery: Gallery) -> None:
    gallery.database.close()
    with sqlite3.connect(gallery.path / "gallery.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(GalleryIncompatible, match=r"expected gallery format 1, found format 99.*upgrade"):
        Gallery.open(gallery.path)


def test_old_generations_are_dropped_but_the_one_before(gallery: Gallery, photos: Path) -> None:
    for number in range(3):
        write_color(photos / f"more-{number}.png", COLORS["red"], seed=500 + number)
        gallery.index()
    assert sorted(folder.name for folder in (gallery.path / "generations").iterdir()) == ["000003", "000004"]


def test_a_slow_photo_holds_up_no_other(photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first batch waits until all others are done; were they handed over in order, that would be forever."""
    others, first = threading.Event(), threading.Lock()
    encode = PhotoEncoder.batch

    def slow(*arguments: Any) -> Any:
        if first.acquire(blocking=False):
            assert others.wait(60)
        return encode(*arguments)

    def count(progress: Progress) -> None:
        if progress.phase == "encode" and progress.done == 24 - FIRST:
            others.set()

    monkeypatch.setattr(PhotoEncoder, "batch", slow)
    monkeypatch.setattr(thread_pool, "available_cores", lambda: 2)
    assert counts(Gallery.create(photos, tiny_bundle).index(progress=count)) == {"photos": 24, "encoded": 24}


def test_photos_are_encoded_in_the_precision_that_the_gallery_began_with(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photoseek.bundle.bundle.has_int8_instructions", lambda: True)
    bundle = Bundle.load(write_tiny_bundle(tmp_path / "both", precisions=("fp32", "int8")))
    gallery = Gallery.create(photos, bundle)
    assert gallery.image_precision(bundle) == "int8"
    gallery.index(bundle, precision="fp32")
    assert gallery.image_precision(bundle) == "fp32"
    searcher = Searcher(gallery, bundle=bundle)
    assert (searcher.text_encoder.precision, searcher.image_encoder.precision) == ("int8", "fp32")
    assert gallery.image_precision(bundle, "int8") == "int8"
    gallery.database.set_meta(precision="fp64")  # which a bundle of another day has no more
    assert gallery.image_precision(bundle) == "int8"


def rewrite_manifest(gallery: Gallery, change: Callable[[dict[str, Any]], None]) -> Path:
    """Change what the manifest of the current generation says; returns the generation's folder."""
    folder = gallery.path / "generations" / (gallery.path / "CURRENT").read_text().split()[0]
    manifest = folder / "manifest.json"
    values = json.loads(manifest.read_text())
    change(values)
    manifest.write_text(json.dumps(values))
    checksum = hashlib.sha256(manifest.read_bytes()).hexdigest()
    (gallery.path / "CURRENT").write_text(f"{folder.name} {checksum}\n")
    return folder


def record_of(path: Path) -> dict[str, Any]:
    """What the manifest says of a file."""
    return {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


@needs_faiss
def test_what_was_not_installed_when_a_gallery_was_indexed_is_built_by_the_next_indexing(
    photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photoseek.vector_index.registry.find_spec", lambda _: None)
    gallery = Gallery.create(photos, tiny_bundle)
    gallery.index()
    with pytest.raises(
        MissingExtra, match=r"faiss-hnsw needs faiss; install it with: pip install 'photoseek\[faiss\]'"
    ):
        Searcher(gallery, engine="faiss-hnsw").search("red")
    monkeypatch.undo()
    with pytest.raises(QueryError, match=r"no index for engine faiss-hnsw.*photoseek index"):
        Searcher(gallery, engine="faiss-hnsw").search("red")
    assert Searcher(gallery).search("red", k=1)[0].path.startswith("red/")
    gallery.index()
    assert Searcher(gallery, engine="faiss-hnsw").search("red", k=1)[0].path.startswith("red/")


def measured(gallery: Gallery) -> dict[str, EngineStats]:
    """What each engine was found to do."""
    return gallery.generation().manifest.tuning.engines


def test_a_damaged_text_tower_leaves_photos_searchable(
    photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def damaged(*_: object) -> None:
        raise BundleDamaged("text_model.onnx: torn")

    monkeypatch.setattr("photoseek.encoders.towers.TextTower.encode", damaged)
    gallery = Gallery.create(photos, tiny_bundle)
    gallery.index()
    assert {frozenset(found.recalls) for found in measured(gallery).values()} == {frozenset({"photo"})}
    assert "tuned without texts: text_model.onnx: torn" in caplog.text


def test_the_recall_asked_for_is_kept(gallery: Gallery) -> None:
    gallery.index(recall=0.5)
    assert gallery.generation().manifest.tuning.target == 0.5
    gallery.index()
    assert gallery.generation().manifest.tuning.target == 0.5
    with pytest.raises(QueryError, match=r"recall: expected a share within \(0, 1\], found 1.5"):
        gallery.index(recall=1.5)
