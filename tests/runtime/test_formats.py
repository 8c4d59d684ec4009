"""A gallery of every earlier format is read, and brought up to date without encoding anew; a newer one is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from earlier_formats import rewrite_generation, without_checks
from photoseek import Gallery, Searcher, generation_manifest, schema
from photoseek.errors import GalleryIncompatible
from typed_commands import photoseek_command

PHOTOS = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE photos (
    id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    sha256 TEXT, reason TEXT
);
CREATE INDEX photos_by_content ON photos (sha256);
INSERT INTO photos SELECT id, path, bytes, mtime_ns, sha256, reason FROM now.photos;
"""
DATABASE_1 = (
    PHOTOS
    + """
CREATE TABLE vectors (
    sha256 TEXT NOT NULL, fingerprint TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
    vector BLOB NOT NULL, PRIMARY KEY (sha256, fingerprint)
);
INSERT INTO meta SELECT key, value FROM now.meta WHERE key NOT IN ('gallery', 'state', 'recall', 'captions_revision');
INSERT INTO vectors SELECT sha256, fingerprint, width, height, vector FROM now.vectors;
PRAGMA user_version = 1;
"""
)
DATABASE_2 = (
    PHOTOS
    + """
CREATE TABLE vectors (
    sha256 TEXT NOT NULL, fingerprint TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
    vector BLOB NOT NULL, taken TEXT, PRIMARY KEY (sha256, fingerprint)
);
CREATE TABLE captions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL, image TEXT NOT NULL, UNIQUE (text, image)
);
CREATE INDEX captions_by_image ON captions (image);
CREATE TABLE caption_vectors (
    text TEXT NOT NULL, fingerprint TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (text, fingerprint)
);
INSERT INTO meta SELECT key, value FROM now.meta WHERE key NOT IN ('gallery', 'state', 'recall');
INSERT INTO vectors SELECT sha256, fingerprint, width, height, vector, taken FROM now.vectors;
PRAGMA user_version = 2;
"""
)


def to_generation_1(values: dict[str, Any]) -> None:
    to_generation_3(values)
    del values["tuning"]
    values["files"].pop("index.faiss", None)
    values |= {"format": 1, "annoy": {"trees": 25, "search_k": 500, "seed": 1}, "recall": 0.995}


def to_generation_2(values: dict[str, Any]) -> None:
    to_generation_3(values)
    annoy, recalls = {"trees": 25, "search_k": 500, "seed": 1}, {"photo": 1.0, "text": 0.995}
    values["files"].pop("index.faiss", None)
    values["format"] = 2
    values["tuning"] = {"annoy": annoy, "recalls": recalls, "annoy_ms": 0.9, "exact_ms": 1.1, "target": 0.99}


def to_generation_3(values: dict[str, Any]) -> None:
    without_checks(values)
    del values["gallery"], values["state"]
    values["format"] = 3


def to_newer_generation(values: dict[str, Any]) -> None:
    values |= {"format": generation_manifest.FORMAT + 1, "unheard": "of"}


def rewrite_database(gallery: Path, script: str) -> None:
    """Make the database anew with the tables of an earlier format and what is in them now."""
    now = gallery / "now.sqlite"
    (gallery / "gallery.sqlite").rename(now)
    connection = sqlite3.connect(gallery / "gallery.sqlite")
    connection.execute("ATTACH ? AS now", (str(now),))
    connection.executescript(script)
    connection.close()
    now.unlink()


@pytest.mark.parametrize(
    ("database", "generation"),
    [
        (DATABASE_1, to_generation_1),
        (DATABASE_2, to_generation_1),
        (DATABASE_2, to_generation_2),
        (DATABASE_2, to_generation_3),
        (None, to_generation_3),
        (None, without_checks),
    ],
)
def test_a_gallery_of_an_earlier_format_answers_as_it_did_and_keeps_its_vectors(
    gallery: Gallery, database: str | None, generation: Callable[[dict[str, Any]], None]
) -> None:
    hits = Searcher(gallery, engine="annoy").search("red", k=4)
    expected = [(hit.path, hit.score) for hit in hits]
    gallery.close()
    if database is not None:
        rewrite_database(gallery.path, database)
    rewrite_generation(gallery.path, generation)
    with Gallery.open(gallery.path) as opened:
        searcher = Searcher(opened, engine="annoy")
        assert [(hit.path, hit.score) for hit in searcher.search("red", k=4)] == expected
        assert searcher.damage is None
        opened.verify()
        report = opened.index()
        assert (report.encoded, report.reused, report.unchanged) == (0, 0, 24)
        assert opened.database.query("PRAGMA user_version") == [(schema.FORMAT,)]
        assert opened.database.undated(opened.fingerprint) == {}
        assert [(hit.path, hit.score) for hit in searcher.search("red", k=4)] == expected
        opened.verify()


def test_a_generation_of_the_format_before_is_not_made_anew_until_something_changes(
    gallery: Gallery, photos: Path
) -> None:
    """Upgrading photoseek costs no rebuild of a large index; the next change names gallery and state."""
    gallery.close()
    rewrite_database(gallery.path, DATABASE_2)
    rewrite_generation(gallery.path, to_generation_3)
    with Gallery.open(gallery.path) as opened:
        opened.index()
        assert (opened.generation().path.name, opened.status().fresh) == ("000001", True)
        (photos / "red" / "red-0.png").unlink()
        opened.index()
        manifest, meta = opened.generation().manifest, opened.database.meta()
        assert (manifest.gallery, manifest.state) == (meta["gallery"], meta["state"])
        assert len({meta["gallery"], meta["state"], ""}) == 3


@pytest.mark.parametrize("command", [["verify"], ["index"]])
def test_a_newer_database_is_refused_in_one_line(gallery: Gallery, photos: Path, command: list[str]) -> None:
    gallery.close()
    with sqlite3.connect(gallery.path / "gallery.sqlite") as connection:
        connection.execute(f"PRAGMA user_version = {schema.FORMAT + 1}")
    connection.close()
    done = photoseek_command(*command, photos)
    assert done.returncode == 1
    assert done.stderr == (
        f"photoseek: {gallery.path}/gallery.sqlite: gallery format {schema.FORMAT + 1}, this photoseek reads up to "
        f"{schema.FORMAT}; upgrade photoseek\n"
    )


def test_a_newer_generation_is_refused_and_made_anew_by_indexing_alone(gallery: Gallery) -> None:
    rewrite_generation(gallery.path, to_newer_generation)
    done = photoseek_command("verify", gallery.path)
    newest = generation_manifest.FORMAT
    assert done.returncode == 1
    assert f"generation format {newest + 1}, this photoseek reads up to {newest}; upgrade photoseek" in done.stderr
    with pytest.raises(GalleryIncompatible, match="upgrade photoseek"):
        Searcher(gallery).search("red")
    gallery.index()
    assert Searcher(gallery).search("red", k=1)[0].path.startswith("red/")
