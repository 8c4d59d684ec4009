"""Galleries of thousands of vectors, without photos: their databases contain what indexing would store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from photoseek import Bundle, Gallery
from photoseek.gallery.database.records import ContentRecord, PhotoRecord
from photoseek.gallery.filters import TYPES, Filter
from photoseek.gallery.lock import exclusive_writer
from photoseek.gallery.snapshot.build import build_snapshot
from photoseek.photos.metadata import Metadata
from photoseek.sources.base import PhotoEntry
from photoseek.system.filenames import normalize_user_path
from photoseek.vector_index.exact import ExactIndex
from photoseek.vectors import Vectors, normalize

_FACTS = (
    "SELECT id, path, width, height, coalesce(taken, ''), camera FROM photos JOIN vectors USING (sha256) "
    "WHERE fingerprint = ?"
)


@dataclass(frozen=True)
class Facts:
    """Metadata of a photo."""

    path: str
    width: int = 640
    height: int = 480
    taken: str = ""
    camera: str = ""


CAMERAS = ("", "Canon EOS R6", "CANON EOS R6", "Canon EOS R", "Apple iPhone 12", 'A "quoted" \\ 100% café')
FILTERS = [
    Filter(),
    Filter(folder="a"),
    Filter(folder="a/b"),
    Filter(folder="a.b"),
    Filter(folder="no such"),
    Filter(taken_from="2022"),
    Filter(taken_to="2021-06"),
    Filter(taken_from="2021-03-04", taken_to="2021-03-20"),
    Filter(min_megapixels=1.0),
    Filter(max_megapixels=0.25),
    Filter(min_megapixels=0.2500001, max_megapixels=0.75),
    Filter(min_megapixels=float("inf")),
    *(Filter(orientation=name) for name in ("landscape", "portrait", "square")),
    *(Filter(type=name) for name in TYPES),
    Filter(camera="Canon EOS R6"),
    Filter(camera=" apple  IPHONE 12 "),
    Filter(camera="Canon"),
    Filter(camera=CAMERAS[-1]),
    Filter(camera="Canon EOS R6", folder="a", taken_from="2022"),
    Filter(folder="c d", type="jpeg", orientation="portrait", taken_from="2020"),
]


def various(count: int, seed: int = 0, start: int = 0) -> list[Facts]:
    """Return photos of several folders, sizes, years and types."""
    rng, cameras = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    folders, endings = ("", "a/", "a/b/", "a.b/", "c d/"), ("jpg", "JPEG", "png", "webp", "txt")
    found = []
    for number in range(start, start + count):
        folder, ending = folders[rng.integers(len(folders))], endings[rng.integers(len(endings))]
        width, height = (int(side) for side in rng.integers(1, 5, size=2) * 500)
        taken = f"{rng.integers(2020, 2025)}-{rng.integers(1, 13):02}-{rng.integers(1, 29):02} 12:00:00"
        camera = CAMERAS[cameras.integers(len(CAMERAS))]
        found.append(Facts(f"{folder}{number}.{ending}", width, height, taken if rng.random() < 0.8 else "", camera))
    return found


def clustered(count: int, dim: int, seed: int = 0, centres: int = 50) -> Vectors:
    """Return vectors in clusters, as photos of a few subjects have."""
    rng = np.random.default_rng(seed)
    near = rng.normal(size=(centres, dim))[rng.integers(centres, size=count)]
    return normalize(near + 0.4 * rng.normal(size=(count, dim)))


def scattered(count: int, dim: int, seed: int = 0) -> Vectors:
    """Return vectors of random directions."""
    return normalize(np.random.default_rng(seed).normal(size=(count, dim)))


def make_gallery(folder: Path, bundle: Bundle, vectors: Vectors, facts: Sequence[Facts] | None = None) -> Gallery:
    """Create a gallery of these photos without a snapshot, so that searchers need a store."""
    folder.mkdir(parents=True)
    gallery = Gallery.create(folder, bundle)
    put(gallery, vectors, facts or [Facts(f"{number}.jpg") for number in range(len(vectors))])
    return gallery


def put(gallery: Gallery, vectors: Vectors, facts: Sequence[Facts]) -> None:
    """Add photos to the database; a photo with the same path is replaced."""
    with exclusive_writer(gallery.path), gallery.database.writing():
        contents = [
            sha256(vector.tobytes() + each.path.encode()).hexdigest() for vector, each in _pairs(vectors, facts)
        ]
        gallery.database.save_photos(
            PhotoRecord(PhotoEntry(each.path, 1, 1), content, metadata=Metadata(camera=each.camera))
            for each, content in zip(facts, contents, strict=True)
        )
        gallery.database.save_contents(
            gallery.fingerprint,
            [
                ContentRecord(content, each.width, each.height, vector, each.taken)
                for (vector, each), content in zip(_pairs(vectors, facts), contents, strict=True)
            ],
        )


def remove(gallery: Gallery, paths: Sequence[str]) -> None:
    """Delete photos from the database."""
    with exclusive_writer(gallery.path):
        gallery.database.delete_photos(paths)


def make_generation(gallery: Gallery) -> None:
    """Build a snapshot, so that the gallery can be searched without a store."""
    with exclusive_writer(gallery.path):
        build_snapshot(gallery.path, gallery.database, gallery.bundles.primary, None)


class Exact:
    """Reference search over the vectors of a gallery's database, with ``meets`` as the filter."""

    def __init__(self, gallery: Gallery) -> None:
        dim = int(gallery.database.meta()["dim"])
        ids, vectors = zip(*gallery.database.vectors(gallery.fingerprint, dim), strict=True)
        self.ids, self.vectors = np.array(ids), np.stack(vectors)
        self.facts = {photo: Facts(*facts) for photo, *facts in gallery.database.query(_FACTS, gallery.fingerprint)}

    def __call__(self, query: Vectors, k: int, where: Filter | None = None) -> list[tuple[int, float]]:
        """Return id and cosine of the k best photos."""
        met = np.ones(len(self.ids), dtype=bool)
        if where is not None:
            met = np.array([meets(self.facts[photo], where) for photo in self.ids.tolist()], dtype=bool)
        rows, scores = ExactIndex(self.vectors[met]).search(query, k)
        return list(zip(self.ids[met][rows].tolist(), scores.tolist(), strict=True))


def meets(facts: Facts, where: Filter) -> bool:
    """Return whether a photo matches a filter: an independent implementation."""
    pixels, ending = facts.width * facts.height, facts.path.rpartition(".")[2].lower()
    lies = (facts.width > facts.height) - (facts.width < facts.height)
    return (
        (not where.folder or facts.path.startswith(f"{normalize_user_path(where.folder).strip('/')}/"))
        and (where.taken_from is None or facts.taken >= where.taken_from)
        and (where.taken_to is None or "" < facts.taken[: len(where.taken_to)] <= where.taken_to)
        and (where.min_megapixels is None or pixels >= where.min_megapixels * 1e6)
        and (where.max_megapixels is None or pixels <= where.max_megapixels * 1e6)
        and (where.orientation is None or where.orientation == ("square", "landscape", "portrait")[lies])
        and (where.type is None or ("." in facts.path and ending in TYPES[where.type]))
        and (where.camera is None or facts.camera.lower() == " ".join(where.camera.lower().split()))
    )


def _pairs(vectors: Vectors, facts: Sequence[Facts]) -> list[tuple[Vectors, Facts]]:
    return list(zip(vectors, facts, strict=True))
