"""The options of ``search`` and ``serve`` that have a second bundle look at the first hits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from photoseek.fusion import MAX_DEPTH, Rule

if TYPE_CHECKING:
    from photoseek.fusion import Fusion
    from photoseek.reranking import Reranker
    from photoseek.search import Searcher

RerankOption = Annotated[
    str | None,
    typer.Option(
        metavar="BUNDLE", help="Have a stronger bundle look at the first hits, too: one of the gallery's, or a folder."
    ),
]
DepthOption = Annotated[
    int, typer.Option(min=1, max=MAX_DEPTH, metavar="N", help="How many hits the stronger bundle looks at.")
]
FuseOption = Annotated[Rule, typer.Option(help="How both orders become one: by z-scores, or reciprocal ranks.")]
WeightOption = Annotated[
    float, typer.Option(min=0, max=1, metavar="W", help="Of the stronger bundle, from 0 to 1; the other has the rest.")
]


def reranked(
    searcher: Searcher, bundle: str | None, depth: int, fusion: Fusion, precision: str | None
) -> Searcher | Reranker:
    """The searcher with a second bundle behind it, where one is named."""
    if bundle is None:
        return searcher
    from photoseek.reranking import Reranker

    model = searcher.gallery.load_bundle(bundle)
    return Reranker(
        searcher,
        model,
        depth=depth,
        fusion=fusion,
        precision=precision if precision in model.precisions else None,
    )
