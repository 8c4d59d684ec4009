"""Indexing is incremental: it encodes new and changed photos only, and resumes after an interruption."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gallery_answers import counts, found
from photoseek import Bundle, Gallery, Searcher
from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import (
    GalleryNotFound,
    PhotoError,
)
from photoseek.gallery.indexing import pipeline
from photoseek.gallery.indexing.encode import Limits
from photoseek.gallery.indexing.index import index_gallery
from photoseek.gallery.indexing.pipeline import PhotoEncoder
from photoseek.gallery.indexing.report import Progress
from photoseek.gallery.indexing.thread_pool import ThreadBackend
from photoseek.gallery.lock import exclusive_writer
from photoseek.sources import local
from tiny_bundle import COLORS, write_tiny_bundle
from tiny_photos import write_color

FIRST = pipeline.BATCH  # photos that are done at the first progress above 0


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


def test_only_added_and_changed_photos_are_encoded(gallery: Gallery, photos: Path) -> None:
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
    """Unlike one that cannot be decoded: a permission or a disk may return without a new mtime."""
    gallery.index()  # the photos are copies, with another ctime
    new = write_color(photos / "new.png", COLORS["red"], seed=900)

    def fail(path: Path) -> bytes:
        raise PhotoError(f"Permission denied: {path}")

    with monkeypatch.context() as patch:
        patch.setattr(local, "read_photo", fail)
        assert [path for path, _ in gallery.index().unreadable] == [new.name]
    assert gallery.index().unreadable == []
    assert "new.png" in found(gallery, "red", k=5)


def test_a_deleted_photo_is_not_found_and_reuses_its_vector_when_it_returns(gallery: Gallery, photos: Path) -> None:
    aside = (photos / "red" / "red-0.png").rename(photos.parent / "aside.png")
    assert counts(gallery.index()) == {"photos": 23, "unchanged": 23, "removed": 1}
    assert "red/red-0.png" not in found(gallery, "red", k=50)
    aside.rename(photos / "red" / "red-0.png")
    assert counts(gallery.index()) == {"photos": 24, "reused": 1, "unchanged": 23}


def test_a_photo_deleted_since_the_snapshot_is_not_a_hit(gallery: Gallery) -> None:
    gallery.database.delete_photos(["red/red-0.png"])
    hits = found(gallery, "red")
    assert len(hits) == 4
    assert "red/red-0.png" not in hits


def test_pruning_deletes_the_vectors_of_removed_photos(gallery: Gallery, photos: Path) -> None:
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


def test_an_unreadable_photo_is_reported_and_not_tried_again(
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


def test_hidden_and_other_files_are_skipped(gallery: Gallery, photos: Path) -> None:
    write_color(photos / ".hidden.png", COLORS["red"])
    write_color(photos / "@eaDir" / "thumb.png", COLORS["red"])
    (photos / "notes.txt").write_text("red")
    os.mkfifo(photos / "pipe.jpg")
    (photos / "loop").symlink_to(photos)
    assert counts(gallery.index()) == {"photos": 24, "unchanged": 24}


def test_an_interrupted_indexing_saves_encoded_photos(photos: Path, tiny_bundle: Bundle) -> None:
    gallery = Gallery.create(photos, tiny_bundle)

    def interrupt(progress: Progress) -> None:
        if progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gallery.index(progress=interrupt, backend=ThreadBackend(ahead=1))  # more might all be done by then
    saved = gallery.status().searchable
    assert FIRST <= saved < 24
    assert counts(gallery.index()) == {"photos": 24, "encoded": 24 - saved, "unchanged": saved}


def killed_in_the_middle(path: Path) -> None:
    def kill(progress: Progress) -> None:
        if progress.done:
            os.kill(os.getpid(), 9)

    gallery = Gallery.open(path)
    with exclusive_writer(path):
        index_gallery(
            path,
            gallery.database,
            gallery.photos.source,
            gallery.bundles.load(),
            {},
            progress=kill,
            backend=ThreadBackend(ahead=1),
            limits=Limits(commit_s=0.0),
        )


def test_a_killed_indexing_resumes_after_the_last_commit(photos: Path, tiny_bundle: Bundle) -> None:
    gallery = Gallery.create(photos, tiny_bundle)
    process = multiprocessing.get_context("spawn").Process(target=killed_in_the_middle, args=(gallery.path,))
    process.start()
    process.join(60)
    assert process.exitcode == -9
    saved = gallery.status().searchable
    assert FIRST <= saved < 24
    assert counts(gallery.index()) == {"photos": 24, "encoded": 24 - saved, "unchanged": saved}
    gallery.verify()


def test_progress_counts_up_to_the_total(photos: Path, tiny_bundle: Bundle) -> None:
    reported: list[Progress] = []
    Gallery.create(photos, tiny_bundle).index(progress=reported.append)
    encode = [progress.done for progress in reported if progress.phase == "encode"]
    assert encode == [*range(0, 24, FIRST), 24]
    assert reported[-1] == Progress("build", 1, 1)


def test_a_slow_photo_does_not_delay_others(photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first batch waits until all others are done, so results in order would deadlock."""
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
    backend = ThreadBackend(workers=2)
    report = Gallery.create(photos, tiny_bundle).index(progress=count, backend=backend)
    assert counts(report) == {"photos": 24, "encoded": 24}


def test_photos_are_encoded_in_the_first_precision_of_the_gallery(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photoseek.bundle.bundle.prefers_int8", lambda: True)
    bundle = Bundle.load(write_tiny_bundle(tmp_path / "both", precisions=("fp32", "int8")))
    gallery = Gallery.create(photos, bundle)
    assert gallery.bundles.image_precision(bundle) == "int8"
    gallery.index(bundle, precision="fp32")
    assert gallery.bundles.image_precision(bundle) == "fp32"
    searcher = Searcher(gallery, bundle=bundle)
    assert (searcher.text_encoder.precision, searcher.image_encoder.precision) == ("int8", "fp32")
    assert gallery.bundles.image_precision(bundle, "int8") == "int8"
    gallery.database.set_meta(precision="fp64")  # which the bundle lacks
    assert gallery.bundles.image_precision(bundle) == "int8"
