"""A push makes a store match the gallery, whatever it contained and however often a push is interrupted."""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from photoseek import Bundle, Gallery, Searcher
from photoseek.errors import GalleryBusy, GalleryEmpty, QueryError, StoreEmpty, StoreError, StoreIncompatible
from photoseek.gallery.lock import exclusive_writer
from photoseek.stores.base import default_collection_name
from photoseek.stores.connect import open_store
from photoseek.stores.push import PushReport, push
from photoseek.stores.rows import Digests, rows_of
from photoseek.vectors import Vectors
from tiny_bundle import DIM, write_tiny_bundle
from typed_commands import environment
from vector_gallery import Exact, Facts, make_gallery, put, remove, scattered, various

COUNT = 1_200


@pytest.fixture
def big_gallery(tmp_path: Path, tiny_bundle: Bundle) -> Gallery:
    return make_gallery(tmp_path / "big", tiny_bundle, scattered(COUNT, DIM), various(COUNT))


def there(gallery: Gallery, uri: str) -> Digests:
    store = open_store(uri, default_collection_name(gallery.database.meta()["gallery"]))
    try:
        return store.digests()
    finally:
        store.close()


def truth(gallery: Gallery) -> Digests:
    return Digests.of((row.id, row.digest) for row in rows_of(gallery.database, gallery.fingerprint, DIM))


def expect_same(gallery: Gallery, uri: str) -> None:
    found, expected = there(gallery, uri), truth(gallery)
    assert np.array_equal(found.ids, expected.ids)
    assert np.array_equal(found.digests, expected.digests)


def counts(report: PushReport) -> tuple[int, int, int]:
    return report.sent, report.deleted, report.unchanged


def ids_near(gallery: Gallery, vector: Vectors, uri: str) -> list[int]:
    searcher = Searcher(gallery, store=uri)
    try:
        return [hit.id for hit in searcher.nearest(vector, 10)]
    finally:
        searcher.close()


def exact_ids(gallery: Gallery, vector: Vectors, k: int = 10) -> list[int]:
    return [photo for photo, _ in Exact(gallery)(vector, k)]


def test_a_second_push_sends_only_changes(big_gallery: Gallery, uri: str) -> None:
    progress: list[tuple[int, int]] = []
    report = push(big_gallery, uri, progress=lambda done, total: progress.append((done, total)))
    assert counts(report) == (COUNT, 0, 0)
    assert progress == [(1_000, COUNT), (COUNT, COUNT)]
    expect_same(big_gallery, uri)

    assert counts(push(big_gallery, uri)) == (0, 0, COUNT)

    put(big_gallery, scattered(30, DIM, seed=1), various(30, start=COUNT))  # thirty are added
    put(big_gallery, scattered(1, DIM, seed=2), various(1))  # one has changed: it has a new id
    remove(big_gallery, [each.path for each in various(COUNT)[5:25]])  # twenty are removed
    assert counts(push(big_gallery, uri)) == (31, 21, COUNT - 21)
    expect_same(big_gallery, uri)
    for query in scattered(5, DIM, seed=3):
        assert ids_near(big_gallery, query, uri) == exact_ids(big_gallery, query)


def test_a_date_that_is_found_later_is_sent(big_gallery: Gallery, postgres_uri: str) -> None:
    push(big_gallery, postgres_uri)
    content = big_gallery.database.query("SELECT sha256 FROM photos ORDER BY id LIMIT 1")[0][0]
    with big_gallery.database.writing() as connection:  # raises no revision
        connection.execute("UPDATE vectors SET taken = '1999-12-31 23:59:59' WHERE sha256 = ?", (content,))
    assert counts(push(big_gallery, postgres_uri)) == (1, 0, COUNT - 1)
    expect_same(big_gallery, postgres_uri)


def test_rows_changed_by_other_programs_are_repaired(big_gallery: Gallery, fast_uri: str) -> None:
    push(big_gallery, fast_uri)
    store = open_store(fast_uri, default_collection_name(big_gallery.database.meta()["gallery"]))
    rows = list(rows_of(big_gallery.database, big_gallery.fingerprint, DIM, [1, 2, 3]))
    store.delete([1])
    store.put([replace(rows[1], digest=0), replace(rows[2], id=10**12)])
    store.close()
    assert counts(push(big_gallery, fast_uri)) == (2, 1, COUNT - 2)
    expect_same(big_gallery, fast_uri)


