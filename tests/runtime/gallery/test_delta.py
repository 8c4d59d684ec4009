"""A delta equals brute force after any additions and removals, and its base is neither copied nor read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from installed import INSTALLED, needs_annoy
from photoseek import Bundle, Gallery, Searcher
from photoseek.errors import GalleryDamaged
from photoseek.gallery.database.database import Database
from photoseek.gallery.lock import exclusive_writer
from photoseek.gallery.snapshot import build, write
from photoseek.gallery.snapshot.snapshot import Snapshot
from tiny_bundle import COLORS
from tiny_photos import write_color
from torture import report, rounds, seed
from vector_gallery import FILTERS, Exact, Facts, clustered, make_gallery, make_generation, put, remove, various

DIM = 16


@pytest.fixture
def small_bases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bases of any size have deltas, until half of their photos have changed."""
    monkeypatch.setattr(build, "MIN_BASE", 0)
    monkeypatch.setattr(build, "MAX_SHARE", 0.5)


def check(gallery: Gallery, bundle: Bundle, rng: np.random.Generator) -> Snapshot:
    """Compare every engine, filters and the snapshot with brute force."""
    exact = Exact(gallery)
    snapshot = gallery.generation()
    np.testing.assert_array_equal(snapshot.ids, exact.ids)
    np.testing.assert_array_equal(snapshot.vectors, exact.vectors)
    gallery.verify()
    query = clustered(1, DIM, seed=int(rng.integers(1000)))[0]
    for engine in sorted({"auto", *snapshot.manifest.tuning.engines}):
        searcher = Searcher(gallery, bundle=bundle, engine=engine)  # type: ignore[arg-type]
        for where in (None, FILTERS[int(rng.integers(len(FILTERS)))]):
            hits = [(hit.id, hit.score) for hit in searcher.nearest(query, 300, where=where)]
            expected = exact(query, 300, where)
            assert {photo for photo, _ in hits} == {photo for photo, _ in expected}
            np.testing.assert_allclose([score for _, score in hits], [score for _, score in expected], atol=1e-6)
    path = exact.facts[int(rng.choice(exact.ids))].path
    photo, vector = Searcher(gallery, bundle=bundle).resolve_photo(path)
    np.testing.assert_array_equal(vector, exact.vectors[exact.ids.tolist().index(photo)])
    return snapshot


