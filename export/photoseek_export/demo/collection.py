"""Training data of the embedded bundle: folders of captioned images, drawn or photographed, joined in one folder.

Drawing takes 2 to 3 ms per scene.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from photoseek.captions import Caption, CaptionFile, captions_of, read_captions, read_split
from photoseek_export.demo.scenes.scenes import (
    LANGUAGES,
    Language,
    Scene,
    captions,
    captions_file,
    picture_name,
    queries,
    write_captions,
    write_picture,
)
from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.errors import DataError


@dataclass(frozen=True)
class CaptionedFolder:
    """Captioned images in the layout of Flickr8k with Flickr8K-CN.

    Attributes:
        folder: Contains ``images/``, ``captions.token``, ``captions.zh.token``, ``train.txt`` and ``dev.txt``; if it
            also contains ``train.token`` and ``train.zh.token``, these are the training texts.
    """

    folder: Path

    @property
    def images(self) -> Path:
        """The images of every split."""
        return self.folder / "images"

    def captions(self, language: Language = "en") -> Path:
        """Return the file with the captions of every image."""
        return self.folder / captions_file(language)

    def split(self, name: str) -> Path:
        """Return the file with the image names of a split."""
        return self.folder / f"{name}.txt"

    def check_files(self) -> None:
        """Check that all files exist.

        Raises:
            DataError: A file is missing.
        """
        files = [self.images, *map(self.captions, LANGUAGES), self.split("train"), self.split("dev")]
        if missing := [file for file in files if not file.exists()]:
            raise DataError(f"{missing[0]}: not found; expected images/, captions and splits in {self.folder}")

    def texts(self, split: str, language: Language) -> list[Caption]:
        """Return the training texts or captions of a split; images without captions in this language are omitted."""
        training = self.folder / captions_file(language, split)
        found = read_captions(training if split == "train" and training.exists() else self.captions(language))
        captioned = {caption.image for caption in found}
        return captions_of(found, [name for name in read_split(self.split(split)) if name in captioned])


@dataclass(frozen=True)
class Collection:
    """Captioned images of several kinds, such as scenes and photos.

    Attributes:
        folder: Contains a symbolic link to the images of each kind.
        kinds: The source of each kind.
    """

    folder: Path
    kinds: Mapping[str, CaptionedFolder]

    def link(self) -> None:
        """Create or update the symbolic links.

        Raises:
            DataError: A folder of images does not exist.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for kind, source in self.kinds.items():
            link, target = self.folder / kind, source.images.absolute()
            if not target.is_dir():
                raise DataError(f"{target}: expected a folder of images, found none; check the path")
            if not link.is_symlink() or link.readlink() != target:
                link.unlink(missing_ok=True)
                link.symlink_to(target, target_is_directory=True)

    def data(self, split: str, language: Language, kinds: Iterable[str] | None = None) -> CaptionedPhotos:
        """Return the images of a split with their texts; ``kinds`` None: all kinds."""
        found = [
            Caption(f"{kind}/{caption.image}", caption.index, caption.text)
            for kind in (kinds or self.kinds)
            for caption in self.kinds[kind].texts(split, language)
        ]
        return CaptionedPhotos.of(self.folder, CaptionFile(self.folder, tuple(found)), None)


def write_scenes(
    folder: Path,
    splits: Mapping[str, Sequence[int]],
    *,
    languages: Sequence[Language] = LANGUAGES,
    progress: Callable[[int, int], None] | None = None,
) -> CaptionedFolder:
    """Draw missing scenes, and write captions, training texts and splits.

    Args:
        folder: Output folder; existing images are not drawn again.
        splits: Seeds of each split, without overlap.
        languages: Languages of the texts; names and splits are the same in each.
        progress: Called with the number of existing images and the total.

    Returns:
        The folder.
    """
    scenes, seeds = CaptionedFolder(folder), list(chain.from_iterable(splits.values()))
    for drawn, seed in enumerate(seeds, start=1):
        write_picture(scenes.images, seed)
        if progress is not None:
            progress(drawn, len(seeds))
    for language in languages:
        write_captions(scenes.captions(language), seeds, captions, language)
        if "train" in splits:
            write_captions(folder / captions_file(language, "train"), splits["train"], training_texts, language)
    for name, chosen in splits.items():
        scenes.split(name).write_text("".join(f"{picture_name(seed)}\n" for seed in chosen), "utf-8")
    return scenes


def training_texts(scene: Scene, seed: int, language: Language) -> list[str]:
    """Return captions and queries: a model trained only on full captions fails on queries that name a single object."""
    return [*captions(scene, seed, language), *queries(scene, seed, language)]
