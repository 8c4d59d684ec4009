"""The pictures of the demo: 300 drawn scenes that the model was not trained on."""

from __future__ import annotations

import shutil
from pathlib import Path

from photoseek.system.atomic_write import make_private_folder
from photoseek.system.cache_dir import cache_folder

VERSION = 1
"""Version of the pictures, a part of the name of their folder in the user's cache."""

PICTURES = Path(__file__).with_name("pictures")
"""The pictures and a caption file for each language, written by ``python -m photoseek_export.demo.pictures``."""


def demo_photos(folder: Path | None = None) -> Path:
    """Copy the missing pictures and captions into a folder, and return it.

    Args:
        folder: The folder. None: ``photoseek/demo-N`` in the user's cache folder.
    """
    if folder is None:
        make_private_folder(cache_folder())
        folder = cache_folder() / f"demo-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    for source in PICTURES.iterdir():
        if not (folder / source.name).exists():
            partial = folder / f"{source.name}.part"
            shutil.copyfile(source, partial)
            partial.replace(folder / source.name)
    return folder


def picture_names() -> list[str]:
    """Return the file names of the pictures, sorted."""
    return sorted(file.name for file in PICTURES.glob("*.jpg"))
