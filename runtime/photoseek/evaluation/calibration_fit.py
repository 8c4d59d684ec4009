"""How far a cosine can be trusted: the probability that a photo shows what a text says.

Cosines of texts and photos lie in a narrow band of their own, another one for each model: 0.3 may be a sure find. A
logistic curve over the cosine, fitted on captioned photos that the model has not learned from, makes a probability of
them: Platt, "Probabilistic Outputs for Support Vector Machines and Comparisons to Regularized Likelihood Methods",
Advances in Large Margin Classifiers, 1999, with its smoothed targets.

Each caption is asked twice: once among all photos, and once with its own photo left out, as if nobody had taken it. Its
best hit is right where that is its own photo, or has a caption that says about the same: one at least as near to it as
half of the captions that people gave to one and the same photo are to each other (the median cosine). Without that
many a good find would count as wrong, since captioned photos have more to show than the one that a caption came from.

The shorter a text, the lower its cosines: by the captions' curve no photo would show a dog. So what captions begin and
end with is asked as well, and each length has a curve of its own. A phrase is true of every photo whose captions have
all of its words; it is asked once among all photos and once without all of those.

A bundle learns what its cosines are worth, from captioned photos that it has not learned from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.calibration import Calibration, LogisticCurve
from photoseek.bundle.manifest import Layout, Manifest
from photoseek.encoders.encoders import TextEncoder
from photoseek.errors import BundleIncompatible, EvaluationError
from photoseek.evaluation.caption_phrases import LENGTHS, extract_phrases
from photoseek.evaluation.evaluate import EncodedSplit, encode_captioned, text_language
from photoseek.vectors import Rows, Vectors

_UNUSUAL = 0.05
"""Share of the captions whose best hit is below ``min_similarity``."""

_STEPS = 100
_DAMPING = 1e-6
_BLOCK = 1024  # captions scored at once


def calibrate(images: Vectors, texts: Vectors, image_of_text: npt.ArrayLike) -> Calibration:
    """Fit the curve.

    Args:
        images: Unit vectors of N photos, (N, dim), at least two.
        texts: Unit vectors of M captions, (M, dim).
        image_of_text: The row of each caption's photo, (M,).

    Raises:
        EvaluationError: Fewer than two photos, or no caption.
    """
    own = np.asarray(image_of_text, dtype=np.int64)
    if len(images) < 2 or len(texts) == 0:
        raise EvaluationError(f"expected at least 2 photos and a caption, found {len(images)} and {len(texts)}")
    best, best_without = _best_hits(images, texts, own)
    same = _CaptionGroups.of(texts, own)
    cosines = np.concatenate([np.einsum("ij,ij->i", texts, images[found]) for found in (best, best_without)])
    labels = np.concatenate([same.say(found) for found in (best, best_without)])
    slope, intercept = _platt(cosines.astype(np.float64), labels)
    min_similarity = float(np.quantile(cosines[: len(texts)], _UNUSUAL))
    return Calibration(round(slope, 4), round(intercept, 4), round(min_similarity, 4), len(images), len(texts))


def calibrate_by_length(images: Vectors, texts: Vectors, shown: npt.NDArray[np.bool_], words: int) -> LogisticCurve:
    """Fit the curve of short queries.

    Args:
        images: Unit vectors of N photos, (N, dim).
        texts: Unit vectors of P phrases, (P, dim), at least one.
        shown: Whether each photo shows what a phrase says, (P, N), see
            ``Phrases``.
        words: Of the longest phrase.
    """
    scores = np.asarray(texts @ images.T)
    rows = np.arange(len(texts))
    best = scores.argmax(axis=1)
    without = np.where(shown, -np.inf, scores).max(axis=1)
    absent = np.isfinite(without)  # what every photo shows cannot be asked as if none did
    cosines = np.concatenate([scores[rows, best], without[absent]]).astype(np.float64)
    labels = np.concatenate([shown[rows, best], np.zeros(int(absent.sum()), dtype=bool)])
    slope, intercept = _platt(cosines, labels)
    if slope < 0:  # among texts so short the cosine tells nothing: each is as sure as all are
        slope, intercept = _platt(np.zeros_like(cosines), labels)
    min_similarity = float(np.quantile(scores[rows, best], _UNUSUAL))
    return LogisticCurve(words, round(slope, 4), round(intercept, 4), round(min_similarity, 4), len(texts))


def _best_hits(images: Vectors, texts: Vectors, own: Rows) -> tuple[Rows, Rows]:
    """The row of each caption's best photo, and of its best one besides its own."""
    best, without = [], []
    for start in range(0, len(texts), _BLOCK):
        scores = texts[start : start + _BLOCK] @ images.T
        best.append(scores.argmax(axis=1))
        scores[np.arange(len(scores)), own[start : start + _BLOCK]] = -np.inf
        without.append(scores.argmax(axis=1))
    return np.concatenate(best), np.concatenate(without)


