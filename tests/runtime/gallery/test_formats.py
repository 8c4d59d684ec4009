"""A gallery of a newer format is refused, with the file, the expected and the found format, and a remedy."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from photoseek import Gallery, Searcher
from photoseek.errors import GalleryIncompatible
from photoseek.gallery.database import schema
from photoseek.gallery.snapshot import manifest
from typed_commands import photoseek_command


@pytest.mark.parametrize("command", [["verify"], ["info"], ["search", "red", "--gallery"], ["index"]])
def test_a_newer_database_is_refused_in_one_line(gallery: Gallery, photos: Path, command: list[str]) -> None:
    gallery.close()
    with sqlite3.connect(gallery.path / "gallery.sqlite") as connection:
        connection.execute(f"PRAGMA user_version = {schema.FORMAT + 1}")
    connection.close()
    done = photoseek_command(*command, photos)
    assert done.returncode == 1
    assert done.stderr == (
        f"photoseek: {gallery.path}/gallery.sqlite: expected gallery format {schema.FORMAT}, found format "
        f"{schema.FORMAT + 1}, of a newer photoseek; upgrade photoseek, or index into another folder\n"
    )


def test_a_newer_snapshot_is_refused_and_replaced_by_indexing(gallery: Gallery) -> None:
    path = gallery.path / "generations" / "000001" / "manifest.json"
    values = json.loads(path.read_text()) | {"format": manifest.FORMAT + 1, "unheard": "of"}
    path.write_text(json.dumps(values))
    (gallery.path / "CURRENT").write_text(f"000001 {hashlib.sha256(path.read_bytes()).hexdigest()}\n")
    with pytest.raises(
        GalleryIncompatible,
        match=r"manifest\.json: expected generation format 1, found format 2, .*upgrade photoseek, or index again",
    ):
        Searcher(gallery).search("red")
    assert photoseek_command("verify", gallery.path).returncode == 1
    gallery.index()
    assert Searcher(gallery).search("red", k=1)[0].path.startswith("red/")
