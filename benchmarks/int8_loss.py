"""Loss of mean recall by int8 on your photos and captions.

    python benchmarks/int8_loss.py --bundle BUNDLE --images DIR --captions FILE [--split FILE]

The bundle needs both precisions. Not part of `make bench`, because it needs a trained model and real photos.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from contest import write

from photoseek import Bundle
from photoseek.evaluation.evaluate import encode_captioned


def main() -> None:
    """Run the benchmark and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--captions", type=Path, required=True)
    parser.add_argument("--split", type=Path)
    options = parser.parse_args()
    bundle = Bundle.load(options.bundle)
    rows: dict[str, Any] = {}
    for precision in (bundle.precisions[0], "int8"):
        encoded = encode_captioned(bundle, options.images, options.captions, options.split, precision=precision)
        found = encoded.evaluate().metrics
        to_image, to_text = found.text_to_image, found.image_to_text
        recalls = [recall for way in (to_image, to_text) for recall in (way.r1, way.r5, way.r10)]
        rows[precision] = {
            "text to image, R@10": round(to_image.r10, 2),
            "image to text, R@10": round(to_text.r10, 2),
            "mean recall": round(sum(recalls) / len(recalls), 2),
        }
    command = "int8_loss.py --bundle BUNDLE --images images --captions captions.token --split dev.txt"
    question = f"Loss by int8: recall in percent, {found.images:,} photos, {found.captions:,} captions"
    write("int8_loss", question, rows, rounds=1, command=command)


if __name__ == "__main__":
    main()
