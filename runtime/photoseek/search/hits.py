"""What a search answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from photoseek.photos.photo_file import PhotoFile
from photoseek.system.filenames import decode_filename


@dataclass(frozen=True)
class BundleScore:
    """What one bundle says of a photo among those that two were asked about.

    Attributes:
        bundle: Its name.
        score: Cosine of query and photo, in [-1, 1]; None where it could not look at the photo.
        rank: Among those photos, 1 is best; None as that.
    """

    bundle: str
    score: float | None
    rank: int | None

    def to_json(self) -> dict[str, Any]:
        """The form that ``search --json`` prints."""
        score = None if self.score is None else round(self.score, 4)
        return {"bundle": self.bundle, "score": score, "rank": self.rank}


@dataclass(frozen=True)
class Hit:
    """A photo that was found.

    Attributes:
        rank: 1 is best.
        path: Relative to the photo folder, with forward slashes; see ``photoseek.system.filenames`` for names that
            are no text.
        score: Cosine of query and photo, in [-1, 1].
        width: Of the upright photo, in pixels.
        height: Of the upright photo, in pixels.
        file: Where the photo lies: a path, or for one in object storage a
            ``RemoteFile``, whose text is its address.
        id: Its number in the gallery, which never comes to mean another picture.
        taken: ``YYYY-MM-DD HH:MM:SS`` by the camera's clock; None where the photo does not tell.
        confidence: Probability, in [0, 1], that the photo shows what the text says; None for queries with a photo,
            and where the bundle was not calibrated. See ``photoseek.evaluation.calibration_fit``.
        low_confidence: Whether the score is below what best hits commonly have: where that is so of the first hit,
            most likely nothing in the gallery shows what was asked for.
        duplicates: Further hits that show nearly the same, folded into this one; best first.
        fusion_score: What reranked hits are in the order of, see ``photoseek.search.rank_fusion``; None of others.
        scores: Of reranked hits, what the bundle that searched says and what the second one does.
    """

    rank: int
    path: str
    score: float
    width: int
    height: int
    file: PhotoFile
    id: int
    taken: str | None = None
    confidence: float | None = None
    low_confidence: bool = False
    duplicates: tuple[Hit, ...] = ()
    fusion_score: float | None = None
    scores: tuple[BundleScore, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The form that ``search --json`` prints."""
        return {
            "rank": self.rank,
            "path": self.path,
            "score": round(self.score, 4),
            "confidence": None if self.confidence is None else round(self.confidence, 4),
            "low_confidence": self.low_confidence,
            "width": self.width,
            "height": self.height,
            "taken": self.taken,
            "id": self.id,
            "file": decode_filename(str(self.file)),
            **(
                {"fusion_score": self._fusion_score, "scores": [each.to_json() for each in self.scores]}
                if self.scores
                else {}
            ),
            **({"duplicates": [hit.to_json() for hit in self.duplicates]} if self.duplicates else {}),
        }

    @property
    def _fusion_score(self) -> float | None:
        return None if self.fusion_score is None else round(self.fusion_score, 6)


@dataclass(frozen=True)
class Sentence:
    """A caption that was found.

    Attributes:
        rank: 1 is best.
        text: The caption.
        score: Cosine of query and caption, in [-1, 1].
    """

    rank: int
    text: str
    score: float

    def to_json(self) -> dict[str, Any]:
        """The form that ``captions describe --json`` prints."""
        return {"rank": self.rank, "text": self.text, "score": round(self.score, 4)}
