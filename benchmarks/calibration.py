"""Expected calibration error of a bundle's confidences on photos that they were not fitted on; prints a Markdown table.

    python benchmarks/calibration.py BUNDLE --images DIR --captions FILE [--captions FILE] [--split FILE]

The curves are fitted on every second photo, and tested on the others: the mean over ten bins of equal weight of the
difference between mean confidence and share of correct hits (Naeini, Cooper and Hauskrecht, AAAI 2015). Then the
halves change places. A phrase has the weight that it has in the fit. Not part of `make bench`, because it needs
captioned photos.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from photoseek import Bundle
from photoseek.captions import read_captions
from photoseek.evaluation.calibration_fit import BestHits, best_hits, fit_curves
from photoseek.evaluation.evaluate import encode_captioned

_BINS = 10


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--captions", type=Path, action="append", required=True)
    parser.add_argument("--split", type=Path, help="file of image names")
    options = parser.parse_args()
    print("| captions | words | queries | correct best hits, % | error |\n|---|---|---|---|---|")
    for captions in options.captions:
        halves = _hits_of_halves(Bundle.load(options.bundle), options.images, captions, options.split)
        for fitted, tested in (halves, halves[::-1]):
            (*phrases, caption_hits), photos = fitted
            curves = fit_curves(phrases, caption_hits, photos)
            for hits in tested[0]:
                curve = curves if hits.max_words is None else curves.curve_for(hits.max_words)
                error = _calibration_error(curve.probability(hits.cosines), hits)
                words = "more" if hits.max_words is None else f"up to {hits.max_words}"
                share = 100 * np.average(hits.correct[: hits.queries], weights=hits.weights[: hits.queries])
                print(f"| {captions.name} | {words} | {hits.queries} | {share:.0f} | {error:.3f} |")


def _hits_of_halves(
    bundle: Bundle, images: Path, captions: Path, split: Path | None
) -> tuple[tuple[list[BestHits], int], tuple[list[BestHits], int]]:
    """Return the best hits of queries from every second photo among these, and the number of photos; both halves."""
    names = split.read_text("utf-8").split() if split else sorted({each.image for each in read_captions(captions)})
    found = []
    with TemporaryDirectory() as folder:
        half = Path(folder) / "half.txt"
        for start in (0, 1):
            half.write_text("\n".join(names[start::2]), "utf-8")
            encoded = encode_captioned(bundle, images, captions, half)
            found.append((best_hits(bundle, encoded), len(encoded.images)))
    return found[0], found[1]


def _calibration_error(confidences: npt.NDArray[np.float64], hits: BestHits) -> float:
    """Return the expected calibration error in bins of equal weight."""
    order = np.argsort(confidences)
    confidences, correct, weights = confidences[order], hits.correct[order], hits.weights[order]
    ends = np.searchsorted(np.cumsum(weights), np.arange(1, _BINS) * weights.sum() / _BINS)
    bins = np.split(np.arange(len(order)), ends)
    gaps = [abs((weights[rows] * (confidences[rows] - correct[rows])).sum()) for rows in bins]
    return float(sum(gaps) / weights.sum())


if __name__ == "__main__":
    main()
