"""Captioned photos to train on, created once."""

from __future__ import annotations

import pytest

from photoseek_export.demo.collection import CaptionedFolder
from toy_world import draw as draw_toy


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> CaptionedFolder:
    """Twenty photos for training and four for dev; one of training has no Chinese captions."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "images").mkdir()
    names = [f"{number}.png" for number in range(24)]
    for number, name in enumerate(names):
        draw_toy(folder / "images" / name, "red", "blue", seed=number)
    english = "".join(f"{name}#0\tRed and blue, number {number}.\n" for number, name in enumerate(names))
    chinese = "".join(f"{name}#0\t红和蓝\n" for name in names if name != names[19])
    (folder / "captions.token").write_text(english, "utf-8")
    (folder / "captions.zh.token").write_text(chinese, "utf-8")
    (folder / "train.txt").write_text("\n".join(names[:20]), "utf-8")
    (folder / "dev.txt").write_text("\n".join(names[20:]), "utf-8")
    return CaptionedFolder(folder)
