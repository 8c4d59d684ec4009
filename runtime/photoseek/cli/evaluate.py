"""``photoseek calibrate`` and ``photoseek evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from photoseek.bundle.bundle import DEMO, Bundle
from photoseek.bundle.calibration import Calibration
from photoseek.cli import output, rerank
from photoseek.cli.metrics_table import CaptionFiles, ProtocolOptions, print_evaluation
from photoseek.cli.option_groups import option_groups
from photoseek.cli.options import JsonOption, PrecisionOption
from photoseek.search.rank_fusion import DEPTH, MAX_DEPTH, Fusion

_Images = Annotated[Path, typer.Option("--images", metavar="DIR", help="Folder of the images.")]
_Split = Annotated[
    Path | None,
    typer.Option(
        "--split", metavar="FILE|NAME", help="Images to use: a file of image names, or a split of the captions."
    ),
]


def calibrate(
    images: _Images,
    captions: CaptionFiles,
    bundle: Annotated[
        str, typer.Option("--bundle", metavar="BUNDLE", help="Folder of the bundle to update, or an installed model.")
    ],
    split: _Split = None,
    as_json: JsonOption = False,
) -> None:
    """Fit the calibration of a bundle, which turns cosines into confidences. Galleries need no re-indexing.

    Example: `photoseek calibrate --bundle bundles/flickr30k --images DIR --captions captions.token --split dev.txt`
    """
    from photoseek.evaluation.calibration_fit import calibrate_bundle

    with output.progress_bar("encoding") as update:
        found = calibrate_bundle(Bundle.load(bundle), images, captions, split, update)
    if as_json:
        output.print_json({name: curve.to_json() for name, curve in found.items()})
    else:
        columns = ["towers", "words", "slope", "intercept", "ceiling", "min similarity", "texts"]
        output.print_table(columns, [row for name, curve in found.items() for row in _rows(name, curve)])


def _rows(name: str, found: Calibration) -> list[list[str]]:
    """Return a table row for each range of query lengths."""
    captions = ["more", found.slope, found.intercept, found.ceiling, found.min_similarity, found.captions]
    by_length = [
        [f"up to {each.max_words}", each.slope, each.intercept, each.ceiling, each.min_similarity, each.phrases]
        for each in found.by_length
    ]
    return [[name, *map(str, row)] for row in (*by_length, captions)]


@option_groups
def evaluate(
    *,
    images: _Images,
    captions: CaptionFiles,
    bundle: Annotated[
        str,
        typer.Option("--bundle", metavar="BUNDLE", help="An installed model, folder of a bundle, or `demo`."),
    ] = DEMO,
    split: _Split = None,
    precision: PrecisionOption = None,
    options: ProtocolOptions,
    rerank_bundle: Annotated[
        str | None,
        typer.Option("--rerank", metavar="BUNDLE", help="Measure the gain of reranking the top hits with this bundle."),
    ] = None,
    depth: Annotated[
        list[int] | None,
        typer.Option(min=1, max=MAX_DEPTH, metavar="N", help="Number of hits to rerank; may be repeated."),
    ] = None,
    fuse: rerank.FuseOption = Fusion.rule,
    rerank_weight: rerank.WeightOption = Fusion.weight,
    as_json: JsonOption = False,
) -> None:
    """Measure the recall of text-to-image and image-to-text retrieval.

    Examples:

    - `photoseek evaluate --bundle bundles/flickr30k --images DIR --captions captions.token --split test.txt`
    - Gain of reranking: `photoseek evaluate --rerank bundles/strong --depth 50 --images DIR --captions FILE`
    - In two languages: `photoseek evaluate --images DIR --captions en.token --captions zh.token --folds 5`
    """
    from photoseek.evaluation.evaluate import encode_captioned

    protocol = options.protocol
    if rerank_bundle is not None:
        models = (Bundle.load(bundle), Bundle.load(rerank_bundle))
        fusion = Fusion(fuse, rerank_weight)
        gained = rerank.measure(models, (images, captions, split), depth or [DEPTH], fusion, precision, protocol)
        rerank.print_improvement(gained, as_json=as_json)
        return
    with output.progress_bar("encoding") as update:
        encoded = encode_captioned(
            Bundle.load(bundle), images, captions, split, precision=precision, protocol=protocol, progress=update
        )
    found = encoded.evaluate()
    if as_json:
        output.print_json(found.to_json())
    else:
        print_evaluation(found, found.precision)
