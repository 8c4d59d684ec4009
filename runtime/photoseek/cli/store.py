"""``photoseek push``, and the options of commands that search in a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from photoseek.cli import output
from photoseek.cli.options import GalleryOption, IndexedBundleOption, JsonOption, TrustOption, trusting
from photoseek.errors import QueryError
from photoseek.gallery.gallery import Gallery
from photoseek.stores.uri import StoreUri

if TYPE_CHECKING:
    from photoseek.stores.push import PushReport


def _without_password(context: typer.Context, parameter: typer.CallbackParam, uri: str | None) -> str | None:
    """A URI of the command line, which every user of the machine can read, has no password in it."""
    if uri is None:
        return None
    address = StoreUri.parse(uri)
    source = context.get_parameter_source(parameter.name or "")
    if address.secrets and source is not None and source.name == "COMMANDLINE":
        raise QueryError(
            f"--store {address.shown}: a password on the command line can be read by every user of this machine; leave "
            "it to PGPASSWORD, ~/.pgpass or PHOTOSEEK_MILVUS_TOKEN, or have the whole URI in PHOTOSEEK_STORE"
        )
    return uri


StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URI",
        help="Search in this store: postgresql://USER@HOST/DATABASE, http://HOST:19530, or NAME.db (Milvus Lite).",
        envvar="PHOTOSEEK_STORE",
        callback=_without_password,
    ),
]
PushedStoreOption = Annotated[
    str,
    typer.Option(
        "--store",
        metavar="URI",
        help="Where to: postgresql://USER@HOST/DATABASE, http://HOST:19530, or NAME.db (Milvus Lite).",
        envvar="PHOTOSEEK_STORE",
        callback=_without_password,
    ),
]
CollectionOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The gallery's collection or table there; left out: named by the gallery's id."),
]
FallbackOption = Annotated[
    bool, typer.Option("--fallback", help="While the store is away, answer from the gallery itself.")
]


def push(
    gallery: GalleryOption,
    store: PushedStoreOption,
    collection: CollectionOption = None,
    bundle: IndexedBundleOption = None,
    recall: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Of the true best that searches in the store have to find. [0.99]"),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Replace what another bundle or gallery has there: send all anew.")
    ] = False,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bring a store up to date with a gallery: PostgreSQL with pgvector, or Milvus.

    Only new and changed photos are sent, and those that are gone are deleted. Stop it when you like; the same command
    goes on from there.

    Examples:

    - PostgreSQL, its password in PGPASSWORD or ~/.pgpass: `photoseek push --gallery ~/Photos --store
    postgresql://me@db/photos`
    - A Milvus server: `photoseek push --gallery ~/Photos --store http://milvus:19530`
    - A folder, with Milvus Lite: `photoseek push --gallery ~/Photos --store photos.db`
    """
    from photoseek.stores.push import push as push_gallery

    opened = Gallery.open(gallery, trust=trusting(trust))
    model = None if bundle is None else opened.load_bundle(bundle)
    try:
        with output.progress_bar("pushing") as tell:
            report = push_gallery(
                opened,
                store,
                collection=collection,
                bundle=model,
                recall=recall,
                rebuild=rebuild,
                progress=tell,
            )
    except KeyboardInterrupt:
        output.fail("photoseek", "interrupted; what was sent is kept, run it again to go on", output.INTERRUPTED)
    if as_json:
        output.print_json(report.to_json())
    else:
        _print_report(report)


def _print_report(report: PushReport) -> None:
    parts = {"sent": report.sent, "deleted": report.deleted, "unchanged": report.unchanged}
    told = ", ".join(f"{count:,} {what}" for what, count in parts.items() if count)
    recalls = ", ".join(f"{recall:.4f} by {kind}" for kind, recall in sorted(report.found.recalls.items()))
    effort = report.found.parameters["effort"]
    how = f"looking at {effort} candidates" if effort else "scoring all"
    output.print_line(f"{report.place}: {report.photos:,} photos: {told} ({report.seconds:.1f} s)", error=True)
    output.print_line(f"recall@10 {recalls}, {how}; {report.found.milliseconds:.1f} ms a query", error=True)