@needs_annoy
@pytest.mark.usefixtures("small_bases")
def test_any_history_equals_brute_force(tmp_path: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos are added, replaced and removed; some snapshots are interrupted, and some searchers stay open."""
    for turn in range(rounds(1)):
        rng = np.random.default_rng(seed("deltas") + turn)
        facts = various(80, seed=turn)
        gallery = make_gallery(tmp_path / str(turn), tiny_bundle, clustered(80, DIM, seed=turn), facts)
        gallery.database.set_meta(engines=" ".join(INSTALLED))
        make_generation(gallery)
        held = Searcher(gallery, bundle=tiny_bundle, engine="annoy")
        deltas = bases = 0
        for step in range(9):
            added = various(int(rng.integers(0, 12)), seed=step, start=1000 * (step + 1))
            replaced = [facts[row] for row in rng.permutation(len(facts))[: rng.integers(0, 4)]]
            gone = [each for each in facts if each not in replaced and rng.random() < 0.05]
            put(gallery, clustered(len(added) + len(replaced), DIM, seed=100 * turn + step), [*added, *replaced])
            remove(gallery, [each.path for each in gone])
            facts = [each for each in facts if each not in gone] + added
            if rng.random() < 0.3:
                interrupt_snapshot(gallery, monkeypatch)
            make_generation(gallery)
            snapshot = check(gallery, tiny_bundle, rng)
            deltas, bases = deltas + (snapshot.base is not None), bases + (snapshot.base is None)
            assert len(held.nearest(clustered(1, DIM)[0], 500)) == len(facts)
        assert deltas > 2
        assert bases
        report("deltas compared with brute force", deltas)


def interrupt_snapshot(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start a snapshot that fails before ``CURRENT`` names it."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(write, "write_current", fail)
        with suppress(OSError):
            make_generation(gallery)


@pytest.fixture(scope="module")
def large_template(tmp_path_factory: pytest.TempPathFactory, tiny_bundle_path: Path) -> Path:
    """The folder that ``large`` is a copy of."""
    folder = tmp_path_factory.mktemp("template") / "large"
    with make_gallery(folder, Bundle.load(tiny_bundle_path), clustered(2000, DIM)) as gallery:
        make_generation(gallery)
    return folder


@pytest.fixture
def large(large_template: Path, tmp_path: Path) -> Gallery:
    """A gallery whose base is large enough for a delta."""
    return Gallery.open(shutil.copytree(large_template, tmp_path / "large"))


def test_a_delta_does_not_copy_read_or_change_its_base(large: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    base = large.generation().path
    before = {path: (path.stat().st_ino, path.stat().st_ctime_ns) for path in base.iterdir()}
    read: list[int] = []
    rows = Database.rows

    def counted(*arguments: Any) -> Iterator[tuple[Any, ...]]:
        for row in rows(*arguments):
            read.append(row[0])
            yield row

    monkeypatch.setattr(Database, "rows", counted)
    for step in range(3):
        put(large, clustered(10, DIM, seed=step), [Facts(f"{step}-{number}.jpg") for number in range(10)])
        remove(large, [f"{step}.jpg"])
        make_generation(large)
        delta = large.generation()
        assert (delta.base and delta.base.path, len(delta.ids)) == (base, 2000 + 9 * (step + 1))
        assert sum(path.stat().st_size for path in delta.path.iterdir()) < 20_000
    assert min(read) > 2000
    assert {path: (path.stat().st_ino, path.stat().st_ctime_ns) for path in base.iterdir()} == before
    assert sorted(path.name for path in base.parent.iterdir()) == ["000001", "000003", "000004"]


def test_a_delta_becomes_a_base_when_a_tenth_has_changed(large: Gallery) -> None:
    for number, (added, removed, is_base) in enumerate([(190, 10, False), (0, 1, True), (1, 1, False)]):
        put(large, clustered(added, DIM), [Facts(f"{number}-{each}.jpg") for each in range(added)])
        remove(large, [f"{100 * number + each}.jpg" for each in range(removed)])
        make_generation(large)
        assert (large.generation().base is None) == is_base
    make_generation(large)
    assert sorted(path.name for path in (large.path / "generations").iterdir()) == ["000003", "000004"]


def test_a_delta_is_kept_by_readers_and_its_base_is_opened_once(large: Gallery, tiny_bundle: Bundle) -> None:
    searcher = Searcher(large, bundle=tiny_bundle)
    base = searcher.snapshot
    put(large, clustered(1, DIM, seed=5), [Facts("new.jpg")])
    make_generation(large)
    assert searcher.nearest(clustered(1, DIM, seed=5)[0], 1)[0].path == "new.jpg"
    assert searcher.snapshot.base is base


def test_a_restored_database_gets_a_new_base(large: Gallery, tmp_path: Path, tiny_bundle: Bundle) -> None:
    """Its photo ids are assigned again, so that those of the base may be of other photos."""
    backup = shutil.copy(large.path / "gallery.sqlite", tmp_path)
    put(large, clustered(300, DIM, seed=1), [Facts(f"lost-{number}.jpg") for number in range(300)])
    make_generation(large)
    assert large.generation().base is None
    large.close()
    shutil.copy(backup, large.path)
    with Gallery.open(large.path) as restored:
        put(restored, clustered(300, DIM, seed=2), [Facts(f"new-{number}.jpg") for number in range(300)])
        put(restored, clustered(1, DIM, seed=3), [Facts("newer.jpg")])
        make_generation(restored)
        assert restored.generation().base is None
        check(restored, tiny_bundle, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("of_base", "name"),
    [
        (False, "removed.npy"),
        (False, "vectors.npy"),
        (False, "manifest.json"),
        (True, "ids.npy"),
        (True, "manifest.json"),
    ],
)
def test_damage_of_a_delta_or_its_base_is_refused_and_repaired(
    large: Gallery, tiny_bundle: Bundle, of_base: bool, name: str
) -> None:
    put(large, clustered(3, DIM, seed=5), [Facts(f"{number}-new.jpg") for number in range(3)])
    remove(large, ["0.jpg"])
    make_generation(large)
    delta = large.generation()
    assert delta.base is not None
    file = (delta.base.path if of_base else delta.path) / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.unlink()
    file.write_bytes(content)
    with pytest.raises(GalleryDamaged, match=name):
        Searcher(large, bundle=tiny_bundle).nearest(clustered(1, DIM)[0], 1)
    with pytest.raises(GalleryDamaged, match=name):
        large.verify()
    make_generation(large)
    check(large, tiny_bundle, np.random.default_rng(0))


@pytest.mark.usefixtures("small_bases")
def test_an_encoded_photo_is_read_once_and_a_deleted_vector_is_encoded_again(photos: Path, tiny_bundle: Bundle) -> None:
    with Gallery.create(photos, tiny_bundle) as gallery:
        gallery.index()
        write_color(photos / "new.png", COLORS["red"], seed=900)
        (photos / "broken.png").write_bytes(b"no photo")
        assert gallery.index().encoded == 1
        assert gallery.generation().base is not None
        assert gallery.index().encoded == 0
        with exclusive_writer(gallery.path), gallery.database.writing() as connection:
            connection.execute(
                "UPDATE vectors SET vector = zeroblob(4) WHERE sha256 IN "
                "(SELECT sha256 FROM photos WHERE path = 'red/red-0.png')"
            )
        assert gallery.repair().deleted == "1 vectors of photos"
        assert gallery.index().encoded == 1
        assert gallery.generation().base is None
        assert len(gallery.generation().ids) == 25
        gallery.prune()
        assert gallery.index().encoded == 0
        gallery.verify()
