"""The small bundle of ``tiny_bundle`` as other programs would keep it: its towers know colours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from photoseek.manifest import Layout
from tiny_bundle import DIM, write_tiny_bundle


def write_foreign(folder: Path, *, precisions: tuple[str, ...] = ("fp32",), seed: int = 0) -> Path:
    """The layout of transformers.js, with the files of a CLIP; an int8 becomes its ``_quantized``."""
    write_tiny_bundle(folder, precisions=precisions, seed=seed)
    (folder / Layout.MANIFEST).unlink()
    text = {"max_position_embeddings": 32}
    (folder / "config.json").write_text(json.dumps({"model_type": "clip", "projection_dim": DIM, "text_config": text}))
    for tower in ("text_model", "vision_model"):
        if (quantized := folder / f"onnx/{tower}_int8.onnx").is_file():
            quantized.rename(folder / f"onnx/{tower}_quantized.onnx")
    return folder


def change(path: Path, **values: Any) -> None:
    """Replace values of a JSON file; those that are ``...`` are taken out."""
    told = {**json.loads(path.read_text("utf-8")), **values}
    path.write_text(json.dumps({key: value for key, value in told.items() if value is not ...}), "utf-8")
