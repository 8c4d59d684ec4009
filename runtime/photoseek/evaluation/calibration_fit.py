"""Fit the calibration of a bundle: the probability that a photo shows what a text says, given their cosine.

Cosines of texts and photos have a narrow range that differs between models: 0.3 may be a certain match. A logistic
curve over the cosine, fitted on captioned photos outside of the training data, turns them into probabilities: Platt,
"Probabilistic Outputs for Support Vector Machines and Comparisons to Regularized Likelihood Methods", Advances in Large
Margin Classifiers, 1999, with its smoothed targets.

Each distinct caption is a query twice: once over all photos, and once without its own photo, as if it were not in the
gallery. A frequent one counts as the square root of its number, so that no few captions outweigh the others. The best
hit is correct if it is the caption's own photo, or if one of its captions is at least as similar to the query as half
of the caption pairs of a single photo are to each other (the median cosine). Otherwise many correct hits would count as
wrong, since a photo may show what only the caption of another photo mentions.

Shorter texts have lower cosines: by the curve of captions, no photo would match "dog". Phrases from the start and end
of captions therefore get a curve for each length. A phrase matches every photo whose captions contain all of its words.
Few photos have all the words of a long phrase, which therefore also matches every photo with an equivalent caption. A
phrase is a query once over all photos and once without those that match.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.calibration import Calibration, LogisticCurve
from photoseek.bundle.files import is_file
from photoseek.bundle.installed_models import RECORD, ModelRecord
from photoseek.bundle.layouts import photoseek
from photoseek.bundle.manifest import FileRecord, Layout, Manifest
from photoseek.encoders.encoders import TextEncoder
from photoseek.errors import BundleIncompatible, EvaluationError
from photoseek.evaluation.caption_phrases import LENGTHS, extract_phrases
from photoseek.evaluation.evaluate import EncodedSplit, encode_captioned, text_language
from photoseek.evaluation.logistic_fit import Labeled, Logistic, fit_logistic, fit_with_ceiling
from photoseek.vectors import Rows, Vectors

_FLOOR_QUANTILE = 0.05
"""Share of the captions whose best hit has a cosine below ``min_similarity``; of phrases, those with a right best hit.

