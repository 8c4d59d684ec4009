"""Models to benchmark: BERT-base and ResNet18 with random weights, as a checkpoint and as a bundle.

    python benchmarks/models.py

writes them; it needs the extra ``export``. The values of the weights do not affect the time. Captions and vocabulary
are those of the demo's scenes. The vocabulary has fewer word pieces than BERT's 30,522, which makes the embedding table
smaller but does not change the time.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from contest import CACHE

CAPTIONS = 200
_SCENES = 48


@cache
def captions() -> list[str]:
    """Return full captions of scenes, like those that people write for photos."""
    from photoseek_export.demo.scenes.scenes import DEMO_SEEDS, captions, compose

    return [captions(compose(seed), seed)[0] for seed in DEMO_SEEDS[:CAPTIONS]]


def scenes() -> Path:
    """Draw scenes into ``images/`` of a folder with ``captions.token``; return the folder."""
    from photoseek_export.demo.collection import write_scenes
    from photoseek_export.demo.scenes.scenes import DEMO_SEEDS

    return write_scenes(CACHE / "captioned-scenes", {"demo": DEMO_SEEDS[:_SCENES]}).folder


def bert() -> Path:
    """Write a Hugging Face folder with a BERT of the shape of BERT-base, and return it."""
    from photoseek_train.model.compact_bert import CompactBert, create_compact_bert

    folder = CACHE / "bert-base"
    if not (folder / "config.json").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        create_compact_bert(captions(), folder, CompactBert(layers=12, hidden=768, heads=12, vocabulary=30_522))
    return folder


def bundle() -> Path:
    """Write a bundle of both precisions for 224 pixels, and return its folder."""
    out = CACHE / "bundle"
    if not out.exists():
        from photoseek_export.export import export_checkpoint
        from photoseek_export.quality_gate import EvaluationImages

        folder = scenes()
        evaluation = EvaluationImages(folder / "images", folder / "captions.token", _names(folder, 16))
        export_checkpoint(checkpoint(), out, precisions=["fp32", "int8"], evaluation=evaluation, max_loss=100.0)
    return out


def checkpoint() -> Path:
    """Write the checkpoint that is exported as the bundle, and return its folder."""
    from photoseek_train.config import (
        AugmentConfig,
        DataConfig,
        ModelInit,
        OptimConfig,
        TrainingConfig,
        preprocessing_of,
    )
    from photoseek_train.model.checkpoint import create_checkpoint, write_weights
    from photoseek_train.model.init import build_model

    out = CACHE / "checkpoint"
    if not (out / "model.safetensors").exists():
        built = build_model(ModelInit(str(bert()), image_weights="none"), seed=0)
        data = DataConfig(0, 0, "0" * 64, 0, 0, "0" * 64)
        optim = OptimConfig(tune="both")
        create_checkpoint(
            out, TrainingConfig(built.config, preprocessing_of(), AugmentConfig(), optim, data), built.tokenizer
        )
        write_weights(out, built.model.eval(), {})
    return out


def _names(folder: Path, count: int) -> Path:
    """Write a split file with the first images, and return it."""
    file = folder / "measured.txt"
    file.write_text("\n".join(sorted(path.name for path in folder.glob("images/*.jpg"))[:count]) + "\n", "utf-8")
    return file


if __name__ == "__main__":
    print(bundle())
