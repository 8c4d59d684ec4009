"""A gallery with several bundles: each is searched separately, and indexing updates all of them."""

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
from photoseek.errors import BundleNotFound, GalleryDamaged, GalleryIncompatible, PhotoUnreachable
from photoseek.gallery.database.bundles import BUNDLES
from photoseek.gallery.indexing import pipeline
from photoseek.search.caption_search import CaptionSearcher
from tiny_bundle import COLORS, DIM, write_tiny_bundle
from tiny_photos import write_color
from typed_commands import photoseek_command

WIDE = 24


@pytest.fixture
def other(tmp_path: Path) -> Bundle:
    """A bundle of another space, of another dimension."""
    return Bundle.load(write_tiny_bundle(tmp_path / "other", name="other", seed=5, dim=WIDE))


@pytest.fixture
def both(gallery: Gallery, other: Bundle) -> Gallery:
    """The photos, indexed with both bundles."""
    gallery.bundles.add(other)
    gallery.index()
    return gallery


def answers(gallery: Gallery, bundle: Bundle | None = None) -> list[tuple[str, float]]:
    return [(hit.path, round(hit.score, 5)) for hit in Searcher(gallery, bundle=bundle).search("red", k=24)]


def folder_of(gallery: Gallery, bundle: Bundle) -> Path:
    return gallery.path / BUNDLES / bundle.fingerprint[:16]


@needs_annoy
def test_each_bundle_answers_as_in_a_separate_gallery(
    both: Gallery, photos: Path, tiny_bundle: Bundle, other: Bundle, tmp_path: Path
) -> None:
    for bundle in (tiny_bundle, other):
        with Gallery.create(photos, bundle, tmp_path / f"alone-{bundle.name}") as alone:
            alone.index()
            assert answers(both, bundle) == answers(alone)
            assert (
                len(Searcher(both, bundle=bundle, engine="annoy").search(photo=photos / "red" / "red-0.png", k=24))
                == 24
            )
    assert answers(both) == answers(both, tiny_bundle) != answers(both, other)