A phrase whose best hit is wrong is like a query that matches no photo: its cosine says nothing about right hits.
"""

_SHORT_FLOOR_QUANTILE = 0.15
"""The same for one or two words, since a word that no photo shows comes close to the photos of a related one."""

_SHORT = 2  # words

_NEARLY_CAPTION = 6  # words

_MIN_SLOPE_SHARE = 0.1  # of the slope of captions

_BLOCK = 1024  # captions scored at a time


@dataclass(frozen=True)
class BestHits:
    """Best hits of queries of similar length, over all photos and then without the photos that match.

    Attributes:
        max_words: Words in the longest query; None for captions.
        cosines: Their cosines, float64 (h,).
        correct: Whether they match, (h,).
        counts: How often captions contain the query of each, (h,).
        queries: Number of queries. Their hits over all photos come first.
    """

    max_words: int | None
    cosines: npt.NDArray[np.float64]
    correct: npt.NDArray[np.bool_]
    counts: npt.NDArray[np.int64]
    queries: int

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """The weight of each in a fit, (h,): the square root of its count.

        With the count, the few most frequent queries would outweigh all others; without it, rare ones, of which there
        are most, those that people search for.
        """
        return np.sqrt(self.counts)

    @property
    def labeled(self) -> Labeled:
        """Cosines, labels and weights."""
        return Labeled(self.cosines, self.correct, self.weights)


def caption_hits(images: Vectors, texts: Vectors, image_of_text: npt.ArrayLike, captions: Sequence[str]) -> BestHits:
    """Return the best hits of distinct captions.

    Args:
        images: Unit vectors of N photos, (N, dim), at least two.
        texts: Unit vectors of M captions, (M, dim).
        image_of_text: Row of each caption's photo, (M,).
        captions: The captions, M.

    Raises:
        EvaluationError: Fewer than two photos, or no caption.
    """
    image_rows = np.asarray(image_of_text, dtype=np.int64)
    if len(images) < 2 or len(texts) == 0:
        raise EvaluationError(f"expected at least 2 photos and a caption, found {len(images)} and {len(texts)}")
    found = Counter(captions)
    first = {caption: row for row, caption in reversed(list(enumerate(captions)))}
    counts, queries = (np.array([each[caption] for caption in found], dtype=np.int64) for each in (found, first))
    hits = _best_hits(images, texts[queries], image_rows[queries])
    groups = _CaptionGroups.of(texts, image_rows)
    cosines = np.concatenate([np.einsum("ij,ij->i", texts[queries], images[best]) for best in hits])
    correct = np.concatenate([groups.match(queries, best) for best in hits])
    return BestHits(None, cosines.astype(np.float64), correct, np.tile(counts, 2), len(queries))


def phrase_hits(
    images: Vectors, texts: Vectors, relevant: npt.NDArray[np.bool_], max_words: int, counts: npt.NDArray[np.int64]
) -> BestHits:
    """Return the best hits of phrases.

    Args:
        images: Unit vectors of N photos, (N, dim).
        texts: Unit vectors of P phrases, (P, dim), at least one.
        relevant: Whether each photo matches each phrase, (P, N).
        max_words: Words in the longest phrase.
        counts: How often each phrase occurs, (P,).
    """
    scores = np.asarray(texts @ images.T)
    rows, best = np.arange(len(texts)), scores.argmax(axis=1)
    without = np.where(relevant, -np.inf, scores).max(axis=1)
    absent = np.isfinite(without)  # phrases that do not match every photo
    cosines = np.concatenate([scores[rows, best], without[absent]]).astype(np.float64)
    correct = np.concatenate([relevant[rows, best], np.zeros(int(absent.sum()), bool)])
    return BestHits(max_words, cosines, correct, np.concatenate([counts, counts[absent]]), len(texts))


def fit_curves(phrases: Sequence[BestHits], captions: BestHits, photos: int) -> Calibration:
    """Fit the curves of phrases, the shortest first, and of captions, on the best hits among a number of photos.

    No curve is flat or falling, or every hit would have the same confidence, or the better one the lower. Where the
    best fit is, because few hits are correct or few are wrong, the curve has a tenth of the slope of captions.
    """
    curve = fit_with_ceiling(captions.labeled)
    queries = slice(captions.queries)
    min_similarity = _quantile(captions.cosines[queries], captions.counts[queries], _FLOOR_QUANTILE)
    min_slope = _MIN_SLOPE_SHARE * max(curve.slope, 0.0)
    by_length = tuple(_fit_phrases(each, min_slope) for each in phrases)
    slope, intercept, ceiling = (round(number, 4) for number in curve)
    total = int(captions.counts[queries].sum())
    return Calibration(slope, intercept, round(min_similarity, 4), photos, total, by_length, ceiling)


def _fit_phrases(hits: BestHits, min_slope: float) -> LogisticCurve:
    max_words = hits.max_words or 0
    curve = fit_with_ceiling(hits.labeled) if max_words >= _NEARLY_CAPTION else fit_logistic(hits.labeled)
    if curve.slope < min_slope:
        level = fit_logistic(hits.labeled._replace(values=np.zeros_like(hits.cosines)), min_slope * hits.cosines)
        curve = Logistic(min_slope, level.intercept)
    queries = slice(hits.queries)
    right = hits.correct[queries] if hits.correct[queries].any() else np.ones(hits.queries, dtype=bool)
    share = _SHORT_FLOOR_QUANTILE if max_words <= _SHORT else _FLOOR_QUANTILE
    min_similarity = _quantile(hits.cosines[queries][right], hits.counts[queries][right], share)
    slope, intercept, ceiling = (round(number, 4) for number in curve)
    return LogisticCurve(max_words, slope, intercept, round(min_similarity, 4), hits.queries, ceiling)


def _quantile(values: npt.NDArray[np.float64], counts: npt.NDArray[np.int64], share: float) -> float:
    """Return the value below which this share is, each value counted a number of times."""
    order = np.argsort(values)
    below = np.cumsum(counts[order])
    return float(values[order][np.searchsorted(below, share * below[-1])])


def _best_hits(images: Vectors, texts: Vectors, image_rows: Rows) -> tuple[Rows, Rows]:
    """Return the row of each caption's best photo, and of its best other than its own."""
    best, without = [], []
    for start in range(0, len(texts), _BLOCK):
        scores = texts[start : start + _BLOCK] @ images.T
        best.append(scores.argmax(axis=1))
        scores[np.arange(len(scores)), image_rows[start : start + _BLOCK]] = -np.inf
        without.append(scores.argmax(axis=1))
    return np.concatenate(best), np.concatenate(without)


@dataclass(frozen=True)
class _CaptionGroups:
    """Captions by photo, and the cosine from which two captions count as equivalent."""

    texts: Vectors
    image_rows: Rows
    rows_of: dict[int, Rows]
    min_cosine: float

    @classmethod
    def of(cls, texts: Vectors, image_rows: Rows) -> _CaptionGroups:
        order = np.argsort(image_rows, kind="stable")
        photos, starts = np.unique(image_rows[order], return_index=True)
        rows_of = dict(zip(photos.tolist(), np.split(order, starts[1:]), strict=True))
        cosines = np.concatenate([_pair_cosines(texts[rows]) for rows in rows_of.values()])
        return cls(texts, image_rows, rows_of, float(np.median(cosines)) if len(cosines) else np.inf)

    def match(self, queries: Rows, photos: Rows) -> npt.NDArray[np.bool_]:
        """Return whether each query's hit is its own photo or has an equivalent caption; both are given by row."""
        found = photos == self.image_rows[queries]
        for row in np.flatnonzero(~found):
            captions = self.rows_of.get(int(photos[row]))
            text = self.texts[queries[row]]
            found[row] = captions is not None and (self.texts[captions] @ text).max() >= self.min_cosine
        return np.asarray(found)


