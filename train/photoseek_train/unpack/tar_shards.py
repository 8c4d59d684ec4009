"""Tar shards of WebDataset, as img2dataset writes them.

Adjacent files with the same name up to the first dot are one example: ``000000012.jpg``, ``000000012.txt`` with one
caption a line, and ``000000012.json``. Without a text file, the caption is that of the JSON.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from photoseek.captions import caption_texts
from photoseek.captions.image_names import EXTENSIONS
from photoseek_train.errors import DataError
from photoseek_train.unpack.parts import Example, Part

_TEXTS = (".txt", ".text", ".caption")


class TarShard(Part):
    """A tar file; its progress is in bytes."""

    task = "shards"

    def size(self) -> int:
        """Return its size in bytes."""
        return self.path.stat().st_size

    def examples(self, progress: Callable[[int], None]) -> Iterator[Example]:
        """Yield the examples in their order."""
        try:
            with tarfile.open(self.path, "r:*") as shard:
                members = (member for member in shard if member.isfile())
                for _, group in groupby(members, key=lambda member: _key(member.name)):
                    files = {member.name: _content(shard, member) for member in group}
                    yield from self._examples(files)
                    progress(shard.offset)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise DataError(
                f"{self.path}: expected a complete tar file, found one that cannot be read to its end: {error}; "
                "download it again"
            ) from error

    def _examples(self, files: dict[str, bytes]) -> Iterator[Example]:
        """Yield the photos of files with the same key, each with the captions of its own name, if they differ."""
        photos = [name for name in files if name.lower().endswith(EXTENSIONS)]
        if not photos and any(name.lower().endswith(_TEXTS) for name in files):
            yield Example(next(iter(files)), b"", self._captions(files))
        for photo in photos:
            own = {name: data for name, data in files.items() if len(photos) == 1 or _stem(name) == _stem(photo)}
            yield Example(photo, files[photo], self._captions(own))

    def _captions(self, files: dict[str, bytes]) -> tuple[str, ...]:
        texts = [data for name, data in files.items() if name.lower().endswith(_TEXTS)]
        if texts:
            lines = (line.strip() for data in texts for line in data.decode("utf-8", "replace").splitlines())
            return tuple(line for line in lines if line)
        for name, data in files.items():
            if name.lower().endswith(".json") and (found := self._json_captions(data)):
                return found
        return ()

    def _json_captions(self, data: bytes) -> tuple[str, ...]:
        try:
            value: Any = json.loads(data)
        except ValueError:  # as a photo without a caption
            return ()
        key = self.columns.find_caption(value) if isinstance(value, dict) else None
        return () if key is None else tuple(caption_texts(value[key]))


def _content(shard: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = shard.extractfile(member)
    data = b"" if file is None else file.read()
    if len(data) != member.size:
        raise tarfile.ReadError(f"{member.name}: expected {member.size:,} bytes, found {len(data):,}")
    return data


def _key(name: str) -> str:
    """Return the key of an example, by the rule of WebDataset."""
    path = PurePosixPath(name)
    return str(path.parent / path.name.partition(".")[0])


def _stem(name: str) -> str:
    return name.rpartition(".")[0]
