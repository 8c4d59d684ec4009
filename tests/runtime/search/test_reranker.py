"""The top hits of one bundle, reranked by another: their order, the cache of vectors, and what is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photoseek import Bundle, Gallery, Reranker, Searcher
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import GalleryIncompatible, PhotoError, QueryError
from photoseek.gallery.filters import Filter
from photoseek.gallery.lock import exclusive_writer
from photoseek.search import rerank_vectors
from photoseek.search.near_duplicates import group_near_duplicates
from photoseek.search.rank_fusion import Fusion
from photoseek.search.rerank_vectors import RerankVectors
from tiny_bundle import COLORS, write_tiny_bundle
from tiny_photos import write_color
from typed_commands import photoseek_command


@pytest.fixture
def second(tmp_path: Path) -> Bundle:
    """A bundle whose space is another one."""
    return Bundle.load(write_tiny_bundle(tmp_path / "second", name="second", seed=3, dim=24))


@pytest.fixture
def held(gallery: Gallery, second: Bundle) -> Gallery:
    """The photos, indexed with both bundles."""
    gallery.add_bundle(second)
    gallery.index()
    return gallery


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many photos each run of an image tower was given."""
    runs: list[int] = []
    encode = ImageEncoder.encode_pixels
    monkeypatch.setattr(
        ImageEncoder, "encode_pixels", lambda self, pixels: (runs.append(len(pixels)), encode(self, pixels))[1]
    )
    return runs


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Modification time and content of everything in a folder."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, b"" if path.is_dir() else path.read_bytes())
        for path in (folder, *folder.rglob("*"))
    }


def paths(hits: Any) -> list[str]:
    return [hit.path for hit in hits]


def reference(gallery: Gallery, second: Bundle, text: str, depth: int, fusion: Fusion) -> list[str]:
    """The order by the definition: cosines of both towers themselves, the first bundle's best ``depth`` put anew."""
    first = Searcher(gallery, engine="exact").search(text, k=24)
    vectors = ImageEncoder(second).encode([hit.file for hit in first[:depth]])
    cosines = vectors @ TextEncoder(second).encode([text])[0]
    fused = fusion.fuse([hit.score for hit in first[:depth]], cosines)
    order = sorted(range(len(vectors)), key=lambda place: (-fused[place], place))
    return [first[place].path for place in order] + paths(first[depth:])


@pytest.mark.parametrize("fusion", [Fusion(), Fusion("rrf"), Fusion("rrf", 0.9), Fusion("zscore", 0.2)])
@pytest.mark.parametrize("depth", [1, 7, 24, 1000])
def test_the_first_hits_are_in_the_fused_order_and_the_others_follow(
    held: Gallery, second: Bundle, depth: int, fusion: Fusion
) -> None:
    reranker = Reranker(Searcher(held), second, depth=depth, fusion=fusion)
    for text in ("red", "a yellow picture", "blue and green"):
        expected = reference(held, second, text, depth, fusion)
        for k in (1, 5, 24, 100):
            hits = reranker.search(text, k=k)
            assert paths(hits) == expected[:k]
            assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


def test_at_its_ends_the_weight_is_one_bundle_alone(held: Gallery, second: Bundle) -> None:
    for weight, alone in ((0.0, Searcher(held)), (1.0, Searcher(held, bundle=second))):
        for rule in ("rrf", "zscore"):
            reranker = Reranker(Searcher(held), second, fusion=Fusion(rule, weight))  # type: ignore[arg-type]
            assert paths(reranker.search("red and white", k=24)) == paths(alone.search("red and white", k=24))