def _pair_cosines(vectors: Vectors) -> Vectors:
    """Return the cosine of every two vectors."""
    return np.asarray((vectors @ vectors.T)[np.triu_indices(len(vectors), 1)])


def calibrate_bundle(
    bundle: Bundle,
    images: str | Path,
    captions: Sequence[str | Path],
    split: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Calibration]:
    """Calibrate each precision of a bundle and write the result to its manifest, or the record of an installed model.

    Vectors do not change, so galleries of the bundle need no re-indexing.

    Args:
        bundle: A bundle in a writable folder, or an installed model.
        images: Folder of the images.
        captions: Caption files. Each calibrates the text tower of the language that most of its captions are in.
        split: Images to use, as for ``encode_captioned``.
        progress: Called with the number of encoded images and the total, for each precision and file.

    Returns:
        Calibrations by ``precision`` for the main text tower, and by ``precision language`` for additional ones.

    Raises:
        CaptionFileError: A line is invalid, or an image of the split has no captions or no file.
        EvaluationError: Fewer than two images.
        PhotoError: An image cannot be decoded.
        BundleIncompatible: A folder in the layout of another program, which no command has installed.
    """
    installed = is_file(bundle.path / RECORD)
    if bundle.layout != photoseek.NAME and not installed:
        raise BundleIncompatible(
            f"{bundle.path}: a calibration is stored in {Layout.MANIFEST}, which other programs' folders do not have; "
            "convert the model: photoseek-export --from-clip DIR --out BUNDLE"
        )
    manifest, found = deepcopy(bundle.manifest), {}
    for file in captions:
        tower = text_language(manifest.text_towers, Path(file))
        facts = manifest.text_towers[tower].precisions if tower else manifest.precisions
        for precision in bundle.precisions:
            encoded = encode_captioned(bundle, images, file, split, precision=precision, progress=progress)
            curve = fit_on_captions(bundle, encoded)
            facts.setdefault(precision, {})["confidence"] = curve.to_json()
            found[f"{precision} {tower}".strip()] = curve
    if bundle.layout == photoseek.NAME:
        manifest.write(bundle.path)
    if installed:
        _update_record(bundle.path, manifest)
    return found


def _update_record(folder: Path, manifest: Manifest) -> None:
    record = ModelRecord.read(folder)
    files = dict(record.files)
    if Layout.MANIFEST in files:
        files[Layout.MANIFEST] = FileRecord.of(folder / Layout.MANIFEST)
    replace(record, files=files, precisions=manifest.precisions).write(folder)


def fit_on_captions(bundle: Bundle, encoded: EncodedSplit) -> Calibration:
    """Fit the curves of captions and of shorter queries.

    Raises:
        EvaluationError: Fewer than two images.
    """
    *phrases, captions = best_hits(bundle, encoded)
    return fit_curves(phrases, captions, len(encoded.images))


def best_hits(bundle: Bundle, encoded: EncodedSplit) -> list[BestHits]:
    """Return the best hits of phrases, the shortest first, and of captions.

    Raises:
        EvaluationError: Fewer than two images.
    """
    written = [caption.text for caption in encoded.captions]
    captions = caption_hits(encoded.images, encoded.texts, encoded.image_of_text, written)
    encoder, found = TextEncoder(bundle, encoded.precision), []
    for lengths in LENGTHS:
        phrases = extract_phrases(encoded.captions, encoded.names, lengths)
        if phrases.texts:
            texts, relevant = encoder.encode(phrases.texts), phrases.relevant
            if min(lengths) >= _NEARLY_CAPTION:
                relevant = relevant | equivalent_photos(texts, phrases.image_rows, encoded)
            found.append(phrase_hits(encoded.images, texts, relevant, max(lengths), phrases.counts))
    return [*found, captions]


def equivalent_photos(phrases: Vectors, image_rows: Rows, encoded: EncodedSplit) -> npt.NDArray[np.bool_]:
    """Return whether each of N photos has a caption that is equivalent to each of P phrases, (P, N).

    A caption is equivalent if its cosine with the phrase is at least the median of all phrases with the other captions
    of their own photos. ``image_rows`` has the row of each phrase's own photo, (P,).
    """
    image_of_text = encoded.image_of_text
    photos, starts = np.unique(image_of_text, return_index=True)  # captions are in the order of their photos
    similarity = np.full((len(phrases), len(encoded.images)), -np.inf, dtype=np.float32)
    others = []
    for start in range(0, len(phrases), _BLOCK):
        rows = slice(start, start + _BLOCK)
        cosines = phrases[rows] @ encoded.texts.T
        similarity[rows, photos] = np.maximum.reduceat(cosines, starts, axis=1)
        for row, found in zip(image_rows[rows], cosines, strict=True):
            others.append(np.sort(found[image_of_text == row])[:-1])  # the highest is the caption with the phrase
    pairs = np.concatenate(others)
    return np.asarray(similarity >= (np.median(pairs) if len(pairs) else np.inf))
