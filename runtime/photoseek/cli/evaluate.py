"""The ``calibrate``, ``evaluate`` and ``bench`` commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from photoseek.bundle.bundle import DEMO, Bundle
from photoseek.bundle.calibration import Calibration
from photoseek.cli import metrics_table, output, search
from photoseek.cli import rerank as rerank_options
from photoseek.cli.options import (
    BundleOption,
    EngineOption,
    ExactOption,
    GalleryOption,
    IndexedBundleOption,
    JsonOption,
    PrecisionOption,
    TrustOption,
    trusting,
)
from photoseek.gallery.gallery import Gallery
from photoseek.search.rank_fusion import DEPTH, MAX_DEPTH, Fusion


def calibrate(
    images: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the images.")],
    captions: metrics_table.CaptionFiles,
    bundle: Annotated[str, typer.Option("--bundle", metavar="BUNDLE", help="Folder of the bundle to update.")],
    split: Annotated[
        Path | None,
        typer.Option(metavar="FILE|NAME", help="Images to use: a file of image names, or a split of the captions."),
    ] = None,
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
        columns = ["towers", "words", "slope", "intercept", "min similarity", "texts"]
        output.print_table(columns, [row for name, curve in found.items() for row in _rows(name, curve)])


def _rows(name: str, found: Calibration) -> list[list[str]]:
    """Return a table row for each range of query lengths."""
    captions = ["more", found.slope, found.intercept, found.min_similarity, found.captions]
    by_length = [
        [f"up to {each.max_words}", each.slope, each.intercept, each.min_similarity, each.phrases]
        for each in found.by_length
    ]
    return [[name, *map(str, row)] for row in (*by_length, captions)]


def evaluate(
    images: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the images.")],
    captions: metrics_table.CaptionFiles,
    bundle: BundleOption = DEMO,
    split: Annotated[
        Path | None,
        typer.Option(metavar="FILE|NAME", help="Images to use: a file of image names, or a split of the captions."),
    ] = None,
    precision: PrecisionOption = None,
    language: metrics_table.Language = None,
    sample: metrics_table.Sample = None,
    folds: metrics_table.Folds = None,
    fold_size: metrics_table.FoldSize = None,
    resamples: metrics_table.Resamples = 1000,
    seed: metrics_table.BootstrapSeed = 0,
    rerank: Annotated[
        str | None,
        typer.Option(metavar="BUNDLE", help="Measure the gain of reranking the top hits with this bundle."),
    ] = None,
    depth: Annotated[
        list[int] | None,
        typer.Option(min=1, max=MAX_DEPTH, metavar="N", help="Number of hits to rerank; may be repeated."),
    ] = None,
    fuse: rerank_options.FuseOption = Fusion.rule,
    rerank_weight: rerank_options.WeightOption = Fusion.weight,
    as_json: JsonOption = False,
) -> None:
    """Measure the recall of text-to-image and image-to-text retrieval.

    Examples:

    - `photoseek evaluate --bundle bundles/flickr30k --images DIR --captions captions.token --split test.txt`
    - Gain of reranking: `photoseek evaluate --rerank bundles/strong --depth 50 --images DIR --captions FILE`
    - In two languages: `photoseek evaluate --images DIR --captions en.token --captions zh.token --folds 5`
    """
    from photoseek.evaluation.evaluate import evaluate as measure
    from photoseek.evaluation.protocol import EvaluationProtocol

    rules = EvaluationProtocol(sample, folds, fold_size, language, resamples, seed)
    if rerank is not None:
        models = (Bundle.load(bundle), Bundle.load(rerank))
        fusion = Fusion(fuse, rerank_weight)
        gained = rerank_options.measure(models, (images, captions, split), depth or [DEPTH], fusion, precision, rules)
        rerank_options.print_improvement(gained, as_json=as_json)
        return
    with output.progress_bar("encoding") as update:
        found = measure(
            Bundle.load(bundle), images, captions, split, precision=precision, protocol=rules, progress=update
        )
    if as_json:
        output.print_json(found.to_json())
    else:
        metrics_table.print_evaluation(found, found.precision)


def bench(
    gallery: GalleryOption,
    bundle: IndexedBundleOption = None,
    queries: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File with one query per line. Defaults to a built-in sample.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="Number of runs of each query.")] = 10,
    photos: Annotated[int, typer.Option(help="Number of photos to decode and encode.")] = 64,
    precision: PrecisionOption = None,
    engine: EngineOption = "auto",
    exact: ExactOption = False,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure the speed of search and indexing on this machine, with your gallery.

    Examples:

    - `photoseek bench --gallery ~/Photos`
    - `photoseek bench --gallery ~/Photos --queries queries.txt --engine exact --json`
    """
    from photoseek.cli import bench as bench_output
    from photoseek.evaluation.benchmark import bench as measure

    texts = None if queries is None else bench_output.read_queries(queries)
    opened = Gallery.open(gallery, trust=trusting(trust))
    searcher = search.open_searcher(opened, bundle, precision, "exact" if exact else engine)
    found = measure(searcher, texts, repeats=repeats, photos=photos)
    if as_json:
        output.print_json(found.to_json())
    else:
        bench_output.print_bench(found)
