"""A checkpoint whose image tower is a model of timm becomes a bundle like any other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from photoseek.encoders.encoders import ImageEncoder
from photoseek_export import export_checkpoint
from photoseek_train.model.checkpoint import load_checkpoint


def test_a_timm_tower_is_exported_with_its_preprocessing(timm_checkpoint: Path, tmp_path: Path) -> None:
    bundle = export_checkpoint(timm_checkpoint, tmp_path / "bundle")
    photos = [Image.effect_noise((90 + 7 * number, 70), 60 + number).convert("RGB") for number in range(3)]
    model, config, _ = load_checkpoint(timm_checkpoint)
    pixels = np.stack([config.preprocessing(photo) for photo in photos])
    with torch.inference_mode():
        expected = model.encode_image(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(ImageEncoder(bundle).encode(photos), expected, atol=1e-4)
    assert bundle.preprocessing == config.preprocessing
    assert config.preprocessing.resample == 3
    assert (
        "| image tower | test_efficientnet of timm, initialized from: none |" in (bundle.path / "README.md").read_text()
    )
    assert json.loads((bundle.path / "config.json").read_text())["vision_config"]["model_type"] == "test_efficientnet"
