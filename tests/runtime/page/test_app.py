"""The page's script run without a browser: what is loaded, and how often."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from photoseek import Bundle, Gallery
from photoseek.page import launch
from tiny_bundle import write_tiny_bundle

pytest.importorskip("streamlit", reason="streamlit is not installed")
from streamlit.testing.v1 import AppTest

SECONDS = 60


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """Each test begins with empty caches, as a new server does."""
    from photoseek.page import resources

    resources._open.clear()
    resources._state.clear()


@pytest.fixture
def page(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A session over 24 photos of six colours."""
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(gallery.path))
    return new_session()


@pytest.fixture
def opened_graphs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The file name of each model that is loaded."""
    from photoseek.sessions import Graph

    names: list[str] = []
    build = Graph.__init__

    def counted(self: Graph, path: Path, *rest: Any) -> None:
        names.append(path.name)
        build(self, path, *rest)

    monkeypatch.setattr(Graph, "__init__", counted)
    return names


def new_session() -> AppTest:
    return AppTest.from_file(str(Path(launch.__file__).with_name("script.py")), default_timeout=SECONDS)


def text_of(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def names(page: AppTest) -> list[str]:
    """File names of the hits, best first."""
    return [path.rpartition("/")[2] for path in re.findall(r"<bdi>(\w+/[\w.-]+)</bdi>", text_of(page))]


def test_the_text_tower_is_loaded_once_over_queries_and_sessions(page: AppTest, opened_graphs: list[str]) -> None:
    page.run()
    assert opened_graphs == []
    for session in (page, new_session().run()):
        for colour in ("red", "blue", "green"):
            session.text_input(key="q").set_value(colour).run()
            assert [name.partition("-")[0] for name in names(session)[:4]] == [colour] * 4
            assert not session.exception
    assert opened_graphs == ["text_model.onnx"]


def test_a_gallery_indexed_again_by_another_bundle_is_opened_anew(
    page: AppTest, gallery: Gallery, tmp_path: Path
) -> None:
    page.run().text_input(key="q").set_value("red").run()
    other = Bundle.load(write_tiny_bundle(tmp_path / "other", name="other", seed=1))
    Gallery.open_or_create(gallery.photos_root, other, rebuild=True).index(other)
    assert [name.partition("-")[0] for name in names(page.run())][:4] == ["red"] * 4
    assert "other" in text_of(page)


def test_a_gallery_deleted_and_made_again_is_opened_anew(page: AppTest, gallery: Gallery, tiny_bundle: Bundle) -> None:
    page.run().text_input(key="q").set_value("red").run()
    shutil.rmtree(gallery.path)
    for colour in ("black", "blue"):
        shutil.rmtree(gallery.photos_root / colour)
    Gallery.create(gallery.photos_root, tiny_bundle).index()
    assert [name.partition("-")[0] for name in names(page.run())][:4] == ["red"] * 4
    assert "of 16 photos" in text_of(page)


def test_an_unforeseen_error_is_told_plainly_and_logged(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the inside story")

    monkeypatch.setattr("photoseek.search.Searcher.search", fail)
    page.run().text_input(key="q").set_value("red").run()
    assert not page.exception
    assert "not foreseen" in text_of(page)
    assert "the inside story" not in text_of(page)
    assert "the inside story" in caplog.text


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ({}, ("", 5)),
        ({"q": "red", "k": "7"}, ("red", 7)),
        ({"k": "0"}, ("", 1)),
        ({"k": "999"}, ("", 50)),
        ({"k": "99999999"}, ("", 5)),
        ({"k": "many"}, ("", 5)),
        ({"k": "²"}, ("", 5)),
        ({"q": "x" * 600}, ("x" * 500, 5)),
    ],
)
def test_the_address_of_the_page_says_what_is_searched_for(
    page: AppTest, address: dict[str, str], expected: tuple[str, int]
) -> None:
    for name, value in address.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    assert (page.text_input(key="q").value, page.number_input(key="k").value) == expected


def test_the_examples_of_the_embedded_bundle_are_about_drawn_scenes(
    photos: Path, tiny_bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photoseek.bundle._DEMO_FOLDER", tiny_bundle_path)
    gallery = Gallery.create(photos, Bundle.load("demo"))
    gallery.index()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(photos))
    page = new_session().run()
    assert "two white sheep on a meadow" in [button.label for button in page.button]
    page.button[0].click().run()
    assert page.text_input(key="q").value == "a red car next to a tree at night"
    assert len(names(page)) == 5


@pytest.mark.parametrize("chinese", [False, True])
def test_examples_are_in_the_languages_of_the_bundle(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened_graphs: list[str], chinese: bool
) -> None:
    bundle = Bundle.load(write_tiny_bundle(tmp_path / "bundle", chinese=chinese))
    Gallery.create(photos, bundle).index()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(photos))
    page = new_session().run()
    labels = [button.label for button in page.button]
    assert "two dogs on a beach" in labels
    assert ("沙滩上的两只狗" in labels) is chinese
    page.text_input(key="q").set_value("红色").run()
    assert len(names(page)) == 5
    assert opened_graphs[-1] == ("text_model.zh.onnx" if chinese else "text_model.onnx")
