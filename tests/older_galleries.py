"""Galleries as older versions wrote them: the tables of formats 1 and 2, and snapshots without cameras."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

_OF_FORMAT_2 = ("sidecar", "xmp_taken", "sidecar_taken", "titles", "keywords", "descriptions")


def make_older(gallery: Path, version: int) -> None:
    """Give a closed gallery the tables of format 1 or 2."""
    connection = sqlite3.connect(gallery / "gallery.sqlite")
    with connection:
        connection.execute("DROP INDEX photos_by_camera")
        connection.execute("ALTER TABLE photos DROP COLUMN camera")
        if version == 1:
            for name in _OF_FORMAT_2:
                connection.execute(f"ALTER TABLE photos DROP COLUMN {name}")
            connection.execute("DROP INDEX vectors_incomplete")
            connection.execute("ALTER TABLE vectors DROP COLUMN incomplete")
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    folder = gallery / "generations" / (gallery / "CURRENT").read_text().split()[0]
    _remove_cameras(folder)
    checksum = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    (gallery / "CURRENT").write_text(f"{folder.name} {checksum}\n")


@contextmanager
def without_cameras() -> Iterator[None]:
    """Read no camera, as older versions; their snapshots have the checksums of such rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("photoseek.photos.metadata.exif_camera", lambda *_: "")
        patch.setattr("photoseek.photos.decode.camera_in_file", lambda _: "")
        yield


def _remove_cameras(snapshot: Path) -> None:
    """Remove the cameras of a snapshot that has none."""
    manifest = json.loads((snapshot / "manifest.json").read_text())
    assert json.loads((snapshot / "cameras.json").read_text()) == []
    (snapshot / "cameras.json").unlink()
    del manifest["files"]["cameras.json"]
    values = np.load(snapshot / "columns.npy")
    assert not values[5].any()
    np.save(snapshot / "columns.npy", values[:5])
    content = (snapshot / "columns.npy").read_bytes()
    record = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest["files"]["columns.npy"] = record
    (snapshot / "manifest.json").write_text(json.dumps(manifest))
