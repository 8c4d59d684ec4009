"""The small bundle of ``tiny_bundle`` in the layouts of other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

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


CLIP_PROCESSOR = {
    "_valid_processor_keys": ["images", "do_resize", "size", "resample", "do_center_crop", "crop_size", "do_rescale"],
    "crop_size": {"height": SIDE, "width": SIDE},
    "do_center_crop": True,
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_processor_type": "CLIPImageProcessor",
    "image_std": [0.5, 0.5, 0.5],
    "resample": 3,
    "rescale_factor": 0.00392156862745098,
    "size": {"shortest_edge": SIDE},
}
"""The keys of ``preprocessor_config.json`` of Qdrant/clip-ViT-B-32-vision."""


def write_fastembed(folder: Path, *, name: str = "clip-ViT-B-32", inside: str = "", seed: int = 0) -> tuple[Path, Path]:
    """Write the pair of folders of fastembed, with the keys of Qdrant's files; ``inside``: below each of the two."""
    source = write_tiny_bundle(folder / "source", seed=seed)
    text, vision = (folder / f"{name}-{side}" / inside for side in ("text", "vision"))
    for half, graph in ((text, "text_model"), (vision, "vision_model")):
        half.mkdir(parents=True)
        (source / f"onnx/{graph}.onnx").rename(half / "model.onnx")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (source / file).rename(text / file)
    shared = {"_name_or_path": "openai/clip-vit-base-patch32", "hidden_act": "quick_gelu", "projection_dim": DIM}
    write_json(text / "config.json", {**shared, "max_position_embeddings": 32, "model_type": "clip_text_model"})
    write_json(vision / "config.json", {**shared, "image_size": SIDE, "model_type": "clip_vision_model"})
    write_json(vision / "preprocessor_config.json", CLIP_PROCESSOR)
    for file in sorted(source.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    source.rmdir()
    return text, vision


def write_clip_onnx(folder: Path, text: str = "clip_textual.onnx", vision: str = "clip_visual.onnx") -> Path:
    """Write the graphs of CLIP-ONNX, with one input and one output each, and files of transformers next to them."""
    write_transformers(folder)
    write_json(folder / "preprocessor_config.json", CLIP_PROCESSOR)
    mask_in_graph(folder / "onnx/text_model.onnx", above=0)
    for graph, name in (("text_model", text), ("vision_model", vision)):
        model = onnx.load(str(folder / f"onnx/{graph}.onnx"))
        rename_value(model, model.graph.input[0].name, "input")
        rename_value(model, model.graph.output[0].name, "output")
        onnx.save(model, str(folder / name))
        (folder / f"onnx/{graph}.onnx").unlink()
    return folder


def write_jina_clip(folder: Path) -> Path:
    """Write the layout and the keys of jinaai/jina-clip-v1, whose text tower takes no attention mask."""
    write_transformers(folder)
    code = "jinaai/jina-clip-implementation--"
    text = {
        "embed_dim": DIM,
        "hf_model_name_or_path": "jinaai/jina-bert-flash-implementation",
        "model_type": "jina_clip_text",
        "pooler_type": "mean_pooler",
        "proj_type": None,
    }
    classes = {
        "AutoConfig": f"{code}configuration_clip.JinaCLIPConfig",
        "AutoModel": f"{code}modeling_clip.JinaCLIPModel",
    }
    write_json(
        folder / "config.json",
        {
            "add_projections": False,
            "architectures": ["JinaCLIPModel"],
            "auto_map": classes,
            "model_type": "jina_clip",
            "projection_dim": DIM,
            "text_config": text,
            "vision_config": {"embed_dim": DIM, "image_size": SIDE, "model_type": "jina_clip_vision"},
        },
    )
    write_json(
        folder / "preprocessor_config.json",
        {
            "auto_map": {"AutoImageProcessor": f"{code}processing_clip.JinaCLIPImageProcessor"},
            "fill_color": 0,
            "image_processor_type": "JinaCLIPImageProcessor",
            "interpolation": "bicubic",
            "mean": [0.5, 0.5, 0.5],
            "processor_class": "JinaCLIPProcessor",
            "resize_mode": "shortest",
            "size": SIDE,
            "std": [0.5, 0.5, 0.5],
        },
    )
    mask_in_graph(folder / "onnx/text_model.onnx", above=-1)
    return folder


def write_siglip2(folder: Path, **config: Any) -> Path:
    """Write the files of google/siglip2-base-patch16-224 that concern texts, with letters as tokens."""
    folder.mkdir()
    pieces = ["<pad>", "<eos>", "<bos>", "<unk>", *"\u2581abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    vocabulary = {piece: row for row, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.post_processor = processors.TemplateProcessing("$A <eos>", special_tokens=[("<eos>", 1)])
    tokenizer.decoder = decoders.Replace("\u2581", " ")
    tokenizer.enable_padding(length=64, pad_id=0, pad_token="<pad>")
    tokenizer.save(str(folder / "tokenizer.json"))
    common = {"model_input_names": ["input_ids"], "model_max_length": 64, "pad_token": "<pad>", "padding_side": "right"}
    write_json(folder / "tokenizer_config.json", {**common, "processor_class": "SiglipProcessor", **config})
    return folder


def mask_in_graph(path: Path, *, above: int) -> None:
    """Replace the input ``attention_mask`` of a text tower by: tokens whose id is larger."""
    model = onnx.load(str(path))
    del model.graph.input[1]
    limit = helper.make_tensor("limit", TensorProto.INT64, [], [above])
    model.graph.initializer.append(limit)
    first = [
        helper.make_node("Greater", ["input_ids", "limit"], ["visible"]),
        helper.make_node("Cast", ["visible"], ["attention_mask"], to=TensorProto.INT64),
    ]
    nodes = [*first, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, str(path))


def rename_value(model: onnx.ModelProto, old: str, new: str) -> None:
    """Rename an input or an output of a graph."""
    for value in (*model.graph.input, *model.graph.output):
        value.name = new if value.name == old else value.name
    for node in model.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]


def write_json(path: Path, value: object) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(value), "utf-8")
