"""Everything that changes the folder of a gallery, and files of other programs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from PIL import Image

from photoseek import Bundle, Gallery, Searcher
from photoseek.errors import PhotoseekError
from photoseek.page.thumbnail_cache import ThumbnailCache
from tiny_bundle import COLORS
from tiny_photos import write_color

PROJECT = (
    "README.md",
    "LOCK",
    "bundles/flickr30k/onnx/model.onnx",
    "bundles/0123456789abcdef/weights.bin",
    "generations/000123/thesis.txt",
    "generations/000124.partial/thesis.txt",
    "generations/notes.txt",
    "thumbnails/cover.jpg",
    "thumbnails/0123456789012345678901234567890123456789",
    ".new-idea/draft.txt",
    ".photoseek-new-0123456789abcdef/gallery.sqlite",
    ".git/HEAD",
    "CURRENT.2024.partial",
)


HEX = "0123456789abcdef"


def write(path: Path, text: str = "of another program") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def use(photos: Path, gallery: Path, second: Bundle) -> None:
    """Index, search, make thumbnails, repair, add and remove a bundle, and prune; errors are ignored."""
    for step in (_index, _browse, _repair, _add_and_remove, _prune):
        with suppress(PhotoseekError), Gallery.open(gallery) as opened:
            step(opened, photos, second)


def _index(gallery: Gallery, photos: Path, second: Bundle) -> None:
    del second
    for color in ("blue", "white"):
        write_color(photos / "more.png", COLORS[color])
        gallery.index()


def _browse(gallery: Gallery, photos: Path, second: Bundle) -> None:
    del second
    pictures = ThumbnailCache(gallery.path, max_bytes=500)
    for number in range(6):
        Image.effect_noise((60, 60), 90 + number).save(file := photos / f"noise-{number}.png")
        pictures.thumbnail(file)
        file.unlink()
    ThumbnailCache(gallery.path).thumbnail(photos / "0.png")
    Searcher(gallery).search("red", k=3)


def _repair(gallery: Gallery, photos: Path, second: Bundle) -> None:
    del photos, second
    gallery.repair()
    gallery.stale_files()


def _add_and_remove(gallery: Gallery, photos: Path, second: Bundle) -> None:
    del photos
    gallery.bundles.add(second)
    gallery.index()
    gallery.bundles.remove(second)


def _prune(gallery: Gallery, photos: Path, second: Bundle) -> None:
    del photos, second
    gallery.prune()
