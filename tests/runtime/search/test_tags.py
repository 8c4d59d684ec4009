"""Tags: words of the vocabulary in the order of their cosines, in the language of the bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

from photoseek import Bundle, Gallery, Searcher
from photoseek.demo.gallery import demo_photos
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import PhotoError, QueryError
from photoseek.search.tags import Tagger
from photoseek.search.vocabulary import vocabulary


@pytest.fixture
def scenes(tmp_path: Path) -> Gallery:
    """A gallery of eight drawn scenes, indexed with the embedded bundle."""
    folder = demo_photos(tmp_path / "scenes")
    for picture in sorted(folder.glob("*.jpg"))[8:]:
        picture.unlink()
    gallery = Gallery.create(folder, Bundle.load("demo"))
    gallery.index()
    return gallery


def test_tags_are_the_words_with_the_highest_cosines(scenes: Gallery) -> None:
    searcher = Searcher(scenes)
    photo = scenes.photos.root / sorted(scenes.database.paths())[0]
    found = Tagger(searcher).tags(photo, k=5)
    words, bundle = vocabulary("en"), searcher.bundle
    cosines = TextEncoder(bundle).encode(words) @ ImageEncoder(bundle).encode([photo])[0]
    expected = sorted(zip(cosines.tolist(), words, strict=True), reverse=True)[:5]
    assert [(tag.rank, tag.text) for tag in found] == [(rank, word) for rank, (_, word) in enumerate(expected, start=1)]
    assert [tag.score for tag in found] == pytest.approx([cosine for cosine, _ in expected], abs=1e-4)
    inside = Tagger(searcher).tags(similar_to=photo.name, k=5)
    assert [tag.text for tag in inside] == [tag.text for tag in found]


def test_a_tag_is_a_query_with_the_same_cosine(scenes: Gallery) -> None:
    searcher = Searcher(scenes)
    path = sorted(scenes.database.paths())[0]
    tag = Tagger(searcher).tags(similar_to=path, k=1)[0]
    hits = searcher.search(tag.text, k=20, names="never", group_duplicates=False)
    assert next(hit.score for hit in hits if hit.path == path) == pytest.approx(tag.score, abs=1e-4)


def test_tags_are_in_the_language_of_the_bundle(scenes: Gallery) -> None:
    path = sorted(scenes.database.paths())[0]
    tagger = Tagger(Searcher(scenes))
    assert not tagger.is_loaded_for("zh")
    assert {tag.text for tag in tagger.tags(similar_to=path, language="zh")} <= set(vocabulary("zh"))
    assert tagger.is_loaded_for("zh")
    assert {tag.text for tag in tagger.tags(similar_to=path, language="fr")} <= set(vocabulary("en"))


def test_words_that_the_bundle_does_not_read_are_no_tags(gallery: Gallery) -> None:
    searcher = Searcher(gallery)
    tags = Tagger(searcher).tags(similar_to="red/red-0.png", language="zh", k=1000)
    known = {word for word in vocabulary("en") if searcher.text_encoder.unread_share(word) <= 0.5}
    assert {tag.text for tag in tags} == known
    assert len(known) < 50


def test_invalid_arguments_are_refused(gallery: Gallery, tmp_path: Path) -> None:
    tagger = Tagger(Searcher(gallery))
    with pytest.raises(QueryError, match="k"):
        tagger.tags(similar_to="red/red-0.png", k=0)
    with pytest.raises(QueryError, match="empty query"):
        tagger.tags()
    with pytest.raises(QueryError, match="no photo"):
        tagger.tags(similar_to="none.png")
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    with pytest.raises(PhotoError):
        tagger.tags(tmp_path / "broken.jpg")
