"""Vectors have unit length, and do not depend on batch, order, padding or threads."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.manifest import FileRecord, Layout, Manifest
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import BundleIncompatible, PhotoError, QueryError
from photoseek.system.cpu import available_cores
from photoseek.vectors import normalize
from tiny_bundle import COLORS, SIDE, write_tiny_bundle

TEXTS = ["red", "a green picture", "blue and yellow and white", "", "a picture " * 40, "black"]


def test_vectors_are_finite_and_of_unit_length(tiny_bundle: Bundle) -> None:
    vectors = TextEncoder(tiny_bundle).encode(TEXTS)
    assert vectors.shape == (len(TEXTS), tiny_bundle.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 2, 4, 100])
def test_batch_size_order_and_padding_change_nothing(tiny_bundle: Bundle, batch_size: int) -> None:
    encoder = TextEncoder(tiny_bundle)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    order = np.random.default_rng(batch_size).permutation(len(TEXTS))
    together = encoder.encode([TEXTS[row] for row in order], batch_size=batch_size)
    np.testing.assert_allclose(together, alone[order], atol=1e-6)


def test_no_texts_and_no_photos_return_no_vectors(tiny_bundle: Bundle) -> None:
    assert TextEncoder(tiny_bundle).encode([]).shape == (0, tiny_bundle.dim)
    assert ImageEncoder(tiny_bundle).encode([]).shape == (0, tiny_bundle.dim)


def test_a_color_is_most_similar_to_its_name(tiny_bundle: Bundle) -> None:
    names = TextEncoder(tiny_bundle).encode(list(COLORS))
    photos = ImageEncoder(tiny_bundle).encode([Image.new("RGB", (9, 5), color) for color in COLORS.values()])
    np.testing.assert_array_equal((names @ photos.T).argmax(axis=1), np.arange(len(COLORS)))


def test_special_tokens_typed_by_a_user_are_text(tiny_bundle: Bundle) -> None:
    """As the token of that name, "[CLS]" would not change the mean; as text it consists of unknown words."""
    encoder = TextEncoder(tiny_bundle)
    typed, spaced = encoder.encode(["red [CLS] [SEP]", "red [ CLS ] [ SEP ]"])
    np.testing.assert_allclose(typed, spaced, atol=1e-6)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=())))
def test_any_text_lone_surrogates_included_has_a_vector(tiny_bundle: Bundle, text: str) -> None:
    (vector,) = TextEncoder(tiny_bundle).encode([text])
    assert np.isfinite(vector).all()


def test_a_megabyte_of_text_is_truncated(tiny_bundle: Bundle) -> None:
    encoder = TextEncoder(tiny_bundle)
    long, short = encoder.encode(["red " * 250_000, "red " * 100])
    np.testing.assert_allclose(long, short, atol=1e-6)


def test_a_graph_is_loaded_by_its_first_use(tiny_bundle: Bundle) -> None:
    text, image = TextEncoder(tiny_bundle), ImageEncoder(tiny_bundle)
    assert not text.is_loaded
    text.encode(["red"])
    assert text.is_loaded
    assert not image.is_loaded


def test_threads_that_share_an_encoder_get_the_same_bits(tiny_bundle: Bundle) -> None:
    encoder = TextEncoder(tiny_bundle)
    expected = TextEncoder(tiny_bundle).encode(TEXTS)
    found: list[np.ndarray] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        found.extend(encoder.encode(TEXTS) for _ in range(5))

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 40
    for vectors in found:
        np.testing.assert_array_equal(vectors, expected)


def test_a_broken_photo_is_named(tiny_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    with pytest.raises(PhotoError, match=r"broken\.jpg: not a photo"):
        ImageEncoder(tiny_bundle).encode([tmp_path / "broken.jpg"])


def test_a_graph_of_another_width_is_refused(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny")
    replace(Manifest.read(path), dim=8).write(path)
    with pytest.raises(BundleIncompatible, match=r"expected its text_embeds as \(1, 8\), found \(1, 16\)"):
        TextEncoder(Bundle.load(path)).encode(["red"])


def test_a_graph_with_an_unknown_input_is_refused(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny")
    text = path / Layout.text_model("fp32")
    text.write_bytes((path / Layout.vision_model("fp32")).read_bytes())
    manifest = Manifest.read(path)
    Manifest(**{**vars(manifest), "files": {**manifest.files, Layout.text_model("fp32"): FileRecord.of(text)}}).write(
        path
    )
    with pytest.raises(BundleIncompatible, match=r"expected inputs among .* found 'pixel_values'"):
        TextEncoder(Bundle.load(path)).encode(["red"])


def test_pixels_of_another_size_are_refused(tiny_bundle: Bundle) -> None:
    with pytest.raises(BundleIncompatible, match="cannot run"):
        ImageEncoder(tiny_bundle).encode_pixels(np.zeros((1, 3, SIDE + 1, SIDE), dtype=np.float32))


def test_rows_without_a_direction_are_refused() -> None:
    np.testing.assert_allclose(normalize([[3.0, 4.0]]), [[0.6, 0.8]], atol=1e-7)
    for bad in (0.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="row 1 has no direction"):
            normalize([[1.0, 0.0], [bad, 0.0]])


def test_an_unknown_mode_is_refused(tiny_bundle: Bundle) -> None:
    with pytest.raises(QueryError, match="expected a mode among latency, service, found 'fast'"):
        TextEncoder(tiny_bundle, mode="fast").encode(["red"])  # type: ignore[arg-type]


def test_the_modes_differ_in_threads_and_not_in_vectors(tiny_bundle: Bundle) -> None:
    quick, shared = TextEncoder(tiny_bundle, mode="latency"), TextEncoder(tiny_bundle, mode="service")
    np.testing.assert_allclose(quick.encode(TEXTS), shared.encode(TEXTS), atol=1e-6)
    options = [encoder._main._graph._session.get_session_options() for encoder in (quick, shared)]  # type: ignore[union-attr]
    assert [option.intra_op_num_threads for option in options] == [available_cores(), 1]
