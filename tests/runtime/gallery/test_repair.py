"""``verify`` checks every row and file; ``verify --repair`` rebuilds what it can, and encodes no photo."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from installed import needs_annoy
from photoseek import Bundle, Gallery, Searcher
from photoseek.captions import Caption
from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import GalleryBusy, GalleryDamaged
from photoseek.gallery.filters import Filter
from photoseek.gallery.lock import exclusive_writer
from photoseek.system.folder_tag import TAG
from tiny_bundle import DIM, write_tiny_bundle
from typed_commands import photoseek_command


def change_rows(gallery: Gallery, *statements: str) -> None:
    with sqlite3.connect(gallery.path / "gallery.sqlite") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def blob(*numbers: float) -> str:
    """Return a vector as an SQL literal."""
    return f"x'{np.array(numbers, dtype='<f4').tobytes().hex()}'"


def found(gallery: Gallery) -> list[str]:
    return [hit.path for hit in Searcher(gallery, engine="exact").search("red", k=24)]


OF_RED = "WHERE sha256 IN (SELECT sha256 FROM photos WHERE path LIKE 'red/%')"
UNSEEN = {
    "path": "UPDATE photos SET path = 'red/red-9.png' WHERE path = 'red/red-0.png'",
    "width": f"UPDATE vectors SET width = width + 1 {OF_RED}",
    "date": f"UPDATE vectors SET taken = '1999' {OF_RED}",
    "deleted": "DELETE FROM photos WHERE path = 'red/red-0.png'",
    "content": "UPDATE photos SET sha256 = replace(sha256, '0', '1') WHERE path = 'red/red-0.png'",
    "reason": "UPDATE photos SET reason = 'x' WHERE path = 'red/red-0.png'",
}
"""Changes after which each row is still valid by itself, as a failing disk may cause them."""


@pytest.mark.parametrize("damage", UNSEEN.values(), ids=UNSEEN)
def test_a_changed_row_is_refused_reported_and_repaired(gallery: Gallery, damage: str) -> None:
    expected, blue = found(gallery), Searcher(gallery).search("red", where=Filter(folder="blue"))
    change_rows(gallery, damage)
    assert Searcher(gallery).search("red", where=Filter(folder="blue")) == blue  # shows no changed row
    for ask in (
        lambda: found(gallery),
        lambda: Searcher(gallery).search("blue", k=24, where=Filter(folder="red")),
        lambda: gallery.verify(),
    ):
        with pytest.raises(GalleryDamaged, match=r"gallery\.sqlite: .*verify GALLERY --repair"):
            ask()
    assert gallery.repair().deleted
    gallery.index()
    gallery.verify()
    assert found(gallery) == expected


def test_a_row_with_the_path_of_another_photo_is_refused(gallery: Gallery) -> None:
    change_rows(
        gallery,
        "UPDATE photos SET path = 'x' WHERE path = 'red/red-0.png'",
        "UPDATE photos SET path = 'red/red-0.png' WHERE path = 'blue/blue-0.png'",
    )
    with pytest.raises(GalleryDamaged, match=r"checksum mismatch in photo row"):
        Searcher(gallery).search(similar_to="red/red-0.png")


def test_a_changed_vector_is_reported_and_encoded_again(gallery: Gallery) -> None:
    """It is still a unit vector, and searches use the verified copy in the snapshot."""
    expected = found(gallery)
    change_rows(gallery, f"UPDATE vectors SET vector = {blob(1.0, *[0.0] * (DIM - 1))} {OF_RED}")
    assert found(gallery) == expected
    assert Searcher(gallery).search(similar_to="red/red-0.png")[0].path.startswith("red/")
    with pytest.raises(GalleryDamaged, match=r"damaged: 4 vectors of photos"):
        gallery.verify()
    assert gallery.repair().deleted == "4 vectors of photos"
    assert gallery.index().encoded == 4
    assert found(gallery) == expected


def test_a_photo_deleted_since_the_snapshot_is_not_damage(gallery: Gallery) -> None:
    """As during indexing, when the snapshot is older than the database."""
    searcher = Searcher(gallery)
    first = searcher.search("red", k=1)[0].path
    gallery.database.delete_photos([first])
    assert first not in [hit.path for hit in searcher.search("red", k=24, where=Filter(folder="red"))]


@pytest.mark.parametrize(
    "damage",
    [
        f"UPDATE vectors SET vector = {blob(*[0.5] * DIM)} {OF_RED}",
        f"UPDATE vectors SET vector = {blob(float('nan'), *[0.0] * (DIM - 1))} {OF_RED}",
        f"UPDATE vectors SET vector = {blob(1.0)} {OF_RED}",
        f"UPDATE vectors SET width = 'wide' {OF_RED}",
    ],
)
def test_invalid_vectors_are_deleted_and_encoded_by_the_next_indexing(gallery: Gallery, damage: str) -> None:
    expected = found(gallery)
    change_rows(gallery, damage)
    with pytest.raises(GalleryDamaged, match=r"damaged: 4 vectors of photos.*verify GALLERY --repair"):
        gallery.verify()
    assert gallery.repair().deleted == "4 vectors of photos"
    assert len(gallery.generation().ids) == 20
    assert sorted(found(gallery)) == sorted(path for path in expected if not path.startswith("red/"))
    report = gallery.index()
    assert (report.encoded, report.unchanged) == (4, 20)
    gallery.verify()
    assert sorted(found(gallery)) == sorted(expected)
    assert found(gallery)[0].startswith("red/")


def test_indexing_fails_on_an_invalid_vector_with_a_repair_hint(gallery: Gallery, photos: Path) -> None:
    change_rows(gallery, f"UPDATE vectors SET vector = {blob(1.0)} {OF_RED}")
    (photos / "blue" / "blue-0.png").unlink()
    with pytest.raises(GalleryDamaged, match=r"expected 64 bytes of a vector, found 4; .*--repair"):
        gallery.index()
    with pytest.raises(GalleryDamaged, match=r"expected 64 bytes of a vector, found 4; .*--repair"):
        Searcher(gallery).search(similar_to="red/red-0.png")


def test_an_invalid_photo_row_is_reported_deleted_and_indexed_again(gallery: Gallery) -> None:
    expected = found(gallery)
    change_rows(gallery, "UPDATE photos SET path = CAST(path AS BLOB) WHERE path = 'red/red-0.png'")
    with pytest.raises(GalleryDamaged, match=r"is not a valid photo row"):
        found(gallery)
    with pytest.raises(GalleryDamaged, match="1 rows of photos"):
        gallery.verify()
    assert gallery.repair().deleted == "1 rows of photos"
    assert len(found(gallery)) == 23
    assert (gallery.index().reused, sorted(found(gallery))) == (1, sorted(expected))


def test_invalid_caption_vectors_are_encoded_again_and_orphans_deleted(gallery: Gallery) -> None:
    gallery.add_captions([Caption("a.png", 0, "red"), Caption("b.png", 0, "blue")])
    expected = gallery.sentences.load(gallery.fingerprint, DIM)
    change_rows(
        gallery,
        "INSERT INTO caption_vectors SELECT 'nobody says so', fingerprint, vector FROM caption_vectors LIMIT 1",
        f"UPDATE caption_vectors SET vector = {blob(*[0.0] * DIM)} WHERE text = 'red'",
    )
    with pytest.raises(GalleryDamaged, match="1 vectors of captions"):
        gallery.verify()
    assert gallery.repair().encoded == 1
    repaired = gallery.sentences.load(gallery.fingerprint, DIM)
    assert repaired.texts == expected.texts
    np.testing.assert_allclose(repaired.vectors, expected.vectors, atol=1e-6)
    assert len(gallery.database.query("SELECT text FROM caption_vectors")) == 2


def remove_current(gallery: Path) -> None:
    (gallery / "CURRENT").unlink()


def empty_current(gallery: Path) -> None:
    (gallery / "CURRENT").write_bytes(b"")


def remove_generations(gallery: Path) -> None:
    shutil.rmtree(gallery / "generations")


def tear_vectors(gallery: Path) -> None:
    (gallery / "generations" / "000001" / "vectors.npy").write_bytes(b"torn")


def tear_trees(gallery: Path) -> None:
    (gallery / "generations" / "000001" / "index.ann").write_bytes(bytes(760))


@pytest.mark.parametrize(
    ("damage", "bundle_there"),
    [
        (remove_current, True),
        (empty_current, True),
        (remove_generations, True),
        (tear_vectors, True),
        (tear_trees, True),
        (tear_trees, False),
    ],
)
@needs_annoy
def test_snapshots_are_rebuilt_without_reading_a_photo(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], bundle_there: bool
) -> None:
    """Neither the photos nor the bundle, which encodes queries for tuning, need to exist."""
    place = write_tiny_bundle(tmp_path / "bundle")
    bundle = Bundle.load(place)
    gallery = Gallery.create(photos, bundle, tmp_path / "gallery")
    gallery.index(engines=["annoy"])
    expected = Searcher(gallery, bundle=bundle, engine="annoy").search("red", k=24)
    shutil.rmtree(photos)
    monkeypatch.setattr(ImageEncoder, "encode_pixels", None)
    damage(gallery.path)
    if not bundle_there:
        place.rename(tmp_path / "moved")
        bundle = Bundle.load(tmp_path / "moved")
    repaired = gallery.repair()
    assert repaired.generation == ("000001" if damage is remove_generations else "000002")
    assert (repaired.encoding_skipped is None) == bundle_there
    kinds = {"photo", "text"} if bundle_there else {"photo"}
    assert set(gallery.generation().manifest.tuning.engines["annoy"].recalls) == kinds
    assert Searcher(gallery, bundle=bundle, engine="annoy").search("red", k=24) == expected
    assert gallery.repair().lines() == []


def test_stale_files_are_reported_and_removed(gallery: Gallery, photos: Path) -> None:
    generations = gallery.path / "generations"
    shutil.copytree(generations / "000001", generations / "000007.partial")
    shutil.copytree(generations / "000001", generations / "000009")  # complete, but not yet named by CURRENT
    (gallery.path / "CURRENT.123.partial").write_text("00")
    draft = gallery.path / f".photoseek-new-{16 * 'a'}"
    draft.mkdir()
    shutil.copy(gallery.path / TAG, draft)
    (draft / "gallery.sqlite").write_bytes(b"SQLite format 3")
    stale = [draft.name, "CURRENT.123.partial", "generations/000007.partial", "generations/000009"]
    done = photoseek_command("verify", photos)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"stale files of an interrupted run, removed by the next indexing: {', '.join(stale)}",
        f"{gallery.path}: OK",
    ]
    with exclusive_writer(gallery.path):
        assert gallery.stale_files() == []  # the writer may still use them
    done = photoseek_command("verify", photos, "--repair")
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [f"removed stale files of an interrupted run: {', '.join(stale)}", f"{gallery.path}: OK"],
    )
    assert [path.name for path in generations.iterdir()] == ["000001"]
    assert photoseek_command("verify", photos).stdout == f"{gallery.path}: OK\n"


def test_indexing_removes_stale_snapshots_but_not_the_previous_one(gallery: Gallery, photos: Path) -> None:
    generations = gallery.path / "generations"
    (photos / "red" / "red-0.png").unlink()
    gallery.index()
    shutil.copytree(generations / "000001", generations / "000009")
    gallery.index()
    assert sorted(path.name for path in generations.iterdir()) == ["000001", "000002"]


def test_an_index_of_the_database_without_an_entry_is_rebuilt(gallery: Gallery) -> None:
    change_rows(
        gallery,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX photos_by_content ON photos (sha256) WHERE id > 3' "
        "WHERE name = 'photos_by_content'",
    )
    change_rows(
        gallery,
        "REINDEX",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX photos_by_content ON photos (sha256)' "
        "WHERE name = 'photos_by_content'",
    )
    with Gallery.open(gallery.path) as damaged:
        with pytest.raises(GalleryDamaged, match="missing from index photos_by_content"):
            damaged.verify()
        damaged.repair()
        damaged.verify()


def test_an_unreadable_database_is_refused_and_snapshots_remain(gallery: Gallery) -> None:
    path = gallery.path / "gallery.sqlite"
    gallery.close()
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)
    before = sorted(file.relative_to(gallery.path) for file in gallery.path.rglob("*"))
    for options in ([], ["--repair"]):
        done = photoseek_command("verify", gallery.path, *options)
        assert done.returncode == 1
        assert "gallery.sqlite" in done.stderr
        assert "restore it from a backup" in done.stderr
    assert sorted(file.relative_to(gallery.path) for file in gallery.path.rglob("*")) == before
    assert path.read_bytes() == content


def test_a_database_with_an_undecodable_schema_is_refused(gallery: Gallery) -> None:
    """SQLite quotes a malformed schema, which may not be UTF-8."""
    change_rows(
        gallery,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET name = CAST(x'ef7068' AS TEXT), sql = 'CREATE TABLE (' WHERE name = 'captions'",
    )
    gallery.close()
    with pytest.raises(GalleryDamaged, match=r"gallery\.sqlite: not a gallery database: .* restore it from a backup"):
        Gallery.open(gallery.path)


def test_a_repair_fails_while_another_process_writes(gallery: Gallery) -> None:
    with exclusive_writer(gallery.path), pytest.raises(GalleryBusy):
        gallery.repair()


def test_a_bundle_cannot_be_repaired(tiny_bundle_path: Path) -> None:
    done = photoseek_command("verify", tiny_bundle_path, "--repair")
    assert done.returncode == 2
    assert "a bundle cannot be repaired; copy or export it again" in done.stderr
