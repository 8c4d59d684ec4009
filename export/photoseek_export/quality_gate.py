"""What each precision of a bundle finds, through the runtime; an int8 that loses too much is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.manifest import Layout, Manifest
from photoseek.evaluation.calibration_fit import calibrate_captioned
from photoseek.evaluation.evaluate import encode_captioned, reading_tower
from photoseek.evaluation.protocol import EvaluationProtocol
from photoseek.evaluation.report import assess
from photoseek_export.errors import ExportError, RecallDropTooHigh

MAX_RECALL_DROP = 0.5
"""How much mean recall, in points, int8 may lose."""

_RECALLS = 6  # summed in rsum


@dataclass(frozen=True)
class EvaluationImages:
    """Captioned images that each precision's retrieval is measured on; as for
    :func:`photoseek.evaluation.evaluate.evaluate`.

    ``further`` are caption files of the same images that other text towers read: each file is measured by itself, and
    its figures belong to the tower of the language that most of its captions are in.
    """

    images: Path
    captions: Path
    split: Path | None = None
    extra_captions: tuple[Path, ...] = ()


def measure_recall(manifest: Manifest, bundle: Bundle, evaluation: EvaluationImages, max_loss: float) -> None:
    """Put metrics and confidence of each caption file beside the parity of the tower that reads it.

    Raises:
        RecallDropTooHigh: An int8 loses more than ``max_loss`` points of mean recall.
        ExportError: As ``caption_files``.
    """
    files = caption_files(evaluation, manifest.languages, manifest.text_towers, manifest.precisions)
    for tower, captions in files.items():
        facts_of = manifest.text_towers[tower].precisions if tower else manifest.precisions
        for precision, facts in facts_of.items():
            found = encode_captioned(bundle, evaluation.images, captions, evaluation.split, precision=precision)
            rules = EvaluationProtocol()
            figures = assess(found.images, found.texts, found.names, found.captions, rules, found.precision)
            facts["metrics"] = figures.metrics.to_json()
            if len(found.names) > 1:
                facts["confidence"] = calibrate_captioned(bundle, found).to_json()
        _check_recall_drop({name: facts["metrics"]["rsum"] for name, facts in facts_of.items()}, captions, max_loss)


def caption_files(
    evaluation: EvaluationImages, languages: Collection[str], towers: Collection[str], precisions: Collection[str]
) -> dict[str, Path]:
    """The caption file of each text tower, by language; that of the main tower, which reads ``languages``, by ``""``.

    Raises:
        ExportError: Two files for one tower, or none for a tower of an int8 bundle.
    """
    files: dict[str, Path] = {}
    for captions in (evaluation.captions, *evaluation.extra_captions):
        tower = reading_tower(towers, captions)
        if tower in files:
            raise ExportError(
                f"{captions}: measured with the same text tower as {files[tower]}; give one file for each"
            )
        files[tower] = captions
    unread = [tower for tower in ("", *towers) if tower not in files]
    if unread and "int8" in precisions:
        raise ExportError(
            "int8 enters a bundle with its retrieval measured for each text tower, but no captions are read by that of "
            f"{unread[0] or ', '.join(languages)}; give them with a further --captions; no bundle was written"
        )
    return files


def _check_recall_drop(rsums: Mapping[str, float], captions: Path, max_loss: float) -> None:
    """Compare int8's mean recall, a sixth of rsum, with that of the most exact precision."""
    if "int8" not in rsums:
        return
    exact = next(precision for precision in Layout.PRECISIONS if precision in rsums)
    loss = (rsums[exact] - rsums["int8"]) / _RECALLS
    if not loss <= max_loss:
        raise RecallDropTooHigh(
            f"int8 loses {loss:.2f} points of mean recall on {captions} ({rsums['int8'] / _RECALLS:.2f}, {exact} has "
            f"{rsums[exact] / _RECALLS:.2f}), at most {max_loss} is allowed; no bundle was written: calibrate "
            "with photos more like these (--calibration DIR), or allow it with --max-loss"
        )
