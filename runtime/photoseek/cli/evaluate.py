"""The commands of ``photoseek`` that measure: what a bundle finds, what its cosines are worth, how long it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from photoseek.bundle.bundle import DEMO, Bundle
from photoseek.bundle.calibration import Calibration
from photoseek.cli import metrics_table, output, search
from photoseek.cli import rerank as console_rerank
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
    bundle: Annotated[str, typer.Option("--bundle", metavar="BUNDLE", help="A bundle's folder; it is changed.")],
    split: Annotated[
        Path | None,
        typer.Option(metavar="FILE|NAME", help="Images that count: a file of names, or a split of the captions."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit what a bundle's cosines are worth, so that hits carry a confidence; no photo is indexed anew for it.

    Example: `photoseek calibrate --bundle bundles/flickr30k --images DIR --captions captions.token --split dev.txt`
    """
    from photoseek.evaluation.calibration_fit import calibrate_bundle

    with output.progress_bar("encoding") as tell:
        found = calibrate_bundle(Bundle.load(bundle), images, captions, split, tell)
    if as_json:
        output.print_json({name: curve.to_json() for name, curve in found.items()})
    else:
        columns = ["towers", "words", "slope", "intercept", "floor", "texts"]
        output.print_table(columns, [row for name, curve in found.items() for row in _rows(name, curve)])


def _rows(name: str, found: Calibration) -> list[list[str]]:
    """A row for each length of a query."""
    captions = ["more", found.slope, found.intercept, found.floor, found.captions]
    short = [[f"up to {each.words}", each.slope, each.intercept, each.floor, each.phrases] for each in found.short]
    return [[name, *map(str, row)] for row in (*short, captions)]


def evaluate(
    images: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the images.")],
    captions: metrics_table.CaptionFiles,
    bundle: BundleOption = DEMO,
    split: Annotated[
        Path | None,
        typer.Option(metavar="FILE|NAME", help="Images that count: a file of names, or a split of the captions."),
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
        typer.Option(metavar="BUNDLE", help="Measure instead what is gained by a second bundle over the first hits."),
    ] = None,
    depth: Annotated[
        list[int] | None, typer.Option(min=1, max=MAX_DEPTH, metavar="N", help="How many hits; once for each.")
    ] = None,
    fuse: console_rerank.FuseOption = Fusion.rule,
    rerank_weight: console_rerank.WeightOption = Fusion.weight,
    as_json: JsonOption = False,
) -> None:
    """Measure how well captions find their images, and images their captions.

    Examples:

    - `photoseek evaluate --bundle bundles/flickr30k --images DIR --captions captions.token --split test.txt`
    - What a second bundle gains: `photoseek evaluate --rerank bundles/strong --depth 50 --images DIR --captions FILE`
    - In two languages: `photoseek evaluate --images DIR --captions en.token --captions zh.token --folds 5`
    """
    from photoseek.evaluation.evaluate import evaluate as measure
    from photoseek.evaluation.protocol import EvaluationProtocol

    rules = EvaluationProtocol(sample, folds, fold_size, language, resamples, seed)
    if rerank is not None:
        models = (Bundle.load(bundle), Bundle.load(rerank))
        fusion = Fusion(fuse, rerank_weight)
        gained = console_rerank.measure(models, (images, captions, split), depth or [DEPTH], fusion, precision, rules)
        console_rerank.print_improvement(gained, as_json=as_json)
        return
    with output.progress_bar("encoding") as tell:
        found = measure(
            Bundle.load(bundle), images, captions, split, precision=precision, protocol=rules, progress=tell
        )
    if as_json:
        output.print_json(found.to_json())
    else:
        metrics_table.print_evaluation(found, found.precision)


def bench(
    gallery: GalleryOption,
    bundle: IndexedBundleOption = None,
    queries: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Texts to ask, one a line; left out: everyday ones.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="How often each text is asked.")] = 10,
    photos: Annotated[int, typer.Option(help="Photos of the gallery to decode and encode.")] = 64,
    precision: PrecisionOption = None,
    engine: EngineOption = "auto",
    exact: ExactOption = False,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure how long queries and indexing take here, with your bundle and your gallery.

    Examples:

    - `photoseek bench --gallery ~/Photos`
    - `photoseek bench --gallery ~/Photos --queries queries.txt --engine exact --json`
    """
    from photoseek.cli import bench as console_bench
    from photoseek.evaluation.benchmark import bench as measure

    texts = None if queries is None else console_bench.read_queries(queries)
    opened = Gallery.open(gallery, trust=trusting(trust))
    searcher = search.open_searcher(opened, bundle, precision, "exact" if exact else engine)
    found = measure(searcher, texts, repeats=repeats, photos=photos)
    if as_json:
        output.print_json(found.to_json())
    else:
        console_bench.print_bench(found)