@dataclass(frozen=True)
class _CaptionGroups:
    """Captions by their photo, and the cosine from which two say the same."""

    texts: Vectors
    own: Rows
    rows_of: dict[int, Rows]
    near: float

    @classmethod
    def of(cls, texts: Vectors, own: Rows) -> _CaptionGroups:
        order = np.argsort(own, kind="stable")
        photos, starts = np.unique(own[order], return_index=True)
        rows_of = dict(zip(photos.tolist(), np.split(order, starts[1:]), strict=True))
        between = [_pairs(texts[rows]) for rows in rows_of.values()]
        cosines = np.concatenate(between)
        return cls(texts, own, rows_of, float(np.median(cosines)) if len(cosines) else np.inf)

    def say(self, photos: Rows) -> npt.NDArray[np.bool_]:
        """Whether each caption's photo, by its row, is its own or has a caption that says the same."""
        found = photos == self.own
        for row in np.flatnonzero(~found):
            captions = self.rows_of.get(int(photos[row]))
            found[row] = captions is not None and (self.texts[captions] @ self.texts[row]).max() >= self.near
        return np.asarray(found)


def _pairs(vectors: Vectors) -> Vectors:
    """The cosines of every two."""
    return np.asarray((vectors @ vectors.T)[np.triu_indices(len(vectors), 1)])


def _platt(cosines: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept of most likelihood, by Newton's method, damped so that it ends for any data."""
    positives, negatives = int(labels.sum()), int((~labels).sum())
    targets = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    inputs = np.stack([cosines, np.ones_like(cosines)], axis=1)
    weights = np.array([0.0, np.log((positives + 1) / (negatives + 1))])
    for _ in range(_STEPS):
        predicted = 1 / (1 + np.exp(-np.clip(inputs @ weights, -500, 500)))
        gradient = inputs.T @ (predicted - targets)
        curvature = (inputs * (predicted * (1 - predicted))[:, None]).T @ inputs + _DAMPING * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return float(weights[0]), float(weights[1])


def calibrate_bundle(
    bundle: Bundle,
    images: str | Path,
    captions: Sequence[str | Path],
    split: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Calibration]:
    """Fit ``calibrate`` for each precision, and note it in ``photoseek.json``.

    Galleries of the bundle stay as they are: no vector changes.

    Args:
        bundle: Whose folder can be written.
        images: Folder of the images.
        captions: Caption files; each belongs to the text tower of the language that most of it is in.
        split: The images that count, as for ``evaluate``.
        progress: Called with images encoded and images in all, for each precision and file anew.

    Returns:
        By ``precision`` for the main text tower, and by ``precision language`` for further ones.

    Raises:
        CaptionFileError: A broken line, or an image of the split without captions or without a file.
        EvaluationError: Fewer than two images.
        PhotoError: An image cannot be decoded.
        BundleIncompatible: The bundle is a folder of another program.
    """
    if bundle.layout != "photoseek":
        raise BundleIncompatible(
            f"{bundle.path}: a curve is kept in {Layout.MANIFEST}, which a folder of another program does not have; "
            "make a bundle of the model: photoseek-export --from-clip DIR --out BUNDLE"
        )
    manifest, found = Manifest.read(bundle.path), {}
    for file in captions:
        tower = text_language(manifest.text_towers, Path(file))
        facts = manifest.text_towers[tower].precisions if tower else manifest.precisions
        for precision in bundle.precisions:
            encoded = encode_captioned(bundle, images, file, split, precision=precision, progress=progress)
            curve = fit_on_captions(bundle, encoded)
            facts.setdefault(precision, {})["confidence"] = curve.to_json()
            found[f"{precision} {tower}".strip()] = curve
    manifest.write(bundle.path)
    return found


def fit_on_captions(bundle: Bundle, encoded: EncodedSplit) -> Calibration:
    """Fit the curve of captions, and those of shorter queries, in the precision that they were encoded in.

    The longest of these are nearly captions, and have their curve; only ``min_similarity`` is fitted on them.

    Raises:
        EvaluationError: Fewer than two images.
    """
    texts, short = TextEncoder(bundle, encoded.precision), []
    for lengths in LENGTHS:
        phrases = extract_phrases(encoded.captions, encoded.names, lengths)
        if phrases.texts:
            vectors = texts.encode(phrases.texts)
            short.append(calibrate_by_length(encoded.images, vectors, phrases.shown, max(lengths)))
    curve = calibrate(encoded.images, encoded.texts, encoded.image_of_text)
    if short:
        short[-1] = replace(short[-1], slope=curve.slope, intercept=curve.intercept)
    return replace(curve, by_length=tuple(short))
