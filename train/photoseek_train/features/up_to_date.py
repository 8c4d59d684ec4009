"""Whether the features of a folder are up to date, by file times: without PyTorch, and without reading a photo.

``extract_features`` compares contents, which takes as long as loading the towers and hashing every photo. Once it has
finished, ``up_to_date.json`` records what it read and wrote. While none of these files changes, nothing is loaded.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import astuple, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from photoseek.system.atomic_write import write_json_atomic
from photoseek.system.hash_cache import CLOCK_S, FileStat
from photoseek_train.config import ModelInit
from photoseek_train.data.dataset import CaptionedPhotos

RECORD = "up_to_date.json"

_PACKAGES = ("photoseek", "timm", "tokenizers", "torch", "torchvision", "transformers")


@dataclass(frozen=True)
class FeatureInputs:
    """Everything that features depend on.

    Attributes:
        sources: The towers.
        data: Photos and captions.
        settings: Further settings, as JSON values.
    """

    sources: ModelInit
    data: CaptionedPhotos
    settings: tuple[Any, ...]

    def digest(self, clock_s: float = CLOCK_S) -> str | None:
        """Return a digest of settings, texts, package versions, and size, times and inode of each file.

        Args:
            clock_s: A file may change again without a new time for that long after a change.

        Returns:
            The digest, or None if a file changed within ``clock_s``, or the files of a model are not known.
        """
        if (models := _model_files(self.sources)) is None:
            return None
        try:
            stats = [(str(path), FileStat.of(path)) for path in (*models, *self.data.paths)]
        except OSError:
            return None
        if time.time() - max(max(stat.mtime_ns, stat.ctime_ns) for _, stat in stats) / 1e9 <= clock_s:
            return None
        values = {
            "sources": [str(value) for value in astuple(self.sources)],
            "settings": self.settings,
            "captions": [(caption.text, caption.keywords) for caption in self.data.captions],
            "packages": {name: _version(name) for name in _PACKAGES},
            "files": [(path, *astuple(stat)) for path, stat in stats],
        }
        return hashlib.sha256(json.dumps(values).encode("utf-8", "surrogatepass")).hexdigest()


def is_up_to_date(out: Path, digest: str | None) -> bool:
    """Return whether a folder has the features of the inputs with this digest, and its files have not changed since."""
    if digest is None:
        return False
    try:
        return bool(json.loads((out / RECORD).read_text("utf-8")) == _record(out, digest))
    except (OSError, ValueError):
        return False


def record_up_to_date(out: Path, digest: str | None) -> None:
    """Record that a folder has the features of the inputs that had this digest before they were read."""
    if digest is None:
        (out / RECORD).unlink(missing_ok=True)
    else:
        write_json_atomic(out / RECORD, _record(out, digest))


def _record(out: Path, digest: str) -> dict[str, Any]:
    files = [*sorted(out.glob("*.npy")), out / "manifest.json"]
    return {"inputs": digest, "files": {file.name: list(astuple(FileStat.of(file))) for file in files}}


def _model_files(sources: ModelInit) -> list[Path] | None:
    """Return the files of the towers; None if they are not on this disk, or nobody knows which they are.

    The weights that ``imagenet`` names depend on the version of torchvision or timm only.
    """
    text = _text_model_folder(str(sources.text_model))
    if text is None or sources.checkpoint is not None:
        return None
    weights = [] if sources.image_weights == "imagenet" else [Path(sources.image_weights)]
    return [*sorted(path for path in text.iterdir() if path.is_file()), *weights]


def _text_model_folder(name: str) -> Path | None:
    """Return the folder of a text model: the folder itself, or the snapshot in the cache of the Hugging Face Hub."""
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return None
    return Path(config).parent if isinstance(config, str) else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
