"""Names of everything that photoseek writes into the folder of a gallery."""

from __future__ import annotations

import re

from photoseek.system.folder_tag import TAG
from photoseek.system.removal import DRAFT_NAME
from photoseek.vector_index.registry import ANNOY_FILE, INDEX_FILES

DATABASE = "gallery.sqlite"
LOCK = "LOCK"
CURRENT = "CURRENT"
GENERATIONS = "generations"
MANIFEST = "manifest.json"
VECTORS = "vectors.npy"
IDS = "ids.npy"
CHECKSUMS = "checksums.npy"
"""CRC-32 of each database row that a snapshot shows."""
COLUMNS = "columns.npy"
FOLDERS = "folders.bin"
CAMERAS = "cameras.json"
NAMES = "names.sqlite"
"""Full-text index of names, titles and keywords."""
REMOVED = "removed.npy"
"""Rows of the base of a delta snapshot that were removed."""
BUNDLES = "bundles"
THUMBNAILS = "thumbnails"

PARTIAL = ".partial"
"""Suffix of incomplete files and folders."""

_names = "|".join(
    re.escape(name)
    for name in (TAG, VECTORS, IDS, CHECKSUMS, COLUMNS, FOLDERS, CAMERAS, NAMES, REMOVED, MANIFEST, *INDEX_FILES)
)
_generation_file = rf"{_names}|{re.escape(MANIFEST)}\.\d+\.partial|{re.escape(ANNOY_FILE)}\.\d+"
_generation = r"\d{6,12}(?:\.partial)?"
_generations = rf"{GENERATIONS}/(?:{_generation}/(?:{_generation_file})?)?"
_pointer = rf"{CURRENT}(?:\.\d+\.partial)?"
_bundle_file = rf"{re.escape(TAG)}|{_pointer}|{_generations}"
_database = rf"{re.escape(DATABASE)}(?:-journal|-wal|-shm)?"
_thumbnail = r"[0-9a-f]{40}(?:\.\d+\.\d+\.partial)?"
_draft_file = rf"{re.escape(TAG)}|{_database}"


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


GENERATION_NAME = _compiled(_generation)
GENERATION_FILE = _compiled(_generation_file)
POINTER_DRAFT_NAME = _compiled(rf"{CURRENT}\.\d+\.partial")
BUNDLE_NAME = _compiled("[0-9a-f]{16}")
BUNDLE_FILE = _compiled(_bundle_file)
DRAFT_FILE = _compiled(_draft_file)
THUMBNAIL_NAME = _compiled(_thumbnail)
GALLERY_FILE = _compiled(
    rf"{LOCK}|{_bundle_file}|{_database}|{BUNDLES}/(?:{BUNDLE_NAME.pattern}/(?:{_bundle_file})?)?"
    rf"|{THUMBNAILS}/(?:{re.escape(TAG)}|{_thumbnail})?|{DRAFT_NAME.pattern}/(?:{_draft_file})?"
)
"""Matches the path of every file in a gallery, relative to its folder; that of a folder ends with /."""
