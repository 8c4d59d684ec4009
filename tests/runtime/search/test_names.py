"""Queries that are words of names, titles or keywords: which photos match, and where they rank."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photo_metadata import jpeg, xmp
from photoseek import Bundle, Gallery, Searcher
from photoseek.bundle.manifest import Manifest
from photoseek.errors import QueryError
from photoseek.gallery.filters import Filter
from photoseek.gallery.snapshot import build, names
from photoseek.gallery.snapshot.name_words import words
from photoseek.search.reranker import Reranker
from tiny_bundle import COLORS, DIM, write_tiny_bundle
from tiny_photos import write_color
from vector_gallery import Facts, make_gallery, make_generation, put, remove, scattered

PHOTOS = {
    "IMG_20190824_0001.png": "blue",
    "Café Größe.png": "green",
    "SummerTrip.png": "yellow",
    "在雪地里奔跑的狗.png": "white",
    "Grandma 80th birthday/DSC_0042.png": "black",
    "Grandma 80th birthday/DSC_0043.png": "red",
    "beach2019/a.png": "blue",
    "red/1.png": "red",
    "red/2.png": "red",
}
TAGGED = "tagged.jpg"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    photos = tmp_path_factory.mktemp("names") / "photos"
    for number, (path, color) in enumerate(PHOTOS.items()):
        write_color(photos / path, COLORS[color], seed=number)
    document = xmp(title="Sunset at the pier", keywords=["Brighton", "sea gull"], description="With old friends")
    (photos / TAGGED).write_bytes(jpeg(xmp=document, color="lime"))
    return photos


@pytest.fixture(scope="module")
def searcher(folder: Path, tiny_bundle_path: Path) -> Iterator[Searcher]:
    with Gallery.create(folder, Bundle.load(tiny_bundle_path)) as gallery:
        gallery.index()
        yield Searcher(gallery)


def found(searcher: Searcher, text: str, **options: Any) -> list[str]:
    """Return the paths of the hits that match by name."""
    hits = searcher.search(text, **{"k": 50, "names": "only", **options})
    assert all(hit.matched for hit in hits)
    return [hit.path for hit in hits]


GRANDMA = ["Grandma 80th birthday/DSC_0042.png", "Grandma 80th birthday/DSC_0043.png"]


@pytest.mark.parametrize(
    ("text", "path", "field"),
    [
        ("IMG_20190824_0001", "IMG_20190824_0001.png", "name"),
        ("img_20190824_0001.PNG", "IMG_20190824_0001.png", "name"),
        ("IMG 20190824", "IMG_20190824_0001.png", "name"),
        ("img 2019", "IMG_20190824_0001.png", "name"),
        ("cafe grosse", "Café Größe.png", "name"),
        ("CAFE\u0301", "Café Größe.png", "name"),
        ("summer trip", "SummerTrip.png", "name"),
        ("summertrip", "SummerTrip.png", "name"),
        ("狗", "在雪地里奔跑的狗.png", "name"),
        ("雪地", "在雪地里奔跑的狗.png", "name"),
        ("dsc 42", GRANDMA[0], "name"),
        ("beach", "beach2019/a.png", "folder"),
        ("Brighton", TAGGED, "keyword"),
        ("gull", TAGGED, "keyword"),
        ("sunset at the pier", TAGGED, "title"),
        ("old friends", TAGGED, "title"),
        ("grandma dsc 43", GRANDMA[1], "name"),
        ("grandma + dsc + 43", GRANDMA[1], "name"),
    ],
)
def test_words_of_a_query_find_the_photos_that_have_all_of_them(
    searcher: Searcher, text: str, path: str, field: str
) -> None:
    hits = searcher.search(text, names="only")
    assert [(hit.path, hit.matched) for hit in hits] == [(path, field)]
    assert hits[0].to_json()["matched"] == field
    mixed = searcher.search(text, k=3)
    assert mixed[0].path == path or mixed[1].path == path
    assert "matched" not in searcher.search(text, k=1, names="never")[0].to_json()


@pytest.mark.parametrize(
    "text", ["雪的", "grand", "cat", "png", "IMG 20190825", "brighton gull zebra", "!?", "a" * 5000]
)
def test_other_texts_find_no_name(searcher: Searcher, text: str) -> None:
    assert found(searcher, text) == []
    plain = searcher.search(text, k=10, names="never")
    assert searcher.search(text, k=10) == plain
    assert {hit.matched for hit in plain} == {None}


def test_all_photos_of_a_folder_are_found_the_most_similar_first(searcher: Searcher) -> None:
    scores = _scores(searcher, "grandma 80th birthday")
    assert found(searcher, "grandma 80th birthday") == sorted(GRANDMA, key=lambda path: -scores[path])
    assert found(searcher, "grandma", k=1) == found(searcher, "grandma")[:1]


def _scores(searcher: Searcher, text: str) -> dict[str, float]:
    return {hit.path: hit.score for hit in searcher.search(text, k=50, names="never")}


def test_names_and_vectors_are_fused_by_reciprocal_ranks(searcher: Searcher) -> None:
    """The folder red is a whole match: its two photos have the ranks 1 and 2 by name."""
    near = [hit.path for hit in searcher.search("red", k=50, names="never")]
    by_name = [path for path in near if path.startswith("red/")]
    fused = {path: 1 / (60 + rank) for rank, path in enumerate(near, 1)}
    for rank, path in enumerate(by_name, 1):
        fused[path] += 1 / (60 + rank)
    hits = searcher.search("red", k=50)
    assert [hit.path for hit in hits] == sorted(fused, key=lambda path: -fused[path])
    assert [hit.rank for hit in hits] == list(range(1, len(near) + 1))
    assert {hit.path: hit.score for hit in hits} == _scores(searcher, "red")
    assert [hit.path for hit in searcher.search("red", k=2)] == [hit.path for hit in hits[:2]]


def test_a_subtracted_word_excludes_names_that_have_it(searcher: Searcher) -> None:
    assert found(searcher, "grandma") == found(searcher, "grandma - red") != []
    assert found(searcher, "2:grandma - 42") == [GRANDMA[1]]
    assert found(searcher, "red without grandma") in (["red/1.png", "red/2.png"], ["red/2.png", "red/1.png"])
    assert found(searcher, "2:grandma - birthday 42") == [GRANDMA[1]]
    assert found(searcher, "2:grandma - birthday") == []
    assert found(searcher, "red grandma - birthday") == []


def test_filters_and_photos_of_the_gallery_apply_to_names(searcher: Searcher) -> None:
    assert found(searcher, "a", where=Filter(folder="beach2019")) == ["beach2019/a.png"]
    assert found(searcher, "a", where=Filter(folder="red")) == []
    assert found(searcher, "img 2019", where=Filter(taken_from="2019-08-24", taken_to="2019-08-24")) != []
    assert found(searcher, "img 2019", where=Filter(taken_from="2020")) == []
    assert found(searcher, "grandma", similar_to=GRANDMA[0]) == [GRANDMA[1]]
    assert {hit.matched for hit in searcher.search("grandma", similar_to=GRANDMA[0], k=50)} == {None}


def test_invalid_choices_are_rejected(searcher: Searcher) -> None:
    with pytest.raises(QueryError, match="names: expected one of also, only, never, found 'maybe'"):
        searcher.search("red", names="maybe")  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="names: expected a text to search names for, found none"):
        searcher.search(similar_to="red/1.png", names="only")


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=40) | st.sampled_from(['"', "*", "red*", "NEAR(red)", "red OR 1", "a^b", "{a}:b", "-", "\0", "()"])
)
def test_no_text_is_syntax_of_the_full_text_search(searcher: Searcher, text: str) -> None:
    for choice in ("also", "only"):
        try:
            hits = searcher.search(text, names=choice)  # type: ignore[arg-type]
        except QueryError:
            continue
        assert choice == "also" or all(hit.matched for hit in hits)


def calibrated(path: Path) -> Bundle:
    manifest = Manifest.read(path)
    facts = {"slope": 20.0, "intercept": -10.0, "min_similarity": 0.99, "photos": 9, "captions": 9}
    manifest.precisions["fp32"]["confidence"] = facts
    manifest.write(path)
    return Bundle.load(path)


def test_names_come_first_if_no_photo_matches_confidently(folder: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(folder, tmp_path / "photos", ignore=shutil.ignore_patterns(".photoseek"))
    with Gallery.create(copied, calibrated(write_tiny_bundle(tmp_path / "bundle"))) as gallery:
        gallery.index()
        hits = Searcher(gallery).search("grandma 80th birthday", k=50)
        assert hits[2].low_confidence
        assert [(hit.matched, hit.low_confidence) for hit in hits[:2]] == [("folder", False)] * 2
        unread = Searcher(gallery).search("2019", k=50)
        assert [hit.path for hit in unread[:2]] == ["IMG_20190824_0001.png", "beach2019/a.png"] or (
            [hit.path for hit in unread[:2]] == ["beach2019/a.png", "IMG_20190824_0001.png"]
        )
        assert not unread[0].from_unread_text
        assert unread[2].from_unread_text


def test_a_large_folder_does_not_displace_the_nearest_photos(tmp_path: Path, tiny_bundle: Bundle) -> None:
    """3,000 photos of beach2019 share a rank that does not count; five of pier2019 share the fifth."""
    facts = [Facts(f"beach2019/{number}.jpg") for number in range(3_000)]
    facts += [Facts(f"other/{number}.jpg") for number in range(1_000)]
    facts += [Facts(f"{name}2019/{number}.jpg") for name in ("pier", "red") for number in range(5)]
    with make_gallery(tmp_path / "large", tiny_bundle, scattered(len(facts), DIM), facts) as gallery:
        make_generation(gallery)
        searcher = Searcher(gallery, engine="exact")
        near = [hit.path for hit in searcher.search("beach", k=20, names="never")]
        assert 5 < sum(path.startswith("beach2019/") for path in near) < 20
        hits = searcher.search("beach", k=20)
        assert [hit.path for hit in hits] == near
        assert {hit.matched for hit in hits} == {None}
        unread = [hit.rank for hit in searcher.search("pier", k=20) if hit.matched == "folder"]
        assert unread == [1, 2, 3, 4, 5]  # the bundle does not know the word
        assert len(ranks := [hit.rank for hit in searcher.search("red", k=20) if hit.matched == "folder"]) == 5
        assert min(ranks) == 5 or near[0].startswith("red2019/")
        assert len(searcher.search("beach", k=5_000, names="only")) == 3_000
        first = searcher.search("pier", k=100)
        for k in (1, 7, 101, 300):
            assert searcher.search("pier", k=k)[:100] == first[:k]
        where = Filter(folder="pier2019")
        assert len(searcher.search("2019", k=50, names="only", where=where)) == 5


@pytest.mark.parametrize("batch", [3, 2_000])
def test_matches_equal_brute_force_after_any_changes(
    tmp_path: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(build, "MIN_BASE", 0)
    monkeypatch.setattr(build, "MAX_SHARE", 0.6)
    monkeypatch.setattr("photoseek.search.name_search._PAGE", batch)
    rng = np.random.default_rng(batch)
    pool = ["dog", "beach", "2019", "Snow", "狗", "é"]

    def some(count: int) -> list[Facts]:
        return [
            Facts("/".join("_".join(rng.choice(pool, 2)) for _ in range(2)) + f" {rng.integers(10**6)}.jpg")
            for _ in range(count)
        ]

    facts = some(200)
    with make_gallery(tmp_path / "any", tiny_bundle, scattered(200, DIM), facts) as gallery:
        make_generation(gallery)
        searcher = Searcher(gallery)
        deltas = 0
        for turn in range(8):
            added = some(10)
            put(gallery, scattered(10, DIM, seed=turn), added)
            gone = [each.path for each in rng.permutation(np.array(facts, dtype=object))[:8]]
            remove(gallery, gone)
            facts = [each for each in facts if each.path not in gone] + added
            make_generation(gallery)
            deltas += gallery.generation().base is not None
            for _ in range(6):
                asked = rng.choice(pool, rng.integers(1, 4), replace=False).tolist()
                where = Filter(taken_from="2020") if rng.random() < 0.1 else Filter()
                expected = (
                    {each.path for each in facts if {*words(" ".join(asked))} <= {*words(each.path[:-4])}}
                    if where.empty
                    else set()
                )
                hits = searcher.search(" ".join(asked), names="only", k=1_000, where=where)
                assert {hit.path for hit in hits} == expected
        assert deltas > 3


def test_renamed_and_retagged_photos_are_found_by_their_new_texts(
    folder: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    copied = shutil.copytree(folder, tmp_path / "photos", ignore=shutil.ignore_patterns(".photoseek"))
    with Gallery.create(copied, tiny_bundle) as gallery:
        gallery.index()
        searcher = Searcher(gallery)
        (copied / "SummerTrip.png").rename(copied / "winter.png")
        (copied / "winter.xmp").write_bytes(xmp(keywords=["skiing"]))
        assert gallery.index().encoded == 0
        assert (found(searcher, "summer"), found(searcher, "winter")) == ([], ["winter.png"])
        assert found(searcher, "skiing") == ["winter.png"]
        (copied / "winter.xmp").write_bytes(xmp(keywords=["sledge"]))
        assert gallery.index().encoded == 0
        assert (found(searcher, "skiing"), found(searcher, "sledge")) == ([], ["winter.png"])
        gallery.verify()


def test_reranked_hits_are_fused_with_names(searcher: Searcher, tmp_path: Path) -> None:
    second = Bundle.load(write_tiny_bundle(tmp_path / "second", name="second", seed=3, dim=24))
    reranker = Reranker(searcher, second, depth=5)
    hits = reranker.search("brighton", k=50)
    assert TAGGED in [hit.path for hit in hits[:2]]
    assert [hit.path for hit in reranker.search("brighton", names="only")] == [TAGGED]
    assert sum(bool(hit.scores) for hit in hits) == 5
    without = [hit.path for hit in reranker.search("brighton", k=50, names="never")]
    assert [hit.path for hit in hits if hit.matched is None] == [path for path in without if path != TAGGED]


def test_a_snapshot_without_names_answers_by_vectors(
    folder: Path, tmp_path: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = shutil.copytree(folder, tmp_path / "photos", ignore=shutil.ignore_patterns(".photoseek"))
    monkeypatch.setattr(names, "has_fts5", lambda: False)
    with Gallery.create(copied, tiny_bundle) as gallery:
        gallery.index()
        monkeypatch.undo()
        searcher = Searcher(gallery)
        assert searcher.search("brighton", k=50) == searcher.search("brighton", k=50, names="never")
        assert found(searcher, "brighton") == []
        gallery.verify()


def test_a_forked_child_and_its_parent_search_names(searcher: Searcher) -> None:
    assert found(searcher, "brighton") == [TAGGED]
    if (child := os.fork()) == 0:
        os._exit(0 if found(searcher, "brighton") == [TAGGED] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert found(searcher, "brighton") == [TAGGED]


def test_searching_names_changes_no_file(searcher: Searcher) -> None:
    def state() -> list[tuple[str, int]]:
        return [(str(path), path.stat().st_mtime_ns) for path in sorted(searcher.gallery.path.rglob("*"))]

    before = state()
    found(searcher, "grandma")
    assert state() == before
