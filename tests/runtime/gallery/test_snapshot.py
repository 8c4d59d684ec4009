"""Snapshots: damage is detected, reported and repaired by the next indexing."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gallery_answers import counts, found
from installed import INSTALLED, needs_annoy, needs_faiss, without
from photoseek import Bundle, Gallery, Searcher
from photoseek.errors import (
    BundleDamaged,
    GalleryDamaged,
    MissingExtra,
    QueryError,
)
from photoseek.vector_index.base import ApproximateIndex
from photoseek.vector_index.registry import Engine
from photoseek.vector_index.tuning import EffortMeasurement, EngineStats, GroundTruth, Tuning, tune, tune_effort
from tiny_bundle import COLORS
from tiny_photos import write_color


def test_a_damaged_current_file_is_refused_and_replaced(gallery: Gallery) -> None:
    (gallery.path / "CURRENT").write_text("nonsense")
    with pytest.raises(GalleryDamaged, match="CURRENT: cannot be read"):
        Searcher(gallery).search("red")
    gallery.index()
    assert found(gallery, "red", k=1)[0].startswith("red/")


def damage_file(file: Path, damage: str) -> None:
    """Make a file ``missing``, ``short``, with a bit ``flipped`` in its middle, or with an ``inexact`` last number."""
    content = bytearray(file.read_bytes())
    file.unlink()
    content[-4 if damage == "inexact" else len(content) // 2] ^= 1  # only a checksum detects the last byte
    if damage != "missing":
        file.write_bytes(content[:-8] if damage == "short" else content)


@pytest.mark.parametrize("name", ["vectors.npy", "ids.npy", "manifest.json"])
@pytest.mark.parametrize("damage", ["missing", "short", "flipped"])
def test_a_damaged_snapshot_file_is_refused_and_rebuilt(gallery: Gallery, name: str, damage: str) -> None:
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
        pytest.param("index.ann", "annoy", marks=needs_annoy),
        pytest.param("index.faiss", "faiss-hnsw", marks=needs_faiss),
        pytest.param("index.faiss", "faiss-flat", marks=needs_faiss),
    ],
)
@pytest.mark.parametrize("damage", ["missing", "short", "flipped", "inexact"])
def test_exact_search_replaces_a_damaged_engine_until_the_next_indexing(
    gallery: Gallery, caplog: pytest.LogCaptureFixture, name: str, engine: Engine, damage: str
) -> None:
    before = gallery.generation().path
    damage_file(before / name, damage)
    searcher = Searcher(gallery, engine=engine)
    assert searcher.search("red", k=24) == Searcher(gallery, engine="exact").search("red", k=24)
    assert f"falling back to exact search: {before / name}" in caplog.text
    assert "photoseek index" in str(searcher.damage)
    assert [str(searcher.damage)] == gallery.status().damaged
    with pytest.raises(GalleryDamaged, match=name):
        gallery.verify()
    assert counts(gallery.index()) == {"photos": 24, "unchanged": 24}
    gallery.verify()
    assert (searcher.damage, gallery.status().damaged) == (None, [])
    assert gallery.generation().path != before


@pytest.mark.parametrize("change", ["rows", "dtype", "zeros", "nan", "pickle", "ids"])
def test_arrays_are_validated_even_if_their_checksum_matches(gallery: Gallery, change: str) -> None:
    """The manifest is rewritten with the checksum of the wrong array."""
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


INVALID: list[tuple[tuple[str, ...], object]] = [
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


@needs_annoy
def test_an_invalid_manifest_is_refused_even_if_its_checksum_matches(gallery: Gallery) -> None:
    folder = gallery.generation().path
    valid = json.loads((folder / "manifest.json").read_text())
    searcher = Searcher(gallery, engine="annoy")
    for path, value in INVALID:

        def change(values: dict[str, Any], path: tuple[str, ...] = path, value: object = value) -> None:
            values |= json.loads(json.dumps(valid))
            for name in path[:-1]:
                values = values[name]
            values[path[-1]] = value

        (folder / "manifest.json").write_text("{}")
        rewrite_manifest(gallery, change)
        with pytest.raises(GalleryDamaged, match=r"generations/000001.*photoseek index"):
            pytest.fail(f"{path} = {value!r} was answered: {searcher.search('red')}")
    gallery.index()
    assert found(gallery, "red", k=1)[0].startswith("red/")


@needs_annoy
def test_an_invalid_manifest_is_not_published(gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as that of an engine with a parameter of 0; the previous snapshot remains current."""

    def tuned(*arguments: Any, **options: Any) -> Tuning:
        tuning = tune(*arguments, **options)
        stats = replace(tuning.engines["annoy"], parameters={"trees": 0})
        return replace(tuning, engines={**tuning.engines, "annoy": stats})

    monkeypatch.setattr("photoseek.gallery.snapshot.write.tune", tuned)
    before, generations = found(gallery, "red"), sorted((gallery.path / "generations").iterdir())
    write_color(photos / "new.png", COLORS["red"], seed=900)
    with pytest.raises(ValueError, match="parameters of annoy cannot be"):
        gallery.index()
    assert found(gallery, "red") == before
    assert sorted((gallery.path / "generations").iterdir()) == generations


