"""The small bundle of ``tiny_bundle`` in the layouts of other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from photoseek.bundle.manifest import Layout
from photoseek.bundle.model_registry import registered_models
from tiny_bundle import DIM, SIDE, write_tiny_bundle


def write_transformers(folder: Path, *, precisions: tuple[str, ...] = ("fp32",), seed: int = 0, dim: int = DIM) -> Path:
    """Write the layout of transformers.js, with the files of a CLIP; int8 becomes ``_quantized``."""
    write_tiny_bundle(folder, precisions=precisions, seed=seed, dim=dim)
    (folder / Layout.MANIFEST).unlink()
    text = {"max_position_embeddings": 32}
    (folder / "config.json").write_text(json.dumps({"model_type": "clip", "projection_dim": dim, "text_config": text}))
    for tower in ("text_model", "vision_model"):
        if (quantized := folder / f"onnx/{tower}_int8.onnx").is_file():
            quantized.rename(folder / f"onnx/{tower}_quantized.onnx")
    return folder


def write_registered(folder: Path, name: str, precision: str) -> Path:
    """Write the files of a model of the registry that has the layout of transformers.js, in one precision."""
    model = registered_models()[name]
    write_transformers(folder, seed=3, dim=model.dim)
    for before, file in zip(("text_model", "vision_model"), model.files[precision], strict=True):
        (folder / f"onnx/{before}.onnx").rename(folder / file)
    return folder


def change(path: Path, **values: Any) -> None:
    """Replace values of a JSON file; ``...`` removes a key."""
    changed = {**json.loads(path.read_text("utf-8")), **values}
    path.write_text(json.dumps({key: value for key, value in changed.items() if value is not ...}), "utf-8")


def write_immich(folder: Path) -> Path:
    """Write the layout of immich, with an attention mask as in its M-CLIP models."""
    write_tiny_bundle(folder)
    for name in (Layout.MANIFEST, "config.json"):
        (folder / name).unlink()
    for side in ("textual", "visual"):
        (folder / side).mkdir()
    (folder / "onnx/text_model.onnx").rename(folder / "textual/model.onnx")
    (folder / "onnx/vision_model.onnx").rename(folder / "visual/model.onnx")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).rename(folder / "textual" / name)
    text = {"context_length": 16, "tokenizer_kwargs": {"clean": "canonicalize"}}
    (folder / "config.json").write_text(json.dumps({"embed_dim": DIM, "text_cfg": text}))
    half = [0.5, 0.5, 0.5]
    pictures = {"size": SIDE, "mode": "RGB", "mean": half, "std": half, "interpolation": "bilinear", "fill_color": 0}
    settings = {**pictures, "resize_mode": "shortest"}
    (folder / "visual/preprocess_cfg.json").write_text(json.dumps(settings))
    return folder