def test_adding_a_bundle_encodes_with_it_only_and_leaves_the_first_snapshot(
    gallery: Gallery, other: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    encode = ImageEncoder.encode_pixels
    monkeypatch.setattr(
        ImageEncoder, "encode_pixels", lambda self, pixels: (seen.append(self.bundle.name), encode(self, pixels))[1]
    )
    gallery.bundles.add(other)
    report = gallery.index()
    assert (report.encoded, report.unchanged, [(it.bundle, it.encoded) for it in report.additional]) == (
        0,
        24,
        [("other", 24)],
    )
    assert set(seen) == {"other"}
    assert gallery.generation().path.name == "000001"
    assert gallery.status().fresh
    assert [(it.searchable, it.fresh, it.dim) for it in gallery.status().additional] == [(24, True, WIDE)]


def test_a_photo_that_one_bundle_could_not_decode_is_reported_and_tried_again(
    gallery: Gallery, other: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*_: object) -> None:
        raise PhotoUnreachable("not enough memory to decode it now")

    gallery.bundles.add(other)
    with monkeypatch.context() as patch:
        once = iter([out_of_memory])
        decode = pipeline.decode_photo
        patch.setattr(pipeline, "decode_photo", lambda data, edge: next(once, decode)(data, edge))
        report = gallery.index()
    assert [reason for _, reason in report.skipped] == ["not enough memory to decode it now"]
    assert [it.encoded for it in report.additional] == [23]
    assert len(answers(gallery, other)) == 23
    assert [it.encoded for it in gallery.index().additional] == [1]


def test_changes_of_the_folder_reach_every_bundle(both: Gallery, photos: Path, other: Bundle) -> None:
    write_color(photos / "new.png", COLORS["red"], seed=77)
    (photos / "red" / "red-0.png").unlink()
    (photos / "blue" / "blue-0.png").rename(photos / "renamed.png")
    report = both.index()
    assert (report.encoded, report.removed, report.additional[0].encoded) == (1, 2, 1)
    for bundle in (None, other):
        found = dict(answers(both, bundle))
        assert {"new.png", "renamed.png"} <= found.keys()
        assert not {"red/red-0.png", "blue/blue-0.png"} & found.keys()
    assert both.index().additional[0].encoded == 0
    both.verify()


def test_searchers_of_both_bundles_see_a_later_indexing(both: Gallery, photos: Path, other: Bundle) -> None:
    searcher = Searcher(both, bundle=other)
    searcher.search("red")
    write_color(photos / "new.png", COLORS["red"], seed=77)
    assert "new.png" not in [hit.path for hit in searcher.search("red", k=24)]
    both.index()
    assert "new.png" in [hit.path for hit in searcher.search("red", k=25)]


def test_similar_photos_are_searched_with_the_vectors_of_each_bundle(both: Gallery, other: Bundle) -> None:
    hits = Searcher(both, bundle=other).search(similar_to="red/red-0.png", k=3)
    assert [hit.path.split("/")[0] for hit in hits] == ["red"] * 3
    assert "red/red-0.png" not in [hit.path for hit in hits]


def test_captions_are_encoded_with_each_bundle_including_earlier_ones(
    gallery: Gallery, photos: Path, other: Bundle
) -> None:
    gallery.add_captions([Caption("a.png", 0, "a red picture"), Caption("b.png", 0, "a blue picture")])
    gallery.bundles.add(other)
    gallery.index()
    assert len(CaptionSearcher(Searcher(gallery, bundle=other)).describe(photos / "red" / "red-1.png", k=3)) == 2
    gallery.add_captions([Caption("c.png", 0, "a green picture")])
    for color in ("red", "blue", "green"):
        found = CaptionSearcher(Searcher(gallery, bundle=other)).describe(photos / color / f"{color}-1.png", k=3)
        assert (len(found), found[0].text) == (3, f"a {color} picture")


def test_an_unknown_bundle_is_refused_with_both_remedies(gallery: Gallery, other: Bundle) -> None:
    with pytest.raises(
        GalleryIncompatible, match=r"makes different 24-d ones; re-index with: .*--rebuild, or .*--add-bundle"
    ):
        Searcher(gallery, bundle=other)


def test_a_bundle_is_found_by_its_name_its_fingerprint_and_its_folder(both: Gallery, other: Bundle) -> None:
    for name in ("other", other.fingerprint, other.fingerprint[:8], str(other.path)):
        assert both.bundles.load(name).fingerprint == other.fingerprint
    with pytest.raises(BundleNotFound):
        both.bundles.load("nobody")


def test_a_moved_bundle_is_reported_until_its_new_path_is_named(both: Gallery, photos: Path, other: Bundle) -> None:
    place = other.path.rename(other.path.with_name("elsewhere"))
    write_color(photos / "new.png", COLORS["red"], seed=77)
    report = both.index()
    assert report.encoded == 1
    assert "no bundle at" in (report.additional[0].problem or "")
    assert "new.png" not in dict(answers(both, Bundle.load(place)))
    assert both.index(Bundle.load(place)).additional[0].encoded == 1
    assert Gallery.open_or_create(photos, Bundle.load(place)).bundles.load("other").path == place
    assert both.index().additional[0].problem is None


def test_another_bundle_at_the_same_path_is_refused(both: Gallery, other: Bundle) -> None:
    shutil.rmtree(other.path)
    write_tiny_bundle(other.path, name="stranger", seed=9)
    assert "expected bundle 'other'" in (both.index().additional[0].problem or "")


def test_removing_a_bundle_removes_all_of_it_and_nothing_else(both: Gallery, other: Bundle) -> None:
    both.add_captions([Caption("a.png", 0, "red")])
    expected = answers(both)
    assert both.bundles.remove("other") == 24
    assert not (both.path / BUNDLES).exists() or not list((both.path / BUNDLES).iterdir())
    tables = ("vectors", "caption_vectors", f"meta WHERE key LIKE '%:{other.fingerprint}'")
    assert [both.database.query(f"SELECT count(*) FROM {table}")[0][0] for table in tables] == [24, 1, 0]
    assert answers(both) == expected
    both.verify()
    with pytest.raises(GalleryIncompatible, match="--add-bundle"):
        Searcher(both, bundle=other)
    with pytest.raises(GalleryIncompatible, match="'tiny'; found 'other'"):
        both.bundles.remove("other")
    with pytest.raises(GalleryIncompatible, match="primary bundle and cannot be removed"):
        both.bundles.remove("tiny")


def test_pruning_keeps_the_vectors_of_every_bundle(both: Gallery, photos: Path) -> None:
    assert both.prune() == 0
    (photos / "red" / "red-0.png").unlink()
    both.index()
    assert both.prune() == 2


def test_switching_to_an_additional_bundle_encodes_nothing(both: Gallery, photos: Path, other: Bundle) -> None:
    expected = answers(both, other)
    with Gallery.open_or_create(photos, other, rebuild=True) as gallery:
        report = gallery.index()
        assert (report.encoded, report.unchanged, report.additional) == (0, 24, [])
        assert [held.name for held in gallery.bundles] == ["other"]
        assert answers(gallery) == expected
        assert not (folder_of(gallery, other)).exists()
        gallery.verify()


def test_each_bundle_keeps_its_first_precision(gallery: Gallery, tmp_path: Path) -> None:
    bundle = Bundle.load(write_tiny_bundle(tmp_path / "two", name="two", seed=5, precisions=("fp32", "fp16")))
    gallery.bundles.add(bundle, precision="fp16")
    gallery.index()
    assert gallery.bundles.image_precision(bundle) == "fp16"
    assert gallery.bundles.add(bundle).precision == "fp16"
    assert Searcher(gallery, bundle=bundle).image_encoder.precision == "fp16"
    assert gallery.database.meta()["precision"] == "fp32"
    gallery.bundles.remove(bundle)
    done = photoseek_command(
        "index", gallery.photos.root, "--bundle", bundle.path, "--add-bundle", "--precision", "fp16"
    )
    assert (done.returncode, gallery.bundles.image_precision(bundle)) == (0, "fp16"), done.stderr
    assert gallery.database.meta()["precision"] == "fp32"


def tear_vectors(folder: Path) -> None:
    (folder / "generations" / "000001" / "vectors.npy").write_bytes(b"torn")


def tear_trees(folder: Path) -> None:
    (folder / "generations" / "000001" / "index.ann").write_bytes(bytes(760))


def empty_current(folder: Path) -> None:
    (folder / "CURRENT").write_bytes(b"")


@pytest.mark.parametrize("damage", [tear_vectors, tear_trees, empty_current, shutil.rmtree])
@pytest.mark.parametrize("bundle_there", [True, False])
def test_the_snapshot_of_an_additional_bundle_is_verified_and_repaired(
    both: Gallery, other: Bundle, damage: Callable[[Path], None], bundle_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = answers(both, other)
    damage(folder_of(both, other))
    if damage is not shutil.rmtree:  # an additional bundle that was not indexed is not damage
        with pytest.raises(GalleryDamaged):
            both.verify()
    if not bundle_there:
        other = Bundle.load(other.path.rename(other.path.with_name("elsewhere")))
    monkeypatch.setattr(ImageEncoder, "encode_pixels", None)
    repaired = both.repair()
    assert "of bundle 'other'" in (repaired.generation or "")
    assert (repaired.encoding_skipped is None) == bundle_there
    assert answers(both, other) == expected
    assert both.repair().lines() == []


def test_invalid_vectors_of_an_additional_bundle_are_deleted_and_encoded_again(both: Gallery, other: Bundle) -> None:
    expected = answers(both, other)
    short = f"x'{np.array([1.0], dtype='<f4').tobytes().hex()}'"
    with sqlite3.connect(both.database.path) as connection:
        connection.execute(
            f"UPDATE vectors SET vector = {short} WHERE fingerprint = ? "
            "AND sha256 IN (SELECT sha256 FROM photos WHERE path LIKE 'red/%')",
            (other.fingerprint,),
        )
    connection.close()
    with pytest.raises(GalleryDamaged, match="4 vectors of photos"):
        both.verify()
    assert both.repair().deleted == "4 vectors of photos"
    assert len(answers(both)) == 24
    report = both.index()
    assert (report.encoded, report.additional[0].encoded) == (0, 4)
    assert answers(both, other) == expected
    both.verify()


def test_stale_files_are_removed_in_every_folder(both: Gallery, other: Bundle) -> None:
    folder = folder_of(both, other)
    shutil.copytree(folder / "generations" / "000001", folder / "generations" / "000007.partial")
    shutil.copytree(folder, both.path / BUNDLES / "0123456789abcdef")  # of a removed bundle
    left = {path.relative_to(both.path).as_posix() for path in both.stale_files()}
    assert left == {f"{BUNDLES}/0123456789abcdef", f"{BUNDLES}/{folder.name}/generations/000007.partial"}
    both.index()
    assert both.stale_files() == []
    assert Searcher(both, bundle=other).search("red", k=1)[0].path.startswith("red/")


def test_an_invalid_record_of_a_bundle_is_reported(both: Gallery, other: Bundle) -> None:
    both.database.set_meta(**{f"bundle:{other.fingerprint}": '{"name": "other", "dim": "many"}'})
    with pytest.raises(GalleryDamaged, match=f"the record of bundle {other.fingerprint[:12]} cannot be read"):
        list(both.bundles)


def test_the_command_line_adds_uses_and_removes_a_bundle(photos: Path, tiny_bundle: Bundle, other: Bundle) -> None:
    assert photoseek_command("index", photos, "--bundle", tiny_bundle.path).returncode == 0
    refused = photoseek_command("index", photos, "--bundle", other.path)
    assert (refused.returncode, "--add-bundle" in refused.stderr, "--rebuild" in refused.stderr) == (1, True, True)
    added = photoseek_command("index", photos, "--bundle", other.path, "--add-bundle")
    assert (added.returncode, "bundle other: 24 encoded" in added.stderr) == (0, True), added.stderr
    write_color(photos / "new.png", COLORS["red"], seed=77)
    again = photoseek_command("index", photos)  # with all of its bundles
    assert "bundle other: 1 encoded" in again.stderr, again.stderr
    info = photoseek_command("info", photos, "--json").stdout
    assert f'"dim": {WIDE}' in info
    assert f'"dim": {DIM}' in info
    by_name = photoseek_command("search", "red", "--gallery", photos, "--bundle", "other", "--json", "-k", "25").stdout
    assert (
        by_name
        == photoseek_command("search", "red", "--gallery", photos, "--bundle", other.path, "--json", "-k", "25").stdout
    )
    assert by_name != photoseek_command("search", "red", "--gallery", photos, "--json", "-k", "25").stdout
    removed = photoseek_command("index", photos, "--remove-bundle", "other")
    assert (removed.returncode, "25 vectors of bundle other deleted" in removed.stdout) == (0, True)
    assert "other" not in photoseek_command("info", photos).stdout
    for words in (["--add-bundle", "--rebuild"], ["--remove-bundle", "tiny", "--watch"]):
        assert photoseek_command("index", photos, *words).returncode == 2
