"""The training data of the embedded bundle in one folder: drawn scenes and, optionally, photos.

The photos are not copied: the folder contains symbolic links.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from photoseek.captions import Caption, captions_of, read_captions, read_split
from photoseek_export.demo.scene_folder import SceneFolder
from photoseek_export.demo.scenes.scenes import LANGUAGES, Language, captions_file
from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.errors import DataError

KINDS = SCENES, PHOTOS = "scenes", "photos"
"""Names of the two subfolders."""


@dataclass(frozen=True)
class PhotoCollection:
    """Captioned photos in the layout of Flickr8k with Flickr8K-CN.

    Attributes:
        folder: Contains ``images/``, ``captions.token``, ``captions.zh.token``, ``train.txt`` and ``dev.txt``.
    """

    folder: Path

    def check_files(self) -> None:
        """Check that all files exist.

        Raises:
            DataError: A file is missing.
        """
        files = [self.images, *(self.folder / captions_file(language) for language in LANGUAGES)]
        missing = [file for file in (*files, self.folder / "train.txt", self.folder / "dev.txt") if not file.exists()]
        if missing:
            raise DataError(f"{missing[0]}: not found; expected images/, captions and splits in {self.folder}")

    @property
    def images(self) -> Path:
        """The photos."""
        return self.folder / "images"

    def names(self, split: str) -> list[str]:
        """Return the photos of ``train`` or ``dev``."""
        return read_split(self.folder / f"{split}.txt")

    def captions(self, split: str, language: Language) -> list[Caption]:
        """Return the captions of a split; photos without captions in this language are omitted."""
        captions = read_captions(self.folder / captions_file(language))
        known = {caption.image for caption in captions}
        return captions_of(captions, [name for name in self.names(split) if name in known])


@dataclass(frozen=True)
class Collection:
    """Scenes and photos in one folder.

    Attributes:
        folder: Contains a subfolder of each kind.
        scenes: The drawn scenes.
        photographs: The photos, if there are any.
    """

    folder: Path
    scenes: SceneFolder
    photographs: PhotoCollection | None = None

    def link(self) -> None:
        """Create or update the symbolic links.

        Raises:
            DataError: A folder of images does not exist.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        _symlink(self.folder / SCENES, self.scenes.images)
        if self.photographs is not None:
            _symlink(self.folder / PHOTOS, self.photographs.images)

    def train(self, language: Language, kinds: Sequence[str] = KINDS) -> CaptionedPhotos:
        """Return the training data: captions and queries of scenes, captions of photos."""
        scenes = read_captions(self.scenes.sentences("train", language)) if SCENES in kinds else []
        return self._captioned(scenes, "train", language, kinds)

    def dev(self, language: Language, kinds: Sequence[str] = KINDS) -> CaptionedPhotos:
        """Return the dev data: only captions, of scenes and photos of the dev splits."""
        names = read_split(self.scenes.split("dev"))
        scenes = captions_of(read_captions(self.scenes.captions(language)), names) if SCENES in kinds else []
        return self._captioned(scenes, "dev", language, kinds)

    def texts(self) -> dict[Language, list[str]]:
        """Return the training texts by language."""
        return {language: self.train(language).texts for language in LANGUAGES}

    def _captioned(
        self, scenes: Iterable[Caption], split: str, language: Language, kinds: Sequence[str]
    ) -> CaptionedPhotos:
        captions = [_prefixed(SCENES, caption) for caption in scenes]
        if self.photographs is not None and PHOTOS in kinds:
            captions += [_prefixed(PHOTOS, caption) for caption in self.photographs.captions(split, language)]
        return CaptionedPhotos.of(self.folder, list(dict.fromkeys(item.image for item in captions)), captions)


def _prefixed(folder: str, caption: Caption) -> Caption:
    return Caption(f"{folder}/{caption.image}", caption.index, caption.text)


def _symlink(link: Path, target: Path) -> None:
    if not target.is_dir():
        raise DataError(f"{target}: expected a folder of images, found none; check the path")
    if link.is_symlink() and link.readlink() != target.absolute():
        link.unlink()
    if not link.is_symlink():
        link.symlink_to(target.absolute(), target_is_directory=True)
