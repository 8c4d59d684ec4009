"""What the test of several processes launches in each of them: one run after another, started once.

    accelerate launch ... two_processes.py WORLD BERT RESNET OUT

WORLD is the JSON of the files of a ``World``. OUT/frozen is made by the command line with frozen towers. OUT/whole
trains both towers; OUT/parts is what OUT/whole was after its first epoch, resumed.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from photoseek_train.cli.app import app
from photoseek_train.config import AugmentConfig, OptimConfig, preprocessing_of
from photoseek_train.model.init import ModelInit
from photoseek_train.training.fit import Fit, FitResources, FitSettings
from photoseek_train.training.trainer import EpochRecord
from toy_world import World

FROZEN = OptimConfig(tune="none", epochs=2, batch_size=16, lr=1e-2, precision="fp32")
BOTH = replace(FROZEN, tune="both", epochs=3, image_lr=1e-3, text_lr=1e-3, mix=0.5, ema=0.9)


def fit_on(world: World, bert: Path, resnet: Path, optim: OptimConfig, out: Path) -> Fit:
    """A run on the CPU, with the settings that ``command`` gives."""
    sources = ModelInit(str(bert), str(resnet), max_tokens=24, dropout=0.0)
    settings = FitSettings(sources, preprocessing_of(32, "squash"), AugmentConfig(crop_scale=0.8), optim)
    return Fit(world.split("train"), world.split("dev"), settings, out, FitResources(device="cpu"))


def command(world: World, bert: Path, resnet: Path, optim: OptimConfig, out: Path) -> list[str]:
    """The words of ``photoseek-train`` for the same run."""
    options = {
        "--images": world.images, "--captions": world.captions, "--train": world.train, "--dev": world.dev,
        "--text-model": bert, "--image-weights": resnet, "--image-size": 32, "--resize": "squash", "--max-tokens": 24,
        "--dropout": 0, "--device": "cpu", "--out": out, "--tune": optim.tune, "--epochs": optim.epochs,
        "--batch-size": optim.batch_size, "--lr": optim.lr, "--image-lr": optim.image_lr, "--text-lr": optim.text_lr,
        "--mix": optim.mix, "--ema": optim.ema, "--precision": optim.precision,
    }  # fmt: skip
    return ["fit", *(str(word) for pair in options.items() for word in pair)]


def main(files: str, bert: Path, resnet: Path, out: Path) -> None:
    """Make the three runs."""
    world = World(*map(Path, json.loads(files)))
    app(command(world, bert, resnet, FROZEN, out / "frozen"), standalone_mode=False)
    whole = fit_on(world, bert, resnet, BOTH, out / "whole")

    def keep_first(record: EpochRecord) -> None:
        if record.epoch == 1:
            shutil.copytree(whole.out, out / "parts")

    whole(on_epoch=keep_first)
    replace(whole, out=out / "parts")(resume=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
