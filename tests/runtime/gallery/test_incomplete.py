"""A photo whose file ends early is indexed by what can be shown of it, and marked wherever it is found."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoseek import Bundle, Gallery, Searcher
from photoseek.gallery.database.recorded import INCOMPLETE
from photoseek.gallery.database.records import ContentRecord, StoredPhoto
from photoseek.gallery.indexing.pipeline import Batch
from photoseek.ray_indexing.arrow_rows import BatchResult
from tiny_bundle import COLORS
from typed_commands import photoseek_command

CUT = "cut.jpg"


@pytest.fixture
def cut(photos: Path) -> Path:
    """A file that lacks its last fifth."""
    noise = np.random.default_rng(1).normal(0, 9, (240, 320, 3)) + COLORS["red"]
    file = io.BytesIO()
    Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8)).save(file, "JPEG")
    (photos / CUT).write_bytes(file.getvalue()[: len(file.getvalue()) * 4 // 5])
    return photos


def test_an_incomplete_photo_is_found_and_marked(cut: Path, tiny_bundle: Bundle) -> None:
    gallery = Gallery.create(cut, tiny_bundle)
    report = gallery.index()
    assert (report.incomplete, report.unreadable, report.encoded) == ([CUT], [], 25)
    assert gallery.status().incomplete == 1
    assert gallery.incomplete() == [CUT]
    hits = Searcher(gallery).search("red", k=25)
    assert [hit.path for hit in hits if hit.incomplete] == [CUT]
    marked = next(hit for hit in hits if hit.incomplete)
    assert (marked.width, marked.height) == (320, 240)
    assert marked.to_json()["incomplete"] is True
    assert not any("incomplete" in hit.to_json() for hit in hits if hit.path != CUT)
    assert marked.score > np.median([hit.score for hit in hits])  # without gray rows it is as red as others


def test_incomplete_photos_are_found_without_reading_every_photo(cut: Path, tiny_bundle: Bundle) -> None:
    gallery = Gallery.create(cut, tiny_bundle)
    gallery.index()
    plan = [step for *_, step in gallery.database.query(f"EXPLAIN QUERY PLAN {INCOMPLETE}", gallery.fingerprint)]
    assert "vectors_incomplete" in plan[0]
    assert not any("SCAN photos" in step for step in plan)


def test_it_is_marked_again_after_the_snapshot_is_rebuilt_and_until_the_file_is_complete(
    cut: Path, tiny_bundle: Bundle
) -> None:
    gallery = Gallery.create(cut, tiny_bundle)
    gallery.index()
    assert gallery.index().incomplete == [CUT]
    gallery.verify()
    gallery.repair()
    assert [hit.path for hit in Searcher(gallery).search("red", k=25) if hit.incomplete] == [CUT]
    Image.new("RGB", (320, 240), COLORS["red"]).save(cut / CUT)
    assert gallery.index().incomplete == []
    assert not any(hit.incomplete for hit in Searcher(gallery).search("red", k=25))


def test_the_commands_name_it(cut: Path) -> None:
    done = photoseek_command("index", cut)
    assert f"incomplete: {CUT}: the file ends early; what can be shown is indexed" in done.stderr
    assert json.loads(photoseek_command("index", cut, "--json").stdout)["incomplete"] == [CUT]
    assert json.loads(photoseek_command("info", cut, "--json").stdout)["incomplete"] == [CUT]
    found = photoseek_command("search", "red", "--gallery", cut, "-k", "25").stdout
    assert found.replace("\n", "").count("(incomplete)") == 1


def test_a_changed_mark_is_detected_as_damage(cut: Path, tiny_bundle: Bundle) -> None:
    """The checksum of a complete photo is that of the first format of the database."""
    plain = StoredPhoto("a.jpg", 4, 3, "")
    assert plain.checksum(1) != StoredPhoto("a.jpg", 4, 3, "", incomplete=True).checksum(1)
    gallery = Gallery.create(cut, tiny_bundle)
    gallery.index()
    with gallery.database.writing() as connection:
        connection.execute("UPDATE vectors SET incomplete = 0")
    with pytest.raises(Exception, match="checksum mismatch"):
        Searcher(gallery).search("red", k=25)


def test_the_mark_is_sent_between_machines() -> None:
    record = ContentRecord("0" * 64, 4, 3, np.ones(2, dtype=np.float32), "", incomplete=True)
    sent = pickle.loads(pickle.dumps(BatchResult("host", frozenset(), Batch(1, [], [record]))))
    assert sent.batch.contents[0].incomplete
