"""Reranking options, and the report of ``photoseek evaluate --rerank``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photoseek.cli import output
from photoseek.errors import EvaluationError
from photoseek.search.rank_fusion import DEPTH, MAX_DEPTH, Fusion, Method

if TYPE_CHECKING:
    from photoseek.bundle.bundle import Bundle
    from photoseek.evaluation.metrics import RecallMetrics
    from photoseek.evaluation.protocol import EvaluationProtocol
    from photoseek.evaluation.rerank import Reranked, RerankEvaluation
    from photoseek.search.backend import SearchBackend
    from photoseek.search.searcher import Searcher

FuseOption = Annotated[Method, typer.Option(help="Fusion method: z-scores or reciprocal ranks.")]
WeightOption = Annotated[
    float, typer.Option(min=0, max=1, metavar="W", help="Weight of the second bundle, between 0 and 1.")
]


@dataclass(frozen=True)
class RerankOptions:
    """Whether a second bundle reranks the top hits, and how."""

    rerank: Annotated[
        str | None,
        typer.Option(
            metavar="BUNDLE",
            help="Rerank the top hits with a second bundle, by name or folder. New vectors are not stored; to store "
            "them, add the bundle with photoseek index --add-bundle.",
        ),
    ] = None
    depth: Annotated[int, typer.Option(min=1, max=MAX_DEPTH, metavar="N", help="Number of hits to rerank.")] = DEPTH
    fuse: FuseOption = Fusion.rule
    rerank_weight: WeightOption = Fusion.weight

    @property
    def fusion(self) -> Fusion:
        """How the two rankings are combined."""
        return Fusion(self.fuse, self.rerank_weight)

    def wrap(self, searcher: Searcher, precision: str | None) -> SearchBackend:
        """Return a reranker over the searcher, or the searcher itself if no bundle is given."""
        if self.rerank is None:
            return searcher
        from photoseek.search.reranker import Reranker

        model = searcher.gallery.bundles.load(self.rerank)
        return Reranker(
            searcher,
            model,
            depth=self.depth,
            fusion=self.fusion,
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
    """Measure the gain of reranking on captioned images.

    Args:
        bundles: The first and the second bundle.
        captioned: Image folder, caption files and split.
        depths: Numbers of hits to rerank.
        fusion: How the two rankings are combined.
        precision: Precision of the towers.
        protocol: Evaluation protocol.

    Raises:
        EvaluationError: The protocol has folds.
    """
    from photoseek.evaluation.evaluate import encode_captioned
    from photoseek.evaluation.rerank import evaluate_rerank

    if protocol.folds is not None:
        raise EvaluationError("--folds is not supported with --rerank; remove --folds, or use --sample")
    encoded = []
    for bundle in bundles:
        chosen = precision if precision in bundle.precisions else None
        with output.progress_bar(f"encoding with {bundle.name}") as update:
            encoded.append(encode_captioned(bundle, *captioned, precision=chosen, protocol=protocol, progress=update))
    names = (bundles[0].name, bundles[1].name)
    return evaluate_rerank(
        encoded[0], encoded[1], names, depths, fusion, resamples=protocol.resamples, seed=protocol.seed
    )


def print_improvement(found: RerankEvaluation, *, as_json: bool) -> None:
    """Print the recall of each bundle, and of the fused ranking at each depth with its gain over the better bundle."""
    if as_json:
        output.print_json(found.to_json())
        return
    columns = ["text to image", "R@1", "R@5", "R@10", "median rank", "gain at 1", "at 5", "at 10"]
    alone = [_row(name, recall) for name, recall in zip(found.names, (found.first, found.second), strict=True)]
    fused = [_row(f"top {depth:,} fused", each.recall, each) for depth, each in found.depths.items()]
    output.print_table(columns, [*alone, *fused])
    output.print_line(
        f"{found.captions:,} captions, {found.images:,} images; {found.fusion.rule}, weight of the second bundle "
        f"{found.fusion.weight:g}; gains over the better bundle, [low, high]: 95% paired bootstrap interval"
    )


def _row(name: str, recall: RecallMetrics, fused: Reranked | None = None) -> list[str]:
    cells = [name, *(f"{value:.1f}" for value in (recall.r1, recall.r5, recall.r10)), f"{recall.medr:g}"]
    if fused is None:
        return [*cells, "", "", ""]
    ends = fused.bounds or (None,) * len(fused.improvement)
    gains = [
        f"{gain:+.1f}" + (f" [{of[0]:+.1f}, {of[1]:+.1f}]" if of else "")
        for gain, of in zip(fused.improvement, ends, strict=True)
    ]
    return [*cells, *gains]
