"""Text, photo and mixed queries over one gallery."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from installed import INSTALLED
from photoseek import Gallery, Searcher
from photoseek.encoders.query_syntax import escape, parse_query
from photoseek.errors import PhotoError, QueryError
from photoseek.vector_index.registry import ENGINES, Engine
from tiny_bundle import COLORS
from tiny_photos import write_color


@pytest.fixture
def searcher(gallery: Gallery) -> Searcher:
    return Searcher(gallery)


@pytest.mark.parametrize("engine", ["auto", *INSTALLED])
@pytest.mark.parametrize("color", COLORS)
def test_a_text_finds_matching_photos(gallery: Gallery, engine: Engine, color: str) -> None:
    hits = Searcher(gallery, engine=engine).search(f"a {color} picture", k=4)
    assert {hit.path for hit in hits} == {f"{color}/{color}-{index}.png" for index in range(4)}


def test_a_photo_finds_itself_first_and_similar_photos_next(searcher: Searcher, photos: Path) -> None:
    hits = searcher.search(photo=photos / "green" / "green-2.png", k=4)
    assert hits[0].path == "green/green-2.png"
    assert hits[0].score == pytest.approx(1.0, abs=1e-5)
    assert all(hit.path.startswith("green/") for hit in hits)


def test_a_path_bytes_and_an_image_are_the_same_query(searcher: Searcher, photos: Path) -> None:
    path = photos / "blue" / "blue-1.png"
    expected = searcher.search(photo=path)
    assert searcher.search(photo=str(path)) == expected
    assert searcher.search(photo=path.read_bytes()) == expected
    with Image.open(path) as image:
        assert searcher.search(photo=image) == expected


def test_text_and_photo_have_equal_weights(searcher: Searcher, photos: Path) -> None:
    photo = photos / "red" / "red-0.png"
    both = searcher.query("green", photo=photo).vector
    text, image = searcher.query("green").vector, searcher.query(photo=photo).vector
    assert both @ text == pytest.approx(both @ image, abs=1e-5)
    assert np.linalg.norm(both) == pytest.approx(1, abs=1e-6)


def test_hits_are_ranked_by_cosine_and_describe_the_photo(searcher: Searcher, photos: Path) -> None:
    hits = searcher.search("red", k=24)
    assert [hit.rank for hit in hits] == list(range(1, 25))
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert -1 <= scores[-1] < scores[0] <= 1.000001
    assert all(hit.file == photos / hit.path and hit.file.is_file() for hit in hits)
    assert (hits[0].width, hits[0].height) == (48, 36)
    assert {"rank", "path", "score", "width", "height", "id", "file"} <= set(hits[0].to_json())


def test_a_large_k_returns_all_photos(searcher: Searcher) -> None:
    assert len(searcher.search("red", k=10_000)) == 24


@pytest.mark.parametrize("k", [0, -1, 1.5, "5", None, True])
def test_an_invalid_k_is_rejected(searcher: Searcher, k: object) -> None:
    with pytest.raises(QueryError, match="at least 1"):
        searcher.search("red", k=k)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [None, "", "  \n\t"])
def test_an_empty_query_is_rejected(searcher: Searcher, text: str | None) -> None:
    with pytest.raises(QueryError, match="an empty query"):
        searcher.search(text)


def test_a_broken_query_photo_is_rejected(searcher: Searcher) -> None:
    with pytest.raises(PhotoError, match="not a photo of a known format"):
        searcher.search(photo=b"no photo")


def test_an_unknown_engine_is_rejected(gallery: Gallery) -> None:
    with pytest.raises(QueryError, match=f"expected an engine among auto, {', '.join(ENGINES)}, found 'fast'"):
        Searcher(gallery, engine="fast")  # type: ignore[arg-type]


def test_a_text_query_never_loads_the_image_tower(searcher: Searcher, photos: Path) -> None:
    searcher.search("red")
    assert searcher.text_encoder.is_loaded
    assert not searcher.image_encoder.is_loaded
    searcher.search(photo=photos / "red" / "red-0.png")
    assert searcher.image_encoder.is_loaded


def test_a_searcher_detects_re_indexing(searcher: Searcher, gallery: Gallery, photos: Path) -> None:
    assert len(searcher.search("red", k=50)) == 24
    write_color(photos / "new.png", COLORS["red"], seed=999)
    gallery.index()
    assert len(searcher.search("red", k=50)) == 25


def cancels_out(searcher: Searcher, text: str) -> bool:
    try:
        searcher.search(text, k=3)
    except QueryError as error:
        return "cancel out" in str(error)
    return False


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=()), min_size=1).filter(str.strip))
@example(text="-")
@example(text="é -ü")
def test_any_text_is_a_valid_query_if_escaped(searcher: Searcher, text: str) -> None:
    """As it is, or escaped if its syntax is invalid, or if it subtracts the same tokens; both are reported."""
    try:
        subtracts = any(term.weight < 0 for term in parse_query(text))
    except QueryError:
        with pytest.raises(QueryError, match="expected"):
            searcher.search(text, k=3)
        text = escape(text)
    else:
        if subtracts and cancels_out(searcher, text):
            text = escape(text)
    assert len(searcher.search(text, k=3)) == 3
    assert len(searcher.search(escape(text), k=3)) == 3


def test_threads_that_share_a_searcher_get_the_same_hits(searcher: Searcher, gallery: Gallery) -> None:
    expected = {color: Searcher(gallery).search(color) for color in COLORS}
    wrong: list[str] = []
    start = threading.Barrier(6)

    def ask() -> None:
        start.wait()
        wrong.extend(color for _ in range(5) for color in COLORS if searcher.search(color) != expected[color])

    workers = [threading.Thread(target=ask) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []


def test_a_repeated_text_is_not_encoded_again(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    first = searcher.search("red", k=3)
    monkeypatch.setattr(searcher.text_encoder, "encode", lambda *_, **__: pytest.fail("encoded again"))
    assert searcher.search("red", k=3) == first
    with pytest.raises(ValueError, match="read-only"):
        searcher.query("red").terms[0].vector[:] = 0
    with pytest.raises(BaseException, match="encoded again"):
        searcher.search("blue")
