"""Evaluation of each precision of a bundle with the runtime; int8 is rejected if it is too inexact."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.manifest import Layout, Manifest
from photoseek.captions import read_caption_file
from photoseek.demo.gallery import PICTURES, picture_names
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.evaluation.calibration_fit import fit_on_captions
from photoseek.evaluation.evaluate import encode_captioned, text_language
from photoseek.evaluation.protocol import EvaluationProtocol
from photoseek.evaluation.report import evaluate_vectors
from photoseek.vectors import Vectors, normalize
from photoseek_export.errors import ExportError, RecallDropTooHigh, SimilarityTooLow
from photoseek_export.steps import StepCallback, no_step

MAX_RECALL_DROP = 0.5
"""Maximum loss of mean recall of int8, in percentage points."""

MIN_COSINE = 0.98
"""Minimum mean cosine of int8 vectors with those of the most exact precision; see ``measure_similarity``."""

_RECALLS = 6  # number of recalls in rsum
_SAMPLES = 32  # texts and photos


@dataclass(frozen=True)
class EvaluationImages:
    """Captioned images for the evaluation; see ``evaluate``.

    ``extra_captions`` are caption files of the same images for other text towers: each file is evaluated separately
    with the tower of the language that most of its captions are in.
    """

    images: Path
    captions: Path
    split: Path | None = None
    extra_captions: tuple[Path, ...] = ()


def measure_recall(
    manifest: Manifest,
    bundle: Bundle,
    evaluation: EvaluationImages,
    max_loss: float,
    on_step: StepCallback = no_step,
) -> None:
    """Add metrics and confidence of each caption file to the manifest's entries of its text tower.

    Raises:
        RecallDropTooHigh: An int8 loses more than ``max_loss`` points of mean recall.
        ExportError: See ``caption_files``.
    """
    files = caption_files(evaluation, manifest.languages, manifest.text_towers, manifest.precisions)
    for tower, captions in files.items():
        facts_of = manifest.text_towers[tower].precisions if tower else manifest.precisions
        for precision, facts in facts_of.items():
            on_step(f"evaluate {precision} on {captions.name}")
            found = encode_captioned(bundle, evaluation.images, captions, evaluation.split, precision=precision)
            rules = EvaluationProtocol()
            figures = evaluate_vectors(found.images, found.texts, found.names, found.captions, rules, found.precision)
            facts["metrics"] = figures.metrics.to_json()
            if len(found.names) > 1:
                facts["confidence"] = fit_on_captions(bundle, found).to_json()
        _check_recall_drop({name: facts["metrics"]["rsum"] for name, facts in facts_of.items()}, captions, max_loss)


def measure_similarity(bundle: Bundle, min_cosine: float) -> dict[str, float]:
    """Return the mean cosine of int8 vectors with those of the most exact precision, on the demo's texts and photos.

    The mean vector of each precision is subtracted first: vectors of one model have a large part in common, which
    does not affect the ranks and would hide differences.

    Returns:
        The means by tower: ``texts``, ``texts.zh`` for the text tower of another language, and ``photos``.

    Raises:
        SimilarityTooLow: One of them is below ``min_cosine``.
    """
    exact, photos = bundle.precisions[0], [PICTURES / name for name in picture_names()[:_SAMPLES]]
    pairs = {"photos": [ImageEncoder(bundle, precision).encode(photos) for precision in (exact, "int8")]}
    for language in (None, *bundle.manifest.text_towers):
        texts = _sample_texts([language] if language else bundle.manifest.languages)
        encoders = [TextEncoder(bundle, precision) for precision in (exact, "int8")]
        code = language or bundle.manifest.languages[0]
        key = f"texts.{language}" if language else "texts"
        pairs[key] = [encoder.encode(texts, language=code) for encoder in encoders]
    found = {name: _mean_cosine(*vectors) for name, vectors in pairs.items()}
    for name, cosine in found.items():
        if not cosine >= min_cosine:
            raise SimilarityTooLow(
                f"{name}: int8 vectors have a mean cosine of {cosine} with those of {exact}, expected at least "
                f"{min_cosine}; no int8 was written: use {exact}, or compare by retrieval with captioned images"
            )
    return found


def _sample_texts(languages: Collection[str]) -> list[str]:
    """Return captions of the demo's photos, Chinese ones for a tower that encodes Chinese but not English."""
    chinese = "zh" in languages and "en" not in languages
    captions = read_caption_file(PICTURES / ("captions.zh.token" if chinese else "captions.token")).captions
    return [caption.text for caption in captions[:_SAMPLES]]


def _mean_cosine(exact: Vectors, rounded: Vectors) -> float:
    centered = [normalize(vectors - vectors.mean(axis=0)) for vectors in (exact, rounded)]
    return round(float((centered[0] * centered[1]).sum(axis=1).mean()), 4)


def caption_files(
    evaluation: EvaluationImages, languages: Collection[str], towers: Collection[str], precisions: Collection[str]
) -> dict[str, Path]:
    """Return the caption file of each text tower by language; the key of the main tower is ``""``.

    Raises:
        ExportError: Two files belong to one tower, or a tower of an int8 bundle has none.
    """
    files: dict[str, Path] = {}
    for captions in (evaluation.captions, *evaluation.extra_captions):
        tower = text_language(towers, captions)
        if tower in files:
            raise ExportError(f"{captions}: belongs to the same text tower as {files[tower]}; pass one file per tower")
        files[tower] = captions
    missing = [tower for tower in ("", *towers) if tower not in files]
    if missing and "int8" in precisions:
        raise ExportError(
            "int8 requires an evaluation of each text tower, found no captions for the tower of "
            f"{missing[0] or ', '.join(languages)}; pass them with another --captions; no bundle was written"
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
