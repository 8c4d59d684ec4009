"""Program of the distributed tests: launched once, it trains one run after another.

    accelerate launch ... two_processes.py WORLD BERT RESNET OUT

WORLD is a JSON list of the files of a ``World``. OUT/frozen is trained by the command line, with frozen towers.
OUT/both trains both towers; OUT/both-resumed resumes from its first epoch.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from photoseek_train.cli.app import app
from photoseek_train.config import AugmentConfig, FitResources, ModelInit, OptimConfig, preprocessing_of
from photoseek_train.training.fit import Fit, FitSettings
from toy_world import World, train_and_resume

FROZEN = OptimConfig(tune="none", epochs=2, batch_size=16, lr=1e-2, precision="fp32")
BOTH = replace(FROZEN, tune="both", epochs=3, image_lr=1e-3, text_lr=1e-3, mix=0.5, ema=0.9)


def fit_on(world: World, bert: Path, resnet: Path, optim: OptimConfig, out: Path) -> Fit:
    """Return a run on the CPU with the settings of ``command``."""
    sources = ModelInit(str(bert), str(resnet), max_tokens=24, dropout=0.0)
    settings = FitSettings(sources, preprocessing_of(32, "squash"), AugmentConfig(crop_scale=0.8), optim)
    return Fit(world.split("train"), world.split("dev"), settings, out, FitResources(device="cpu"))


def command(world: World, bert: Path, resnet: Path, optim: OptimConfig, out: Path) -> list[str]:
    """Return the arguments of ``photoseek-train`` for the same run."""
    options = {
        "--images": world.images, "--captions": world.captions, "--train": world.train, "--dev": world.dev,
        "--text-model": bert, "--image-weights": resnet, "--image-size": 32, "--resize": "squash", "--max-tokens": 24,
        "--dropout": 0, "--device": "cpu", "--out": out, "--tune": optim.tune, "--epochs": optim.epochs,
        "--batch-size": optim.batch_size, "--lr": optim.lr, "--image-lr": optim.image_lr, "--text-lr": optim.text_lr,
        "--mix": optim.mix, "--ema": optim.ema, "--precision": optim.precision,
    }  # fmt: skip
    return ["fit", *(str(word) for pair in options.items() for word in pair)]


def main(files: str, bert: Path, resnet: Path, out: Path) -> None:
    """Train the three runs."""
    world = World(*map(Path, json.loads(files)))
    app(command(world, bert, resnet, FROZEN, out / "frozen"), standalone_mode=False)
    train_and_resume(fit_on(world, bert, resnet, BOTH, out / "both"))


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