def test_a_hit_says_what_both_bundles_do_and_keeps_the_first_one_s_score(held: Gallery, second: Bundle) -> None:
    plain = {hit.path: hit for hit in Searcher(held).search("red", k=24)}
    others = {hit.path: hit for hit in Searcher(held, bundle=second).search("red", k=24)}
    hits = Reranker(Searcher(held), second, depth=24).search("red", k=24)
    for hit in hits:
        one, other = hit.scores
        assert (hit.score, hit.confidence) == (plain[hit.path].score, plain[hit.path].confidence)
        assert (one.bundle, one.score, one.rank) == ("tiny", plain[hit.path].score, plain[hit.path].rank)
        assert (other.bundle, other.rank) == ("second", others[hit.path].rank)
        assert other.score == pytest.approx(others[hit.path].score, abs=1e-6)
    assert [hit.fusion_score for hit in hits] == sorted((hit.fusion_score or 0 for hit in hits), reverse=True)
    told = hits[0].to_json()
    assert told["scores"][1] == {"bundle": "second", "score": round(hits[0].scores[1].score or 0, 4), "rank": 1}
    assert set(told) - set(plain[hits[0].path].to_json()) == {"fusion_score", "scores"}
    beyond = Reranker(Searcher(held), second, depth=3).search("red", k=4)[3]
    assert (beyond.fusion_score, beyond.scores) == (None, ())
    assert "scores" not in beyond.to_json()


def test_photos_parts_conditions_and_folding_are_asked_as_a_searcher_is(
    held: Gallery, photos: Path, second: Bundle
) -> None:
    searcher = Searcher(held)
    reranker = Reranker(searcher, second)
    assert paths(reranker.search(photo=photos / "red" / "red-0.png", k=1)) == ["red/red-0.png"]
    assert paths(reranker.search(photo=(photos / "red" / "red-0.png").read_bytes(), k=1)) == ["red/red-0.png"]
    similar_to = reranker.search(similar_to="red/red-0.png", k=24)
    assert {path.split("/")[0] for path in paths(similar_to)[:3]} == {"red"}
    assert (len(similar_to), "red/red-0.png" in paths(similar_to)) == (23, False)
    assert paths(reranker.search("red - blue", k=1))[0].startswith("red/")
    assert {path.split("/")[0] for path in paths(reranker.search("red", k=24, where=Filter(folder="blue")))} == {"blue"}
    assert reranker.search("red", where=Filter(folder="nowhere")) == []


@pytest.mark.parametrize("depth", [2, 9, 24])
def test_near_duplicates_are_folded_in_the_fused_order_by_the_first_bundle_s_vectors(
    held: Gallery, second: Bundle, depth: int
) -> None:
    searcher = Searcher(held)
    reranker = Reranker(searcher, second, depth=depth, fusion=Fusion(weight=1.0))
    for text in ("red and white", "white - blue", "red and blue", "green and yellow"):
        unfolded = reranker.search(text, k=24)
        vectors = np.stack([searcher.photo_at(hit.path)[1] for hit in unfolded])
        expected = [(hit.path, paths(hit.duplicates)) for hit in group_near_duplicates(unfolded, vectors)]
        assert len(expected) == len(COLORS)
        assert [
            (hit.path, paths(hit.duplicates)) for hit in reranker.search(text, k=6, group_duplicates=True)
        ] == expected
        assert paths(reranker.search(text, k=2, group_duplicates=True)) == [path for path, _ in expected[:2]]


def test_vectors_that_the_gallery_lacks_are_encoded_once_for_the_top_hits(
    gallery: Gallery, photos: Path, second: Bundle, looked_at: list[int]
) -> None:
    expected = reference(gallery, second, "red", 6, Fusion())
    looked_at.clear()
    reranker = Reranker(Searcher(gallery), second, depth=6)
    assert paths(reranker.search("red", k=24)) == expected
    assert sum(looked_at) == 6
    assert paths(reranker.search("red", k=24)) == expected
    assert reranker.search(similar_to=expected[0], k=3)
    ran = len(looked_at)
    reranker.search("red", where=Filter(folder=expected[0].split("/")[0]), k=3)
    assert len(looked_at) == ran
    Reranker(Searcher(Gallery.open(photos)), second, depth=6).search("red", k=24)
    assert sum(looked_at[ran:]) == 6  # another object has another cache


def test_vectors_of_an_added_bundle_are_read_from_the_gallery(
    held: Gallery, second: Bundle, looked_at: list[int]
) -> None:
    Reranker(Searcher(held), second).search("red")
    assert looked_at == []


