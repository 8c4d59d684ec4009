"""Results of a search."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from photoseek.photos.dates import DateSource
from photoseek.photos.photo_file import PhotoFile
from photoseek.search.name_query import Matched
from photoseek.sources.base import PhotoSource
from photoseek.system.filenames import decode_filename


@dataclass(frozen=True)
class BundleScore:
    """Score of a reranked photo by one of the two bundles.

    Attributes:
        bundle: Name of the bundle.
        score: Cosine of query and photo, in [-1, 1]; None if the bundle could not encode the photo.
        rank: Rank among the reranked photos, 1 is best; None if the score is None.
    """

    bundle: str
    score: float | None
    rank: int | None

    def to_json(self) -> dict[str, Any]:
        """Return the output of ``search --json``."""
        score = None if self.score is None else round(self.score, 4)
        return {"bundle": self.bundle, "score": score, "rank": self.rank}


@dataclass(frozen=True)
class Hit:
    """A photo found by a search.

    Attributes:
        rank: 1 is best.
        path: Relative to the photo folder, with forward slashes; see ``photoseek.system.filenames`` for names that
            are not valid text.
        score: Cosine of query and photo, in [-1, 1].
        width: Pixels of the upright photo.
        height: Pixels of the upright photo.
        source: The photo folder.
        id: Id in the gallery, never reused for another picture.
        taken: ``YYYY-MM-DD HH:MM:SS`` by the camera's clock, or the beginning of it; None if unknown.
        taken_from: Where the date comes from, see ``DateSource``; None without one.
        confidence: Probability, in [0, 1], that the photo shows what the text says, see
            ``photoseek.evaluation.calibration_fit``. None for queries with a photo, and if the bundle is not
            calibrated, or does not read most of the text.
        low_confidence: Whether the score is lower than that of most best hits. If the first hit has it, the gallery
            probably has no matching photo. Without a confidence: the bundle does not read most of the text.
        matched: The field that contains the words of the query, see ``photoseek.search.name_search``; None if the photo
            was found by its vector only. The confidence is that of the vector; it is not low if the match counts.
        duplicates: Near-duplicates that are grouped with this hit, best first. The hit is the largest of them, at the
            rank of the best one.
        fusion_score: Reranked hits are sorted by this before names count, see ``photoseek.search.rank_fusion``; None
            for other hits.
        scores: Scores of a reranked hit by the first and the second bundle.
        incomplete: Whether the photo's file ends early, so that only a part of it was encoded and can be shown.
        camera: Make and model of the camera by EXIF; None if unknown.
    """

    rank: int
    path: str
    score: float
    width: int
    height: int
    source: PhotoSource = field(repr=False)
    id: int
    taken: str | None = None
    taken_from: DateSource | None = None
    confidence: float | None = None
    low_confidence: bool = False
    matched: Matched | None = None
    duplicates: tuple[Hit, ...] = ()
    fusion_score: float | None = None
    scores: tuple[BundleScore, ...] = ()
    incomplete: bool = False
    camera: str | None = None

    @property
    def file(self) -> PhotoFile:
        """A path, or a ``RemoteFile``, whose text is its URL, for a photo in object storage."""
        return self.source.photo_file(self.path)

    @property
    def from_unread_text(self) -> bool:
        """Whether the bundle does not read most of the query's text, so that the hit means little."""
        return self.low_confidence and self.confidence is None

    def to_json(self) -> dict[str, Any]:
        """Return the output of ``search --json``."""
        return {
            "rank": self.rank,
            "path": self.path,
            "score": round(self.score, 4),
            "confidence": None if self.confidence is None else round(self.confidence, 4),
            "low_confidence": self.low_confidence,
            "width": self.width,
            "height": self.height,
            "taken": self.taken,
            "taken_from": self.taken_from,
            "id": self.id,
            "file": decode_filename(str(self.file)),
            **({} if self.matched is None else {"matched": self.matched}),
            **({"incomplete": True} if self.incomplete else {}),
            **({} if self.camera is None else {"camera": self.camera}),
            **({} if self.fusion_score is None else {"fusion_score": round(self.fusion_score, 6)}),
            **({"scores": [each.to_json() for each in self.scores]} if self.scores else {}),
            **({"duplicates": [hit.to_json() for hit in self.duplicates]} if self.duplicates else {}),
        }


@dataclass(frozen=True)
class Sentence:
    """A caption found for a photo.

    Attributes:
        rank: 1 is best.
        text: The caption.
        score: Cosine of query and caption, in [-1, 1].
    """

    rank: int
    text: str
    score: float

    def to_json(self) -> dict[str, Any]:
        """Return the output of ``captions describe --json``."""
        return {"rank": self.rank, "text": self.text, "score": round(self.score, 4)}