def test_search_works_with_extreme_parameters(gallery: Gallery) -> None:
    def change(values: dict[str, Any]) -> None:
        for stats in values["tuning"]["engines"].values():
            stats["parameters"] = dict.fromkeys(stats["parameters"], 2**31 - 1)

    expected = found(gallery, "red")
    rewrite_manifest(gallery, change)
    for engine in INSTALLED:
        assert [hit.path for hit in Searcher(gallery, engine=engine).search("red", k=4)] == expected


def test_a_restored_backup_does_not_match_a_later_snapshot(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """Photo ids are assigned again after it, and its revision may reach the same number."""
    gallery.close()
    backup = shutil.copy(gallery.path / "gallery.sqlite", tmp_path)
    with Gallery.open(photos) as changed:
        write_color(photos / "lost.png", COLORS["red"], seed=900)
        changed.index()
    shutil.copy(backup, gallery.path)
    (photos / "lost.png").unlink()
    write_color(photos / "new.png", COLORS["blue"], seed=901)
    with Gallery.open(photos) as restored:
        with pytest.raises(GalleryDamaged, match=r"is newer than .*gallery\.sqlite; .*photoseek index"):
            found(restored, "red")
        restored.index()
        assert "new.png" not in found(restored, "red", k=4)
        assert "new.png" in found(restored, "blue", k=5)


def test_the_database_of_another_gallery_does_not_match_the_snapshot(
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
        pytest.raises(GalleryDamaged, match=r"built from another database.*photoseek index"),
    ):
        found(mixed, "red")


def test_old_snapshots_are_removed_except_the_previous_one(gallery: Gallery, photos: Path) -> None:
    for number in range(3):
        write_color(photos / f"more-{number}.png", COLORS["red"], seed=500 + number)
        gallery.index()
    assert sorted(folder.name for folder in (gallery.path / "generations").iterdir()) == ["000003", "000004"]


def rewrite_manifest(gallery: Gallery, change: Callable[[dict[str, Any]], None]) -> Path:
    """Change the manifest of the current snapshot, and return the folder of the snapshot."""
    folder = gallery.path / "generations" / (gallery.path / "CURRENT").read_text().split()[0]
    manifest = folder / "manifest.json"
    values = json.loads(manifest.read_text())
    change(values)
    manifest.write_text(json.dumps(values))
    checksum = hashlib.sha256(manifest.read_bytes()).hexdigest()
    (gallery.path / "CURRENT").write_text(f"{folder.name} {checksum}\n")
    return folder


def record_of(path: Path) -> dict[str, Any]:
    """Return the record of a file in the manifest."""
    return {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


@needs_annoy
@needs_faiss
def test_an_engine_installed_later_is_built_by_the_next_indexing(
    photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photoseek.vector_index.registry.find_spec", without("faiss"))
    monkeypatch.setattr("photoseek.vector_index.tuning.FEW", 0)
    monkeypatch.setattr("photoseek.vector_index.tuning.NEGLIGIBLE_MS", 0.0)
    gallery = Gallery.create(photos, tiny_bundle)
    gallery.index()
    assert set(measured(gallery)) == {"exact", "annoy"}
    with pytest.raises(
        MissingExtra, match=r"faiss-hnsw needs faiss; install it with: pip install 'photoseek\[faiss\]'"
    ):
        Searcher(gallery, engine="faiss-hnsw").search("red")
    monkeypatch.setattr("photoseek.vector_index.registry.find_spec", find_spec)
    with pytest.raises(QueryError, match=r"no index for engine faiss-hnsw.*photoseek index"):
        Searcher(gallery, engine="faiss-hnsw").search("red")
    assert Searcher(gallery).search("red", k=1)[0].path.startswith("red/")
    gallery.index()
    assert set(measured(gallery)) == {"exact", "faiss-hnsw", "faiss-flat"}
    assert Searcher(gallery, engine="faiss-hnsw").search("red", k=1)[0].path.startswith("red/")


@needs_annoy
def test_without_annoy_a_gallery_with_its_index_is_searched_exactly(
    photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The index stays until a run builds another, so that searches use it again once annoy is installed."""
    monkeypatch.setattr("photoseek.vector_index.tuning.FEW", 0)
    monkeypatch.setattr("photoseek.vector_index.tuning.NEGLIGIBLE_MS", 0.0)
    monkeypatch.setattr("photoseek.vector_index.tuning.tune_effort", _as_fast_as_promised)
    monkeypatch.setattr("photoseek.vector_index.registry.find_spec", without("faiss"))
    gallery = Gallery.create(photos, tiny_bundle)
    assert gallery.index().hint is None
    assert gallery.status().search["auto"] == "annoy"
    with_annoy = Searcher(gallery).search("red", k=24)
    assert caplog.text == ""
    generation = gallery.generation().path

    monkeypatch.setattr("photoseek.vector_index.registry.find_spec", without("faiss", "annoy"))
    needed = "engine annoy needs annoy; install it with: pip install 'photoseek[annoy]'"
    hint = f"search is exact, because the index of {needed}"
    assert Searcher(gallery).search("red", k=24) == with_annoy
    assert hint in caplog.text
    assert gallery.status().search["auto"] == "exact"
    assert gallery.status().search["hint"] == hint
    assert gallery.status().damaged == []
    with pytest.raises(MissingExtra, match=re.escape(needed)):
        Searcher(gallery, engine="annoy").search("red")
    assert gallery.index().hint == hint
    assert gallery.generation().path == generation  # not built again without the index
    (photos / "red" / "red-0.png").unlink()
    assert "exact search takes" in (gallery.index().hint or "")
    assert set(measured(gallery)) == {"exact"}
    assert len(Searcher(gallery).search("red", k=24)) == 23

    monkeypatch.setattr("photoseek.vector_index.registry.find_spec", without("faiss"))
    gallery.index()
    assert set(measured(gallery)) == {"exact", "annoy"}


def _as_fast_as_promised(engine: ApproximateIndex, truth: GroundTruth, target: float) -> EffortMeasurement:
    """Measure an index of few vectors, which is never faster than exact search, as if it were."""
    found = tune_effort(engine, truth, target)
    return EffortMeasurement(found.recall_of_query, 0.0)


@needs_annoy
def test_a_small_gallery_has_no_index(photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tuned, and no text is encoded, until an engine is named; it remains in later snapshots."""
    monkeypatch.setattr("photoseek.gallery.snapshot.write.tune", None)
    monkeypatch.setattr("photoseek.gallery.snapshot.build.sample_query_vectors", None)
    gallery = Gallery.create(photos, tiny_bundle)
    gallery.index()
    assert set(measured(gallery)) == {"exact"}
    assert {path.name for path in gallery.generation().path.iterdir()} == {
        *("PHOTOSEEK.TAG", "manifest.json", "vectors.npy", "ids.npy", "checksums.npy", "columns.npy", "folders.bin"),
        *("cameras.json", "names.sqlite"),
    }
    with pytest.raises(QueryError, match=r"no index for engine annoy.* photoseek index PHOTOS --engine annoy"):
        Searcher(gallery, engine="annoy").search("red")
    monkeypatch.undo()
    gallery.index(engines=["annoy"])
    (photos / "red" / "red-0.png").unlink()
    gallery.index()
    assert "annoy" in measured(gallery)
    assert len(Searcher(gallery, engine="annoy").search("red", k=24)) == 23
    gallery.index(engines=["auto"])
    (photos / "red" / "red-1.png").unlink()
    gallery.index()
    assert set(measured(gallery)) == {"exact"}


def measured(gallery: Gallery) -> dict[str, EngineStats]:
    """Return the measurements of each engine."""
    return gallery.generation().manifest.tuning.engines


def test_a_damaged_text_tower_leaves_photos_searchable(
    photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def damaged(*_: object) -> None:
        raise BundleDamaged("text_model.onnx: torn")

    monkeypatch.setattr("photoseek.encoders.towers.TextTower.encode", damaged)
    gallery = Gallery.create(photos, tiny_bundle)
    gallery.index(engines=INSTALLED)
    assert {frozenset(found.recalls) for found in measured(gallery).values()} == {frozenset({"photo"})}
    assert "tuned without texts: text_model.onnx: torn" in caplog.text


def test_the_target_recall_is_saved(gallery: Gallery) -> None:
    gallery.index(recall=0.5)
    assert gallery.generation().manifest.tuning.target == 0.5
    gallery.index()
    assert gallery.generation().manifest.tuning.target == 0.5
    with pytest.raises(QueryError, match=r"recall: expected a share within \(0, 1\], found 1.5"):
        gallery.index(recall=1.5)
