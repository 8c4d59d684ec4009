"""``photoseek push``, and the store options of other commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from photoseek.cli import output
from photoseek.cli.options import GalleryOption, IndexedBundleOption, JsonOption, TrustOption, trusting
from photoseek.errors import QueryError
from photoseek.gallery.gallery import Gallery
from photoseek.stores.base import StoreChoice
from photoseek.stores.uri import StoreUri

if TYPE_CHECKING:
    from photoseek.stores.push import PushReport


def _without_password(context: typer.Context, parameter: typer.CallbackParam, uri: str | None) -> str | None:
    """Reject a password in a URI on the command line, which every user of the machine can read."""
    if uri is None:
        return None
    address = StoreUri.parse(uri)
    source = context.get_parameter_source(parameter.name or "")
    if address.secrets and source is not None and source.name == "COMMANDLINE":
        raise QueryError(
            f"--store {address.redacted}: every user of this machine can read a password on the command line; use "
            "PGPASSWORD, ~/.pgpass or PHOTOSEEK_MILVUS_TOKEN, or set PHOTOSEEK_STORE to the full URI"
        )
    return uri


def _store_option(what: str) -> Any:
    return typer.Option(
        "--store",
        metavar="URI",
        help=f"{what}: postgresql://USER@HOST/DATABASE, http://HOST:19530, or NAME.db (Milvus Lite).",
        envvar="PHOTOSEEK_STORE",
        callback=_without_password,
    )


_CollectionOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Collection or table in the store. Defaults to a name with the gallery's id."),
]


@dataclass(frozen=True)
class StoreOptions:
    """Which store is searched instead of the gallery's index."""

    store: Annotated[str | None, _store_option("Store to search")] = None
    collection: _CollectionOption = None
    fallback: Annotated[
        bool, typer.Option("--fallback", help="Search the local gallery while the store is unavailable.")
    ] = False

    @property
    def choice(self) -> StoreChoice:
        """The options as the library takes them."""
        return StoreChoice(self.store, self.collection, self.fallback)


def push(
    gallery: GalleryOption,
    store: Annotated[str, _store_option("Store to update")],
    collection: _CollectionOption = None,
    bundle: IndexedBundleOption = None,
    recall: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE", help="Target recall@10 of searches in the store, between 0 and 1 [default: 0.99]"
        ),
    ] = None,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild", help="Replace the collection, for example one of another bundle or gallery, and send all rows."
        ),
    ] = False,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Update a vector database from a gallery: PostgreSQL with pgvector, or Milvus.

    Only new and changed photos are sent; rows of removed photos are deleted. You can interrupt the command at any time
    and run it again to resume.

    Examples:

    - PostgreSQL, with the password in PGPASSWORD or ~/.pgpass: `photoseek push --gallery ~/Photos --store
    postgresql://me@db/photos`
    - Milvus: `photoseek push --gallery ~/Photos --store http://milvus:19530`
    - Milvus Lite, in a local file: `photoseek push --gallery ~/Photos --store photos.db`
    """
    from photoseek.stores.push import push as push_gallery

    opened = Gallery.open(gallery, trust=trusting(trust))
    model = None if bundle is None else opened.bundles.load(bundle)
    with (
        output.exit_on_interrupt("sent rows are saved, run the command again to resume"),
        output.progress_bar("pushing") as update,
    ):
        report = push_gallery(
            opened, store, collection=collection, bundle=model, recall=recall, rebuild=rebuild, progress=update
        )
    if as_json:
        output.print_json(report.to_json())
    else:
        _print_report(report)


def _print_report(report: PushReport) -> None:
    counts = {"sent": report.sent, "deleted": report.deleted, "unchanged": report.unchanged}
    summary = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    recalls = ", ".join(f"{recall:.4f} by {kind}" for kind, recall in sorted(report.stats.recalls.items()))
    effort = report.stats.parameters["effort"]
    how = f"{effort} candidates per query" if effort else "exact search"
    output.print_line(f"{report.place}: {report.photos:,} photos: {summary} ({report.seconds:.1f} s)", error=True)
    output.print_line(f"recall@10 {recalls}, {how}; {report.stats.milliseconds:.1f} ms per query", error=True)
