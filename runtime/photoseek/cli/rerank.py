"""The options that have a second bundle look at the first hits, and what is told of what that gains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photoseek.cli import output
from photoseek.errors import EvaluationError
from photoseek.search.rank_fusion import MAX_DEPTH, Method

if TYPE_CHECKING:
    from photoseek.bundle.bundle import Bundle
    from photoseek.evaluation.metrics import RecallMetrics
    from photoseek.evaluation.protocol import EvaluationProtocol
    from photoseek.evaluation.rerank import Reranked, RerankEvaluation
    from photoseek.search.rank_fusion import Fusion
    from photoseek.search.reranker import Reranker
    from photoseek.search.searcher import Searcher

RerankOption = Annotated[
    str | None,
    typer.Option(
        metavar="BUNDLE",
        help="Rerank the top hits with a stronger bundle: one of the gallery's, or a folder. Vectors that the gallery "
        "lacks are not stored: add the bundle with photoseek index --add-bundle.",
    ),
]
DepthOption = Annotated[
    int, typer.Option(min=1, max=MAX_DEPTH, metavar="N", help="How many hits the stronger bundle looks at.")
]
FuseOption = Annotated[Method, typer.Option(help="How both orders become one: by z-scores, or reciprocal ranks.")]
WeightOption = Annotated[
    float, typer.Option(min=0, max=1, metavar="W", help="Of the stronger bundle, from 0 to 1; the other has the rest.")
]


def with_rerank(
    searcher: Searcher, bundle: str | None, depth: int, fusion: Fusion, precision: str | None
) -> Searcher | Reranker:
    """The searcher with a second bundle behind it, where one is named."""
    if bundle is None:
        return searcher
    from photoseek.search.reranker import Reranker

    model = searcher.gallery.load_bundle(bundle)
    return Reranker(
        searcher,
        model,
        depth=depth,
        fusion=fusion,
        precision=precision if precision in model.precisions else None,
    )


def measure(
    bundles: tuple[Bundle, Bundle],
    captioned: tuple[Path, Sequence[Path], Path | None],
    depths: Sequence[int],
    fusion: Fusion,
    precision: str | None,
    protocol: EvaluationProtocol,
) -> RerankEvaluation:
    """What the second of two bundles gains on captioned images: their folder, the captions, and the split.

    Raises:
        EvaluationError: Folds are asked for, which are not measured here.
    """
    from photoseek.evaluation.evaluate import encode_captioned
    from photoseek.evaluation.rerank import evaluate_rerank

    if protocol.folds is not None:
        raise EvaluationError("folds: not measured with --rerank; leave out --folds, or take a part with --sample")
    encoded = []
    for bundle in bundles:
        chosen = precision if precision in bundle.precisions else None
        with output.progress_bar(f"encoding with {bundle.name}") as tell:
            encoded.append(encode_captioned(bundle, *captioned, precision=chosen, protocol=protocol, progress=tell))
    names = (bundles[0].name, bundles[1].name)
    return evaluate_rerank(
        encoded[0], encoded[1], names, depths, fusion, resamples=protocol.resamples, seed=protocol.seed
    )


def print_improvement(found: RerankEvaluation, *, as_json: bool) -> None:
    """Print both bundles alone, and the fused order by depth with what it gains over the better of both."""
    if as_json:
        output.print_json(found.to_json())
        return
    columns = ["text to image", "R@1", "R@5", "R@10", "median rank", "gain at 1", "at 5", "at 10"]
    alone = [_row(name, recall) for name, recall in zip(found.names, (found.first, found.second), strict=True)]
    fused = [_row(f"the first {depth:,} fused", each.recall, each) for depth, each in found.depths.items()]
    output.print_table(columns, [*alone, *fused])
    output.print_line(
        f"{found.captions:,} captions, {found.images:,} images; {found.fusion.rule}, the second weighs "
        f"{found.fusion.weight:g}; gains over the better bundle, [low, high]: 95% paired bootstrap interval"
    )


def _row(name: str, recall: RecallMetrics, fused: Reranked | None = None) -> list[str]:
    cells = [name, *(f"{value:.1f}" for value in (recall.r1, recall.r5, recall.r10)), f"{recall.medr:g}"]
    if fused is None:
        return [*cells, "", "", ""]
    ends = fused.bounds or (None,) * len(fused.improvement)
    told = [
        f"{gain:+.1f}" + (f" [{of[0]:+.1f}, {of[1]:+.1f}]" if of else "")
        for gain, of in zip(fused.improvement, ends, strict=True)
    ]
    return [*cells, *told]
