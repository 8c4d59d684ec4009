"""A real bundle that is small enough to write in a test; its towers recognize colors.

A picture becomes its mean color, a sentence the mean of the colors it names, and one matrix projects both to 16
dimensions: "red" finds red pictures. An optional second text tower has the colors in Chinese.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from photoseek.bundle.manifest import FileRecord, Layout, Manifest, TextTowerRecord
from photoseek.photos.preprocessing import Preprocessing

DIM = 16
SIDE = 8
COLORS = {
    "red": (220, 30, 30),
    "green": (30, 180, 40),
    "blue": (30, 60, 220),
    "yellow": (240, 220, 40),
    "white": (245, 245, 245),
    "black": (10, 10, 10),
}
CHINESE = dict(zip("红绿蓝黄白黑", COLORS.values(), strict=True))
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
_MEAN = (0.5, 0.5, 0.5)
_STD = (0.5, 0.5, 0.5)


def write_tiny_bundle(
    folder: Path,
    *,
    name: str = "tiny",
    seed: int = 0,
    precisions: tuple[str, ...] = ("fp32",),
    chinese: bool = False,
    dim: int = DIM,
) -> Path:
    """Write a bundle with the given precisions, whose graphs are equal; bundles of different seeds differ."""
    (folder / "onnx").mkdir(parents=True)
    projection, bias = _projection(seed, dim)
    for precision in precisions:
        onnx.save(_text_model(token_colors(), projection, bias), str(folder / Layout.text_model(precision)))
        if chinese:
            colors = token_colors(chinese_vocabulary(), CHINESE)
            onnx.save(_text_model(colors, projection, bias), str(folder / Layout.text_model(precision, "zh")))
        onnx.save(_vision_model(projection, bias), str(folder / Layout.vision_model(precision)))
    preprocessing = Preprocessing(SIDE, SIDE, None, mean=_MEAN, std=_STD)
    _write_json(folder / Layout.PREPROCESSOR, preprocessing.to_json())
    _write_json(folder / Layout.CONFIG, {"model_type": "photoseek", "projection_dim": dim})
    _write_json(folder / Layout.TOKENIZER_CONFIG, {"model_max_length": 32, "pad_token": "[PAD]"})
    _tokenizer(vocabulary()).save(str(folder / Layout.TOKENIZER))
    if chinese:
        (folder / "zh").mkdir()
        _write_json(folder / Layout.tokenizer_config("zh"), {"model_max_length": 16, "pad_token": "[PAD]"})
        _tokenizer(chinese_vocabulary()).save(str(folder / Layout.tokenizer("zh")))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    Manifest(
        name=name,
        dim=dim,
        pooling="mean",
        languages=["en"],
        preprocessing=preprocessing.id,
        weights=f"{seed:064x}",
        files={path.relative_to(folder).as_posix(): FileRecord.of(path) for path in files},
        precisions={precision: {} for precision in precisions},
        text_towers={"zh": TextTowerRecord("mean", "c" * 64)} if chinese else {},
    ).write(folder)
    return folder


def write_calibrated(folder: Path) -> Path:
    """Write a tiny bundle with calibrated confidence."""
    write_tiny_bundle(folder)
    manifest = Manifest.read(folder)
    curve = {"slope": 20.0, "intercept": -17.0, "min_similarity": 0.7, "photos": 9, "captions": 9}
    manifest.precisions["fp32"]["confidence"] = curve
    manifest.write(folder)
    return folder


def vocabulary() -> list[str]:
    """Return every token by id."""
    return [*_SPECIAL, *COLORS, "a", "picture", "and"]


def chinese_vocabulary() -> list[str]:
    """Return every token of the Chinese tower by id; a color never has the same id as in English."""
    return [*_SPECIAL, *"色的图", *CHINESE, "t"]


def token_colors(
    tokens: Sequence[str] | None = None, colors: Mapping[str, tuple[int, int, int]] = COLORS
) -> np.ndarray:
    """Return the color that each token names, as the image tower sees it: float32 (tokens, 3), zero for other words."""
    rows = [colors.get(token) for token in tokens or vocabulary()]
    seen = [(0, 0, 0) if row is None else (np.array(row) / 255 - _MEAN) / _STD for row in rows]
    return np.array(seen, dtype=np.float32)


def _projection(seed: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(3, dim)).astype(np.float32), 0.05 * rng.normal(size=dim).astype(np.float32)


def _tokenizer(tokens: Sequence[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece({token: row for row, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(_SPECIAL)
    return tokenizer


def _text_model(colors: np.ndarray, projection: np.ndarray, bias: np.ndarray) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Gather", ["colours", "input_ids"], ["states"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["column"]),
        helper.make_node("Mul", ["states", "column"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "middle"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["mask", "middle"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], ["mean"]),
    ]
    ids = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
        for name in ("input_ids", "attention_mask")
    ]
    constants = {"colours": colors, "last": np.array([2]), "middle": np.array([1])}
    return _model(nodes, ids, "text_embeds", {**constants, "projection": projection, "bias": bias})


def _vision_model(projection: np.ndarray, bias: np.ndarray) -> onnx.ModelProto:
    nodes = [helper.make_node("ReduceMean", ["pixel_values", "sides"], ["mean"], keepdims=0)]
    pixels = helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])
    constants = {"sides": np.array([2, 3]), "projection": projection, "bias": bias}
    return _model(nodes, [pixels], "image_embeds", constants)


def _model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    output: str,
    constants: dict[str, np.ndarray],
) -> onnx.ModelProto:
    """Return nodes that end in ``mean``, followed by the projection."""
    nodes += [
        helper.make_node("MatMul", ["mean", "projection"], ["projected"]),
        helper.make_node("Add", ["projected", "bias"], [output]),
    ]
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", len(constants["bias"])])]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), "utf-8")