def test_a_reranked_search_changes_no_file_and_adds_no_bundle(gallery: Gallery, photos: Path, second: Bundle) -> None:
    gallery.close()
    before = tree(photos)
    with Gallery.open(photos) as opened:
        reranker = Reranker(Searcher(opened), second, depth=6)
        assert reranker.search("red")[0].scores[1].score is not None
        assert reranker.search(photo=photos / "blue" / "blue-0.png")[0].scores[1].score is not None
        assert reranker.search(similar_to="green/green-0.png")[0].scores[1].score is not None
        assert opened.held(second) is None
        with pytest.raises(GalleryIncompatible, match="--add"):
            Searcher(opened, bundle=second)
    assert tree(photos) == before
    for asked in (["red"], ["--image", photos / "blue" / "blue-0.png"]):
        done = photoseek_command("search", *asked, "--gallery", photos, "--rerank", second.path)
        assert (done.returncode, "score by second" in done.stdout) == (0, True), done.stderr
    assert tree(photos) == before


def test_a_gallery_that_is_being_indexed_is_reranked(gallery: Gallery, second: Bundle, looked_at: list[int]) -> None:
    reranker = Reranker(Searcher(gallery), second, depth=6)
    with exclusive_writer(gallery.path):
        first = reranker.search("red", k=24)
        assert reranker.search("red", k=24) == first
    assert sum(looked_at) == 6


def test_the_cache_has_a_bound_and_drops_what_was_used_least_recently(
    gallery: Gallery, second: Bundle, looked_at: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rerank_vectors, "CACHE_BYTES", 3 * (4 * second.dim + 512))
    vectors = RerankVectors(gallery, ImageEncoder(second))
    ids = [hit.id for hit in Searcher(gallery).search("red", k=24)]
    one, two, three, four = ids[:4]

    def encoded(*wanted: int) -> int:
        looked_at.clear()
        assert vectors.vectors(wanted).keys() == set(wanted)
        return sum(looked_at)

    assert [encoded(one), encoded(two), encoded(three)] == [1, 1, 1]
    assert encoded(one) == 0
    assert encoded(four) == 1  # drops the second photo
    assert encoded(one, three, four) == 0
    assert encoded(two) == 1
    assert encoded(*ids) > 0  # more photos than the cache can contain
    assert encoded(*ids) == len(ids) - 3