PUSH = """
import os, signal, sys
from photoseek import Gallery
from photoseek.stores import push as pushing
pushing.BATCH = 100
path, uri, moment = sys.argv[1], sys.argv[2], sys.argv[3]

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def progress(done, total):
    if moment == f"{done}":
        die()

if moment == "measuring":
    pushing.tune_store = die
pushing.push(Gallery.open(path), uri, progress=progress, index_from=500)
"""


@pytest.mark.parametrize("moment", ["100", "700", f"{COUNT}", "measuring"])
def test_a_push_that_was_killed_is_continued(
    big_gallery: Gallery, postgres: object, moment: str, caplog: pytest.LogCaptureFixture
) -> None:
    _expect_continued(big_gallery, postgres.uri, moment, caplog)  # type: ignore[attr-defined]


def test_a_push_to_milvus_lite_that_was_killed_is_continued(
    big_gallery: Gallery, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("milvus_lite")
    pytest.importorskip("pymilvus")
    _expect_continued(big_gallery, str(tmp_path / "photos.db"), "700", caplog)


def _expect_continued(gallery: Gallery, uri: str, moment: str, caplog: pytest.LogCaptureFixture) -> None:
    command = [sys.executable, "-c", PUSH, str(gallery.path), uri, moment]
    done = subprocess.run(command, capture_output=True, env=environment(), timeout=120, check=False)
    assert done.returncode == -9, done.stderr.decode()
    sent = COUNT if moment == "measuring" else int(moment)
    assert len(there(gallery, uri).ids) == sent
    caplog.clear()
    assert ids_near(gallery, scattered(1, DIM, seed=3)[0], uri)
    assert "a push is running or was interrupted" in caplog.text

    assert counts(push(gallery, uri, index_from=500)) == (COUNT - sent, 0, sent)
    expect_same(gallery, uri)
    caplog.clear()
    assert ids_near(gallery, scattered(1, DIM, seed=3)[0], uri)
    assert not caplog.records


def test_an_outdated_store_warns_and_omits_removed_photos(
    big_gallery: Gallery, postgres_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    push(big_gallery, postgres_uri)
    query = scattered(1, DIM, seed=3)[0]
    photos = big_gallery.database.photos(exact_ids(big_gallery, query, 20), big_gallery.fingerprint)
    remove(big_gallery, [photo.path for photo in photos.values()])
    with caplog.at_level(logging.WARNING):
        assert ids_near(big_gallery, query, postgres_uri) == exact_ids(big_gallery, query)
    assert "the gallery has changed since the last push" in caplog.text


def test_another_gallery_and_another_bundle_are_rejected(
    big_gallery: Gallery, postgres_uri: str, tmp_path: Path, tiny_bundle: Bundle
) -> None:
    push(big_gallery, postgres_uri, collection="mine")
    other = make_gallery(tmp_path / "other", tiny_bundle, scattered(20, DIM, seed=5))
    with pytest.raises(StoreIncompatible, match="expected photos of gallery"):
        push(other, postgres_uri, collection="mine")
    searcher = Searcher(other, store=postgres_uri, collection="mine", fallback=True)  # not this error
    with pytest.raises(StoreIncompatible, match="expected photos of gallery"):
        searcher.search("red")
    searcher.close()

    assert counts(push(other, postgres_uri, collection="mine", rebuild=True)) == (20, 0, 0)
    with pytest.raises(StoreIncompatible, match="expected photos of gallery"):
        push(big_gallery, postgres_uri, collection="mine")

    push(other, postgres_uri)
    changed = Bundle.load(write_tiny_bundle(tmp_path / "changed", seed=1))
    put_over(other, changed)
    with pytest.raises(StoreIncompatible, match=r"found 16-d vectors of bundle .* photoseek push --rebuild"):
        push(other, postgres_uri, bundle=changed)
    assert counts(push(other, postgres_uri, bundle=changed, rebuild=True)) == (20, 0, 0)


def put_over(gallery: Gallery, bundle: Bundle) -> None:
    """Re-index the gallery with another bundle."""
    gallery.database.set_meta(fingerprint=bundle.fingerprint, bundle=str(bundle.path))
    put(gallery, scattered(20, DIM, seed=6), [Facts(f"{number}.jpg") for number in range(20)])


def test_tables_of_other_programs_are_never_changed(big_gallery: Gallery, postgres: object) -> None:
    import psycopg

    uri = postgres.uri  # type: ignore[attr-defined]
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("CREATE TABLE albums (id bigint, title text)")
        connection.execute("INSERT INTO albums VALUES (1, 'summer')")
        for rebuild in (False, True):
            with pytest.raises(StoreIncompatible, match=r"found one with other columns \(id, title\)"):
                push(big_gallery, uri, collection="albums", rebuild=rebuild)
        assert connection.execute("SELECT * FROM albums").fetchall() == [(1, "summer")]
        connection.execute("DROP TABLE albums")


def test_collections_of_other_programs_are_never_changed(big_gallery: Gallery, milvus_server: object) -> None:
    from pymilvus import MilvusClient

    uri = milvus_server.uri  # type: ignore[attr-defined]
    client = MilvusClient(uri, dedicated=True)
    client.create_collection("albums", dimension=4)
    client.insert("albums", [{"id": 1, "vector": [1.0, 0.0, 0.0, 0.0]}])
    for rebuild in (False, True):
        with pytest.raises(StoreIncompatible, match=r"found one with other fields \(id, vector\)"):
            push(big_gallery, uri, collection="albums", rebuild=rebuild)
    assert client.query("albums", filter="id >= 0", output_fields=["id"])[0]["id"] == 1
    client.drop_collection("albums")
    client.close()


def test_a_table_of_an_older_version_is_refused_and_replaced(
    big_gallery: Gallery, postgres: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    uri = postgres.uri  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setattr("photoseek.stores.base.FORMAT", 1)
        push(big_gallery, uri, collection="older")
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("ALTER TABLE older DROP COLUMN camera")
    expect_refused_and_replaced(big_gallery, uri)


def test_a_collection_of_an_older_version_is_refused_and_replaced(
    big_gallery: Gallery, milvus_server: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pymilvus import DataType, MilvusClient

    uri = milvus_server.uri  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setattr("photoseek.stores.base.FORMAT", 1)
        push(big_gallery, uri, collection="older")
    client = MilvusClient(uri, dedicated=True)
    client.drop_collection("older")
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    for name in ("digest", "pixels"):
        schema.add_field(name, DataType.INT64)
    for name in ("path", "taken", "orientation", "type"):
        schema.add_field(name, DataType.VARCHAR, max_length=64)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=DIM)
    client.create_collection("older", schema=schema)
    client.close()
    expect_refused_and_replaced(big_gallery, uri)


def expect_refused_and_replaced(gallery: Gallery, uri: str) -> None:
    with pytest.raises(StoreIncompatible, match=r"expected store metadata in format 2, .*photoseek push --rebuild"):
        push(gallery, uri, collection="older")
    searcher = Searcher(gallery, store=uri, collection="older")
    with pytest.raises(StoreIncompatible, match="expected store metadata in format 2"):
        searcher.search("red")
    searcher.close()
    assert counts(push(gallery, uri, collection="older", rebuild=True))[0] == len(gallery.database.paths())


def test_an_invalid_collection_name_is_rejected(big_gallery: Gallery) -> None:
    for name in ("", "photoseek_stores", "a-b", "1a", "ä", 'x"; DROP TABLE y', "a" * 51):
        if name:
            with pytest.raises(QueryError, match="expected a name of up to 50 letters"):
                push(big_gallery, "photos.db", collection=name)


def test_nothing_is_pushed_from_an_empty_gallery_or_while_it_is_indexed(
    big_gallery: Gallery, postgres_uri: str, tmp_path: Path, tiny_bundle: Bundle
) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(GalleryEmpty, match="nothing to push"):
        push(Gallery.create(tmp_path / "none", tiny_bundle), postgres_uri)
    with exclusive_writer(big_gallery.path), pytest.raises(GalleryBusy):
        push(big_gallery, postgres_uri)
    searcher = Searcher(big_gallery, store=postgres_uri)
    with pytest.raises(StoreEmpty, match="no photos of this gallery; run: photoseek push"):
        searcher.search("red")
    searcher.close()


def test_an_invalid_recall_is_rejected(big_gallery: Gallery) -> None:
    with pytest.raises(QueryError, match=r"recall: expected a share within \(0, 1\], found 1.5"):
        push(big_gallery, "photos.db", recall=1.5)


def test_a_file_instead_of_a_milvus_lite_folder_is_reported(big_gallery: Gallery, tmp_path: Path) -> None:
    pytest.importorskip("milvus_lite")
    pytest.importorskip("pymilvus")
    (tmp_path / "photos.db").write_bytes(b"something else")
    with pytest.raises(StoreError, match="expected a Milvus Lite folder, found a file"):
        push(big_gallery, str(tmp_path / "photos.db"))
    assert (tmp_path / "photos.db").read_bytes() == b"something else"
    with pytest.raises(StoreError, match="expected a parent folder, found none"):
        push(big_gallery, str(tmp_path / "nowhere" / "photos.db"))
