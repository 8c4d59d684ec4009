"""A cache of optimized graphs: onnxruntime's optimizations take most of the time of opening a large graph.

``$XDG_CACHE_HOME/photoseek/graphs`` (``~/.cache``) has a folder for each graph: the graph as onnxruntime has optimized
it, and its weights in a file that is mapped into memory. Optimizations depend on the CPU and on the version of
onnxruntime, so the name of the folder is a hash of these and of the content of the original. Without the cache, opening
only takes longer.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import onnxruntime as ort

from photoseek.bundle.files import ChecksummedFiles
from photoseek.bundle.manifest import FileRecord
from photoseek.errors import BundleDamaged
from photoseek.system.atomic_write import fsync_dir, fsync_file, make_private_folder, write_json_atomic
from photoseek.system.cache_dir import cache_folder
from photoseek.system.cpu import cpu_model, instructions
from photoseek.system.folder_tag import TAG
from photoseek.system.removal import DRAFT_NAME, draft_folder, remove_folder

GRAPH, WEIGHTS = "graph.onnx", "weights.bin"

MAX_BYTES = 4_000_000_000
"""Maximum size of the cache. The oldest graphs are removed first."""

_FORMAT = 1  # changes with the options of sessions that affect optimizations
_RECORD = "record.json"
_FILES = re.compile("|".join(map(re.escape, (GRAPH, WEIGHTS, _RECORD, TAG))) + rf"|{re.escape(_RECORD)}\.\d+\.partial")
_STALE_S = 3_600.0  # age of what a killed process has left

Session = TypeVar("Session")


class CachedGraph:
    """The place of one optimized graph in the cache."""

    def __init__(self, content: str) -> None:
        """Name the place of the graph whose file, and files with its weights, have the hash ``content``."""
        facts = [_FORMAT, content, ort.__version__, cpu_model(), *instructions()]
        self._name = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]

    def find(self) -> Path | None:
        """Return the path of the graph after verifying it and its weights; None if it is missing or damaged."""
        folder = _root() / self._name
        try:
            values = json.loads((folder / _RECORD).read_text("utf-8"))
            files = ChecksummedFiles(folder, {name: FileRecord(**values[name]) for name in (GRAPH, WEIGHTS)})
            files.verified_path(WEIGHTS)
            return files.verified_path(GRAPH)
        except (OSError, ValueError, KeyError, TypeError, RecursionError, BundleDamaged):
            self.discard()
            return None

    def discard(self) -> None:
        """Remove the graph from the cache."""
        remove_folder(_root(), self._name, files=_FILES)

    def write(self, save: Callable[[Path], Session]) -> Session:
        """Add the graph, and return what ``save`` returns, which writes ``GRAPH`` and ``WEIGHTS`` to a folder.

        Raises:
            OSError: It cannot be written.
        """
        root = _root()
        make_private_folder(root.parent)
        make_private_folder(root)
        with draft_folder(root, _FILES) as draft:
            session = save(draft)
            for name in (GRAPH, WEIGHTS):
                fsync_file(draft / name)
            records = {name: FileRecord.of(draft / name) for name in (GRAPH, WEIGHTS)}
            write_json_atomic(draft / _RECORD, {name: vars(record) for name, record in records.items()})
            _make_room(root, draft)
            if not (root / self._name).exists():  # another process may have added it
                draft.rename(root / self._name)
        fsync_dir(root)
        return session


def _root() -> Path:
    return cache_folder() / "graphs"


def _make_room(root: Path, added: Path) -> None:
    """Remove drafts of killed processes, and the oldest graphs until ``added`` fits into the cache."""
    used, now = 0, time.time()
    ages = {path: now - path.stat().st_mtime for path in root.iterdir()}
    for path in sorted(ages, key=lambda path: (path != added, ages[path])):
        used += sum(file.stat().st_size for file in path.iterdir())
        stale = DRAFT_NAME.fullmatch(path.name) and ages[path] > _STALE_S
        if path != added and (stale or used > MAX_BYTES):
            remove_folder(root, path.name, files=_FILES)
