"""The photos that a gallery's SQL selects are those that meet the filter, photo by photo."""

from __future__ import annotations

from pathlib import Path

import pytest

from photoseek import Bundle, Gallery
from photoseek.gallery.database.filter_query import matching_ids
from photoseek.gallery.filters import Filter
from tiny_bundle import DIM
from vector_gallery import FILTERS, Exact, Facts, make_gallery, meets, scattered, various

ODD = [
    Facts("A.JPG"),
    Facts("jpg"),
    Facts("x.jpg/y"),
    Facts("a0/x.png"),
    Facts("a/雪.tif"),
    Facts("%.jpeg", taken="2021"),
]
COUNT = 400


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory, tiny_bundle_path: Path) -> Gallery:
    facts = [*various(COUNT), *ODD]
    folder = tmp_path_factory.mktemp("selection") / "photos"
    return make_gallery(folder, Bundle.load(tiny_bundle_path), scattered(len(facts), DIM), facts)


@pytest.mark.parametrize("where", FILTERS, ids=lambda where: str(where.to_json()))
def test_matching_ids_are_those_of_photos_that_meet_the_filter(gallery: Gallery, where: Filter) -> None:
    exact = Exact(gallery)
    expected = [photo for photo in exact.ids.tolist() if meets(exact.facts[photo], where)]
    assert matching_ids(gallery.database, where, gallery.fingerprint).tolist() == sorted(expected)
