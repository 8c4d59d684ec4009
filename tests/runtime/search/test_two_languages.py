"""One gallery, two languages: each text goes to the tower of its language, and photos are encoded once."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from photoseek import Bundle, Gallery, Searcher
from photoseek.bundle.manifest import FileRecord, Layout, Manifest, TextTowerRecord
from photoseek.cli.app import app
from photoseek.encoders.encoders import TextEncoder
from photoseek.errors import BundleDamaged, QueryError
from photoseek.vectors import normalize
from tiny_bundle import CHINESE, COLORS, write_tiny_bundle

TEXTS = ["red", "蓝色的图", "a green picture", "", "红", "红 and green", "123", "白色 picture", "黑" * 100, "yellow"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with a Chinese tower; read only."""
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "both", chinese=True)


@pytest.fixture
def bundle(path: Path) -> Bundle:
    return Bundle.load(path)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The file name of each graph that is loaded."""
    from photoseek.bundle.onnx_session import OnnxSession

    names: list[str] = []
    build = OnnxSession.__init__

    def counted(self: OnnxSession, path: Path, *rest: Any, **named: Any) -> None:
        names.append(path.name)
        build(self, path, *rest, **named)

    monkeypatch.setattr(OnnxSession, "__init__", counted)
    return names


def test_a_bundle_lists_its_languages(bundle: Bundle, tiny_bundle: Bundle) -> None:
    assert (bundle.languages, tiny_bundle.languages) == (("en", "zh"), ("en",))
    bundle.verify()


def test_a_color_is_the_same_vector_in_both_languages(bundle: Bundle) -> None:
    encoder = TextEncoder(bundle)
    np.testing.assert_allclose(encoder.encode(list(CHINESE)), encoder.encode(list(COLORS)), atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_a_batch_of_mixed_languages_keeps_its_order(bundle: Bundle, batch_size: int) -> None:
    encoder = TextEncoder(bundle)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    order = np.random.default_rng(batch_size).permutation(len(TEXTS))
    together = encoder.encode([TEXTS[row] for row in order], batch_size=batch_size)
    np.testing.assert_allclose(together, alone[order], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)


def test_a_chinese_query_loads_the_chinese_tower_only(bundle: Bundle, opened: list[str]) -> None:
    encoder = TextEncoder(bundle)
    assert not encoder.is_loaded_for("红色")
    encoder.encode(["红色", "T恤"])
    assert opened == ["text_model.zh.onnx"]
    assert encoder.is_loaded_for("红色")
    assert not encoder.is_loaded_for("red")
    encoder.encode(["red", "🐕", "蓝"])
    assert opened == ["text_model.zh.onnx", "text_model.onnx"]


def test_an_english_query_loads_no_chinese_tower(bundle: Bundle, opened: list[str]) -> None:
    TextEncoder(bundle).encode(["red", "", "123", "かわいい", "🐕"])
    assert opened == ["text_model.onnx"]


def test_each_tower_reads_its_words_of_a_mixed_text(bundle: Bundle) -> None:
    """Two English words and three characters, which are two words: half and half; then shares of 3/4 and 1/4, as
    two words to two thirds, whose square roots are the weights."""
    encoder = TextEncoder(bundle)
    red, blue = encoder.encode(["a red", "蓝色的"])
    np.testing.assert_allclose(encoder.encode(["a red 蓝色的"])[0], normalize([red + blue])[0], atol=1e-6)
    (blue,) = encoder.encode(["蓝"])
    expected = normalize([0.75**0.5 * red + 0.5 * blue])[0]
    np.testing.assert_allclose(encoder.encode(["a red 蓝"])[0], expected, atol=1e-6)


def test_a_given_language_selects_the_tower(bundle: Bundle, opened: list[str]) -> None:
    """Its tower encodes the entire text: words of the other language are unknown to it, and move the mean."""
    encoder = TextEncoder(bundle)
    (forced,) = encoder.encode(["red 蓝"], language="zh")
    assert opened == ["text_model.zh.onnx"]
    assert not np.allclose(forced, encoder.encode(["red 蓝"])[0], atol=1e-3)
    np.testing.assert_allclose(forced, encoder.encode(["dog 蓝"], language="zh")[0], atol=1e-6)
    with pytest.raises(QueryError, match="bundle 'tiny' has no text tower for 'fr'; it reads en, zh"):
        encoder.encode(["rouge"], language="fr")


def test_a_bundle_with_one_tower_uses_it_for_every_text(tiny_bundle: Bundle, bundle: Bundle, opened: list[str]) -> None:
    """The entire mixed text, with identical bits."""
    found = TextEncoder(tiny_bundle).encode(TEXTS)
    assert opened == ["text_model.onnx"]
    np.testing.assert_array_equal(found, TextEncoder(bundle).encode(TEXTS, language="en"))


def test_the_main_tower_may_be_the_chinese_one(path: Path, tmp_path: Path, opened: list[str]) -> None:
    """It then also encodes texts without words."""
    copy = Path(shutil.copytree(path, tmp_path / "swapped"))
    shutil.copytree(copy / "zh", copy / "en")
    shutil.copy(copy / Layout.text_model("fp32", "zh"), copy / Layout.text_model("fp32", "en"))
    manifest = Manifest.read(copy)
    copied = {name.replace("zh", "en"): FileRecord.of(copy / name.replace("zh", "en")) for name in manifest.files}
    towers = {"en": TextTowerRecord("mean", "e" * 64)}
    replace(manifest, languages=["zh"], text_towers=towers, files={**manifest.files, **copied}).write(copy)
    encoder = TextEncoder(Bundle.load(copy))
    encoder.encode(["红", "123"])
    assert opened == ["text_model.onnx"]
    encoder.encode(["red"])
    assert opened == ["text_model.onnx", "text_model.en.onnx"]


def test_threads_share_both_towers(bundle: Bundle, opened: list[str]) -> None:
    expected = TextEncoder(bundle).encode(TEXTS)
    opened.clear()
    encoder = TextEncoder(bundle)
    found: list[np.ndarray] = []
    start = threading.Barrier(6)

    def work() -> None:
        start.wait()
        found.append(encoder.encode(TEXTS))

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(opened) == ["text_model.onnx", "text_model.zh.onnx"]
    assert len(found) == 6
    for vectors in found:
        np.testing.assert_array_equal(vectors, expected)


def test_a_precision_requires_every_text_tower(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "b", precisions=("fp32", "fp16"), chinese=True)
    assert Bundle.load(path).precisions == ("fp32", "fp16")
    manifest = Manifest.read(path)
    files = {name: record for name, record in manifest.files.items() if name != "onnx/text_model.zh.onnx"}
    replace(manifest, files=files).write(path)
    assert Bundle.load(path).precisions == ("fp16",)


@pytest.mark.parametrize(
    ("towers", "message"),
    [
        ({"../up": {"pooling": "mean", "weights": ""}}, "text_towers: expected codes like zh, found '../up'"),
        ({"de": {"pooling": "mean", "weights": ""}}, "expected de/tokenizer.json"),
        ({"zh": {"pooling": "mean"}}, "expected a bundle.s manifest"),
        (["zh"], "expected a bundle.s manifest"),
    ],
)
def test_invalid_towers_are_rejected(tmp_path: Path, towers: object, message: str) -> None:
    path = write_tiny_bundle(tmp_path / "b")
    values = json.loads((path / Layout.MANIFEST).read_text())
    (path / Layout.MANIFEST).write_text(json.dumps({**values, "text_towers": towers}))
    with pytest.raises(BundleDamaged, match=message):
        Bundle.load(path)


@pytest.mark.parametrize("name", ["onnx/text_model.zh.onnx", "zh/tokenizer.json", "zh/tokenizer_config.json"])
def test_damage_to_the_second_tower_is_named(tmp_path: Path, name: str) -> None:
    path = write_tiny_bundle(tmp_path / "b", chinese=True)
    content = bytearray((path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (path / name).write_bytes(content)
    with pytest.raises(BundleDamaged, match=f"{name}: expected sha256"):
        Bundle.load(path).verify()
    with pytest.raises(BundleDamaged, match=f"{name}: expected sha256"):
        TextEncoder(Bundle.load(path)).encode(["红"])
    TextEncoder(Bundle.load(path)).encode(["red"])


def test_a_gallery_from_before_the_second_tower_is_searched_in_chinese(
    gallery: Gallery, tiny_bundle: Bundle, bundle: Bundle
) -> None:
    """The fingerprint does not change, and no photo is encoded again."""
    assert bundle.fingerprint == tiny_bundle.fingerprint
    searcher = Searcher(gallery, bundle=bundle)
    for text in ("红色的图", "red", "红色 picture"):
        assert {Path(hit.path).parent.name for hit in searcher.search(text, k=4)} == {"red"}
    assert searcher.search("红", language="en") != searcher.search("红")
    report = gallery.index(bundle)
    assert (report.encoded, report.unchanged) == (0, 24)


def test_commands_accept_languages(gallery: Gallery, path: Path) -> None:
    def call(*arguments: object) -> Any:
        done = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    search = ["search", "红", "--gallery", gallery.path, "--bundle", path, "--json"]
    found, forced = (json.loads(call(*search, *more)) for more in ([], ["--language", "zh"]))
    assert found == forced
    assert found[0]["path"].startswith("red/")
    assert json.loads(call(*search, "--language", "en")) != found
    facts = json.loads(call("info", path, "--json"))
    assert facts["languages"] == ["en", "zh"]
    assert facts["text_towers"]["zh"]["pooling"] == "mean"
    assert "en, zh" in call("info", path)
    call("verify", path)
