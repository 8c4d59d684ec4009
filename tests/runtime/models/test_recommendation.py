"""The recommended model: the best published recall in a language among smaller downloads."""

from __future__ import annotations

import pytest

from photoseek.bundle.model_registry import registered_models
from photoseek.models.recommendation import MAX_MEGABYTES, recommended_model


@pytest.mark.parametrize(
    ("language", "name", "precision"),
    [("en", "siglip2-b-16-224", "int8"), ("zh", "siglip-b-16-256-multilingual", "q8")],
)
def test_no_smaller_download_has_a_higher_recall(language: str, name: str, precision: str) -> None:
    found = recommended_model(language)
    assert (found.name, found.precision) == (name, precision)
    chosen = registered_models()[name]
    assert found.megabytes == chosen.megabytes[precision] <= MAX_MEGABYTES
    assert found.license == chosen.license
    for other in registered_models().values():
        smallest = min(other.megabytes.values(), default=MAX_MEGABYTES + 1)
        if other.benchmark == chosen.benchmark and language in other.recall and smallest <= MAX_MEGABYTES:
            assert other.recall[language] <= chosen.recall[language]


def test_the_address_is_that_of_the_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    assert recommended_model("en").address.startswith("https://huggingface.co/onnx-community/")
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    assert recommended_model("en").address.startswith("https://mirror.example/onnx-community/")
