"""Which files of a repository are needed, by the layout of their names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from photoseek.bundle.description import PRECISIONS
from photoseek.bundle.layouts.hf_model import SUFFIXES
from photoseek.bundle.manifest import Layout
from photoseek.errors import BundleIncompatible

_TRANSFORMERS = ("config.json", "preprocessor_config.json", "processor_config.json", "tokenizer_config.json")
_TOKENIZERS = (("tokenizer.json",), ("vocab.json", "merges.txt"), ("vocab.txt",))
_SPECIAL = "special_tokens_map.json"
_IMMICH_OTHER = (".armnn", ".rknn")
_RCLIP_MERGES = "tokenizer/bpe_simple_vocab_16e6.txt.gz"
_CHINESE = re.compile(r"[^/]+\.(txt|img)\.(fp32|fp16)\.onnx")
_PYTORCH = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
_OPEN_CLIP = ("open_clip_config.json", "open_clip_pytorch_model.bin", "open_clip_model.safetensors")


def select_files(repository: str, names: Collection[str], precision: str | None) -> tuple[str, tuple[str, ...]]:
    """Return a precision, and the files of a repository that a model of this precision needs.

    Args:
        repository: Name of the repository in errors.
        names: Names of all of its files.
        precision: The precision. None: the most exact one that both towers have.

    Raises:
        BundleIncompatible: The repository has no model in a supported layout, or not in this precision.
    """
    found = dict(_by_precision(names))
    if not found:
        raise BundleIncompatible(f"{repository}: {_why_unsupported(names)}")
    ordered = [name for name in PRECISIONS if name in found]
    if precision is not None and precision not in found:
        raise BundleIncompatible(
            f"{repository}: expected a precision among {', '.join(ordered)}, found {precision!r:.80}"
        )
    chosen = precision or ordered[0]
    return chosen, tuple(found[chosen])


def _by_precision(names: Collection[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the needed files of each precision that a repository has."""
    if Layout.MANIFEST in names:  # a bundle of photoseek, whose manifest lists its files
        yield "fp32", [name for name in sorted(names) if not name.startswith(".")]
    elif {"textual/model.onnx", "visual/model.onnx"} <= set(names):
        yield "fp32", _immich(names)
    elif {"textual.onnx", "visual.onnx"} <= set(names):
        yield "fp32", ["textual.onnx", "visual.onnx", *(name for name in (_RCLIP_MERGES,) if name in names)]
    elif any(_CHINESE.fullmatch(name) for name in names):
        yield from _chinese_clip(names)
    else:
        yield from _transformers(names)


def _transformers(names: Collection[str]) -> Iterator[tuple[str, list[str]]]:
    tokenizer = next((files for files in _TOKENIZERS if set(files) <= set(names)), ())
    shared = [name for name in (*_TRANSFORMERS, *tokenizer, _SPECIAL) if name in names]
    for precision, suffix in SUFFIXES.items():
        for folder in ("onnx/", ""):
            graphs = [f"{folder}{tower}_model{suffix}.onnx" for tower in ("text", "vision")]
            if set(graphs) <= set(names):
                yield precision, [*shared, *graphs, *_external_data(names, graphs)]
                break


def _external_data(names: Collection[str], graphs: list[str]) -> list[str]:
    """Return the files with the weights of graphs, which have the name of their graph and a suffix."""
    return sorted(name for name in names if any(name.startswith(f"{graph}_data") for graph in graphs))


def _immich(names: Collection[str]) -> list[str]:
    """Return the files of immich's layout; weights outside of a graph may have any name in its folder."""
    return [
        name
        for name in sorted(names)
        if name == "config.json" or (re.fullmatch(r"(textual|visual)/[^/]+", name) and not name.endswith(_IMMICH_OTHER))
    ]


def _chinese_clip(names: Collection[str]) -> Iterator[tuple[str, list[str]]]:
    for precision in ("fp32", "fp16"):
        graphs = sorted(name for name in names if name.endswith((f".txt.{precision}.onnx", f".img.{precision}.onnx")))
        if len(graphs) == 2:
            data = [f"{graph}.extra_file" for graph in graphs if f"{graph}.extra_file" in names]
            yield precision, [*graphs, *data, *(name for name in ("vocab.txt",) if name in names)]


def _why_unsupported(names: Collection[str]) -> str:
    """Return what a repository without supported graphs has, and what to do."""
    expected = "expected two towers in ONNX"
    if any(name in names for name in _OPEN_CLIP):
        return (
            f"{expected}, found weights of open_clip; choose the same model of immich-app, or convert one of "
            "transformers with: photoseek-export --from-clip DIR --out BUNDLE"
        )
    if any(name in names for name in ("onnx/model.onnx", "model.onnx")):
        has_tokenizer = any(set(files) <= set(names) for files in _TOKENIZERS)
        if has_tokenizer != ("preprocessor_config.json" in names):
            return (
                f"{expected}, found one tower of a pair of repositories; copy both to folders NAME-text and "
                "NAME-vision next to each other, and pass one of these as --bundle, or choose another repository"
            )
        return f"{expected}, found both in one graph, so encoding a text would need a photo; choose another repository"
    if any(name in names for name in _PYTORCH):
        return (
            f"{expected}, found PyTorch weights; download them and convert them with: photoseek-export --from-clip DIR "
            "--out BUNDLE"
        )
    return f"{expected}, found {', '.join(sorted(names)[:5]) or 'no files'}; choose another repository"
