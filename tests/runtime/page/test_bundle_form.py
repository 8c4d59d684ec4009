"""The page over a gallery of several bundles: which one answers, and which looks at the first hits once more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from photoseek import Bundle, Gallery, Reranker, Searcher
from photoseek.page import launch
from tiny_bundle import write_tiny_bundle

pytest.importorskip("streamlit", reason="streamlit is not installed")
from streamlit.testing.v1 import AppTest

TEXT = "red and white"


@pytest.fixture(autouse=True)
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the parts with scripts were last given, by their key; caches are empty."""
    from photoseek.page import components, open_galleries

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for kept in (open_galleries._open, open_galleries._state, open_galleries._rerank):
        kept.clear()
    given: dict[str, Any] = {}
    monkeypatch.setattr(components, "register_component", lambda _, key, data, **__: given.update({key: data}))
    return given


@pytest.fixture
def second(tmp_path: Path) -> Bundle:
    return Bundle.load(write_tiny_bundle(tmp_path / "second", name="second", seed=3, dim=24))


@pytest.fixture
def page(gallery: Gallery, second: Bundle, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A session over a gallery of two bundles that has been asked something."""
    gallery.bundles.add(second)
    gallery.index()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(gallery.path))
    page = new_session().run()
    page.text_input(key="q-field").set_value(TEXT).run()
    return page


def new_session() -> AppTest:
    return AppTest.from_file(str(Path(launch.__file__).with_name("script.py")), default_timeout=60)


def shown(page: AppTest, mounted: dict[str, Any]) -> list[str]:
    assert not page.exception
    return [card["path"] for card in mounted["cards"]["cards"]]


def paths(asked: Searcher | Reranker) -> list[str]:
    return [hit.path for hit in asked.search(TEXT, k=12, group_duplicates=True)]


def text_of(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def test_another_bundle_answers_when_it_is_chosen(
    page: AppTest, mounted: dict[str, Any], gallery: Gallery, second: Bundle
) -> None:
    own, other = paths(Searcher(gallery)), paths(Searcher(gallery, bundle=second))
    assert own != other
    assert shown(page, mounted) == own
    page.selectbox(key="model-field").select(second.fingerprint).run()
    assert shown(page, mounted) == other
    page.selectbox(key="model-field").select(gallery.fingerprint).run()
    assert shown(page, mounted) == own


def test_a_second_look_is_taken_when_it_is_chosen_and_told(
    page: AppTest, mounted: dict[str, Any], gallery: Gallery, second: Bundle
) -> None:
    assert "looked at again" not in text_of(page)
    page.selectbox(key="second-field").select(second.fingerprint).run()
    assert shown(page, mounted) == paths(Reranker(Searcher(gallery), second))
    assert "first hits looked at again by second" in text_of(page)
    page.selectbox(key="second-field").select("").run()
    assert shown(page, mounted) == paths(Searcher(gallery))


def test_the_one_that_answers_takes_no_second_look_at_its_own_hits(
    page: AppTest, mounted: dict[str, Any], gallery: Gallery, second: Bundle, tiny_bundle: Bundle
) -> None:
    page.selectbox(key="second-field").select(second.fingerprint).run()
    page.selectbox(key="model-field").select(second.fingerprint).run()
    assert shown(page, mounted) == paths(Searcher(gallery, bundle=second))
    page.selectbox(key="second-field").select(gallery.fingerprint).run()
    assert shown(page, mounted) == paths(Reranker(Searcher(gallery, bundle=second), tiny_bundle))


def test_a_link_repeats_the_choice(
    page: AppTest, mounted: dict[str, Any], gallery: Gallery, second: Bundle, tiny_bundle: Bundle
) -> None:
    page.selectbox(key="model-field").select(second.fingerprint).run()
    page.selectbox(key="second-field").select(gallery.fingerprint).run()
    told = dict(page.query_params)
    fresh = new_session()
    for name, value in told.items():
        fresh.query_params[name] = value
    fresh.run()
    assert shown(fresh, mounted) == paths(Reranker(Searcher(gallery, bundle=second), tiny_bundle))


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize("nonsense", ["nobody", "🙂", "0" * 500])
def test_a_link_that_names_a_bundle_which_is_not_there_is_answered_by_the_gallery_s_own(
    mounted: dict[str, Any], gallery: Gallery, nonsense: str
) -> None:
    fresh = new_session()
    for name, value in (("q", TEXT), ("model", nonsense), ("second", nonsense)):
        fresh.query_params[name] = value
    fresh.run()
    assert shown(fresh, mounted) == paths(Searcher(gallery))


def test_a_bundle_that_is_not_indexed_yet_is_no_choice(
    gallery: Gallery, second: Bundle, mounted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.bundles.add(second)
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(gallery.path))
    page = new_session().run()
    page.text_input(key="q-field").set_value(TEXT).run()
    assert shown(page, mounted) == paths(Searcher(gallery))
    assert [box.key for box in page.selectbox if box.key in ("model-field", "second-field")] == []


def test_a_bundle_that_was_forgotten_is_no_choice_any_more(
    page: AppTest, mounted: dict[str, Any], gallery: Gallery, second: Bundle
) -> None:
    page.selectbox(key="model-field").select(second.fingerprint).run()
    gallery.bundles.remove("second")
    page.run()
    assert shown(page, mounted) == paths(Searcher(gallery))
    assert [box.key for box in page.selectbox if box.key in ("model-field", "second-field")] == []
