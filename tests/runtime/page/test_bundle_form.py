"""The page over a gallery with two bundles: which one searches, and which one reranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from page_sessions import new_session, text_of
from photoseek import Bundle, Gallery, Reranker, Searcher
from photoseek.page import launch
from photoseek.page.bundle_form import RERANK, SEARCH, SHORT
from tiny_bundle import write_tiny_bundle

pytest.importorskip("streamlit", reason="streamlit is not installed")

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

TEXT = "red and white"


@pytest.fixture(scope="session")
def second_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "second", name="second", seed=3, dim=24)


@pytest.fixture
def second(second_path: Path) -> Bundle:
    return Bundle.load(second_path)


@pytest.fixture
def page(gallery: Gallery, second: Bundle, rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A session over a gallery with two bundles, after one query."""
    rendered.clear()
    gallery.bundles.add(second)
    gallery.index()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(gallery.path))
    return new_session(q=TEXT).run()


def shown(page: AppTest, rendered: dict[str, Any]) -> list[str]:
    assert not page.exception
    return [card["path"] for card in rendered["cards"]["cards"]]


def expected(searcher: Searcher | Reranker) -> list[str]:
    return [hit.path for hit in searcher.search(TEXT, k=12, group_duplicates=True)]


def choose(page: AppTest, name: str, bundle: Bundle | None) -> None:
    page.selectbox(key=f"{name}-field-en").select("" if bundle is None else bundle.fingerprint[:SHORT]).run()


def has_fields(page: AppTest) -> bool:
    return bool({f"{SEARCH}-field-en", f"{RERANK}-field-en"} & {box.key for box in page.selectbox})


def test_the_chosen_bundle_searches(
    page: AppTest, rendered: dict[str, Any], gallery: Gallery, second: Bundle, tiny_bundle: Bundle
) -> None:
    first, other = expected(Searcher(gallery)), expected(Searcher(gallery, bundle=second))
    assert first != other
    assert shown(page, rendered) == first
    choose(page, SEARCH, second)
    assert shown(page, rendered) == other
    choose(page, SEARCH, tiny_bundle)
    assert shown(page, rendered) == first


def test_the_chosen_bundle_reranks_and_the_summary_names_it(
    page: AppTest, rendered: dict[str, Any], gallery: Gallery, second: Bundle
) -> None:
    assert "reranked" not in text_of(page)
    choose(page, RERANK, second)
    assert shown(page, rendered) == expected(Reranker(Searcher(gallery), second))
    assert "top hits reranked by second" in text_of(page)
    choose(page, RERANK, None)
    assert shown(page, rendered) == expected(Searcher(gallery))


def test_a_bundle_never_reranks_its_own_hits_and_a_link_repeats_the_choice(
    page: AppTest, rendered: dict[str, Any], gallery: Gallery, second: Bundle, tiny_bundle: Bundle
) -> None:
    choose(page, RERANK, second)
    choose(page, SEARCH, second)
    assert shown(page, rendered) == expected(Searcher(gallery, bundle=second))
    choose(page, RERANK, tiny_bundle)
    both = expected(Reranker(Searcher(gallery, bundle=second), tiny_bundle))
    assert shown(page, rendered) == both
    rendered.clear()
    assert shown(new_session(**dict(page.query_params)).run(), rendered) == both


@pytest.mark.usefixtures("page")
def test_an_unknown_bundle_in_a_link_is_ignored(rendered: dict[str, Any], gallery: Gallery) -> None:
    for unknown in ("nobody", "🙂", "0" * 500):
        rendered.clear()
        page = new_session(q=TEXT, bundle=unknown, rerank=unknown).run()
        assert shown(page, rendered) == expected(Searcher(gallery))


def test_a_bundle_that_is_not_indexed_cannot_be_chosen(
    gallery: Gallery, second: Bundle, rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.bundles.add(second)
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(gallery.path))
    page = new_session(q=TEXT).run()
    assert shown(page, rendered) == expected(Searcher(gallery))
    assert not has_fields(page)


def test_a_removed_bundle_cannot_be_chosen(
    page: AppTest, rendered: dict[str, Any], gallery: Gallery, second: Bundle
) -> None:
    choose(page, SEARCH, second)
    gallery.bundles.remove("second")
    page.run()
    assert shown(page, rendered) == expected(Searcher(gallery))
    assert not has_fields(page)