def test_the_size_of_the_cache_is_within_its_bound(
    gallery: Gallery, second: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of entries as they are in memory, with their keys."""
    bound = 2**20
    monkeypatch.setattr(rerank_vectors, "CACHE_BYTES", bound)
    vectors = RerankVectors(gallery, ImageEncoder(second))
    tracemalloc.start()
    try:
        for number in range(10_000):
            vectors._add({hashlib.sha256(b"%d" % number).hexdigest(): np.zeros(second.dim, np.float32)})
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert bound / 4 < used < bound


def test_a_photo_that_is_gone_or_another_picture_now_counts_as_last(
    gallery: Gallery, photos: Path, second: Bundle
) -> None:
    """It stays found, for the first bundle knows it."""
    (photos / "red" / "red-1.png").unlink()
    write_color(photos / "red" / "red-2.png", COLORS["blue"], seed=7)
    hits = {hit.path: hit for hit in Reranker(Searcher(gallery), second, depth=8).search("red", k=24)}
    assert len(hits) == 24
    for path in ("red/red-1.png", "red/red-2.png"):
        assert (hits[path].scores[1].score, hits[path].scores[1].rank) == (None, None)
    assert hits["red/red-0.png"].scores[1].rank is not None
    with pytest.raises(QueryError, match=r"'red/red-1\.png' cannot be looked at by bundle 'second'"):
        Reranker(Searcher(gallery), second).search(similar_to="red/red-1.png")


def test_copies_of_a_photo_are_looked_at_once(
    gallery: Gallery, photos: Path, second: Bundle, looked_at: list[int]
) -> None:
    shutil.copy(photos / "red" / "red-0.png", photos / "copy.png")
    gallery.index()
    looked_at.clear()
    assert len(Reranker(Searcher(gallery), second, depth=25).search("red", k=25)) == 25
    assert sum(looked_at) == 24


@pytest.mark.parametrize("entries", [2, 1000])
def test_threads_share_a_reranker(
    gallery: Gallery, second: Bundle, looked_at: list[int], entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rerank_vectors, "CACHE_BYTES", entries * (4 * second.dim + 512))
    reranker = Reranker(Searcher(gallery), second, depth=12)
    expected = {text: paths(Reranker(Searcher(gallery), second, depth=12).search(text, k=24)) for text in COLORS}

    def ask(_: int) -> bool:
        return all(paths(reranker.search(text, k=24)) == order for text, order in expected.items())

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(ask, range(6)))
    looked_at.clear()
    assert ask(0)
    assert (sum(looked_at) == 0) == (entries == 1000)


def test_none_is_of_low_confidence_unless_the_first_best_hit_is(held: Gallery, second: Bundle, tmp_path: Path) -> None:
    place = write_tiny_bundle(tmp_path / "calibrated", name="calibrated", seed=8)
    manifest = json.loads((place / "photoseek.json").read_text())
    curve = {"slope": 10.0, "intercept": -5.0, "min_similarity": 0.9, "photos": 10, "captions": 10, "by_length": []}
    manifest["precisions"]["fp32"]["confidence"] = curve
    (place / "photoseek.json").write_text(json.dumps(manifest))
    first = Bundle.load(place)
    held.add_bundle(first)
    held.index()
    searcher = Searcher(held, bundle=first)
    assert [hit.low_confidence for hit in searcher.search("red", k=24)].count(True) > 4
    hits = Reranker(searcher, second, fusion=Fusion(weight=1.0)).search("red", k=24)
    assert not any(hit.low_confidence for hit in hits)
    assert all(hit.confidence is not None for hit in hits)
    assert all(hit.low_confidence for hit in Reranker(searcher, second).search("a picture and", k=24)) == all(
        hit.low_confidence for hit in searcher.search("a picture and", k=24)
    )


@pytest.mark.parametrize("depth", [0, -1, 10_001, True, 2.0, "9"])
def test_a_depth_that_is_none_is_refused(gallery: Gallery, second: Bundle, depth: Any) -> None:
    with pytest.raises(QueryError, match="depth: expected a whole number from 1 to 10,000"):
        Reranker(Searcher(gallery), second, depth=depth)


def test_what_cannot_be_asked_is_refused(gallery: Gallery, photos: Path, second: Bundle, tiny_bundle: Bundle) -> None:
    with pytest.raises(QueryError, match="expected a bundle other than 'tiny'"):
        Reranker(Searcher(gallery), tiny_bundle)
    reranker = Reranker(Searcher(gallery), second)
    with pytest.raises(QueryError, match="an empty query"):
        reranker.search()
    with pytest.raises(QueryError, match="k must be"):
        reranker.search("red", k=0)
    with pytest.raises(QueryError, match=r"no photo 'nobody\.png'"):
        reranker.search(similar_to="nobody.png")
    (photos / "broken.png").write_bytes(b"broken")
    with pytest.raises(PhotoError):
        reranker.search(photo=photos / "broken.png")


def test_the_command_line_reranks(photos: Path, held: Gallery, second: Bundle, tiny_bundle: Bundle) -> None:
    ask = ("search", "red and white", "--gallery", photos, "-k", "24", "--json")
    told = photoseek_command(*ask, "--rerank", "second", "--depth", "9", "--fuse", "rrf", "--rerank-weight", "0.7")
    assert told.returncode == 0, told.stderr
    fusion = Fusion("rrf", 0.7)
    assert [hit["path"] for hit in json.loads(told.stdout)] == reference(held, second, "red and white", 9, fusion)
    table = photoseek_command("search", "red", "--gallery", photos, "--rerank", second.path).stdout
    assert "score by second" in table
    same = photoseek_command(*ask, "--rerank", tiny_bundle.path)
    assert (same.returncode, "expected a bundle other than 'tiny'" in same.stderr) == (2, True)
    assert photoseek_command(*ask, "--rerank", "second", "--fuse", "mean").returncode == 2
    assert photoseek_command(*ask, "--rerank", "second", "--depth", "0").returncode == 2


def test_one_vector_of_a_query_is_the_same_whoever_asks(held: Gallery, second: Bundle) -> None:
    query = Reranker(Searcher(held), second).query("a red picture")
    np.testing.assert_allclose(query.second.vector, TextEncoder(second).encode(["a red picture"])[0], atol=1e-6)
    np.testing.assert_allclose(query.first.vector, Searcher(held).encode("a red picture"), atol=1e-6)
