"""``photoseek index``: its options, progress and reports."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from photoseek.bundle.bundle import DEMO, Bundle
from photoseek.cli import index_report, output, ray_output
from photoseek.cli.option_groups import option_groups
from photoseek.cli.options import JsonOption, PrecisionOption, TrustOption, trusting
from photoseek.errors import GalleryNotFound, GalleryUntrusted
from photoseek.gallery.gallery import Gallery
from photoseek.sources.exclusion import check_patterns
from photoseek.system.filenames import decode_filename
from photoseek.vector_index.registry import Engine

if TYPE_CHECKING:
    from photoseek.gallery.indexing.pipeline import EncodingBackend
    from photoseek.gallery.indexing.report import IndexReport, Progress
    from photoseek.gallery.trust import Answer


@dataclass(frozen=True)
class IndexOptions:
    """Options that change which photos are encoded, with which bundle, and where.

    Raises:
        typer.BadParameter: Two options exclude each other.
    """

    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Re-encode every photo, for example after switching to another bundle.")
    ] = False
    add_bundle: Annotated[
        bool,
        typer.Option(
            "--add-bundle",
            help="Index the photos with a second bundle as well; each bundle is searched separately.",
        ),
    ] = False
    remove_bundle: Annotated[
        str | None,
        typer.Option(metavar="BUNDLE", help="Remove an additional bundle and its vectors from the gallery."),
    ] = None
    recall: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Target recall@10 of approximate search, between 0 and 1 [default: 0.99]"),
    ] = None
    engine: Annotated[
        Engine | None,
        typer.Option(help="Also build this engine, now and in later runs. `auto` builds only the fastest one."),
    ] = None
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Leave out folders and photos that match, now and in later runs: `Screenshots/`, `*.gif`, as in "
            "`.gitignore`. Repeatable; replaces earlier patterns. `''` leaves out none.",
        ),
    ] = None
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete the stored vectors of removed photos and removed bundles.")
    ] = False
    relocate: Annotated[
        bool, typer.Option("--relocate", help="Point an existing gallery at PHOTOS after the photos have moved.")
    ] = False
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Read every photo and re-encode those whose content changed.")
    ] = False
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep running and re-index when photos change (extra: watch).")
    ] = False
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Encode photos on a Ray cluster: auto, local, HOST:PORT or ray://HOST:PORT (extra: ray).",
        ),
    ] = None

    def __post_init__(self) -> None:
        for names in (
            ("watch", "prune", "remove_bundle", "ray"),
            ("watch", "rehash", "remove_bundle"),
            ("add_bundle", "rebuild", "remove_bundle"),
        ):
            given = [name for name in names if getattr(self, name) not in (False, None)]
            if len(given) > 1:
                raise typer.BadParameter(f"expected one of {_join(names, ', ')}, found {_join(given, ' and ')}")


@option_groups
def index(
    *,
    photos: Annotated[str, typer.Argument(help="Photo folder: a path, s3://BUCKET/FOLDER or gs://BUCKET/FOLDER.")],
    bundle: Annotated[
        str | None,
        typer.Option(
            "--bundle",
            metavar="BUNDLE",
            help="Name of an installed model, folder of a bundle, or `demo`. Defaults to the gallery's bundle; a new "
            "gallery uses `demo`.",
        ),
    ] = None,
    gallery: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the gallery. Defaults to PHOTOS/.photoseek.")
    ] = None,
    precision: PrecisionOption = None,
    options: IndexOptions,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Index a folder of photos, or update its gallery.

    Only new and changed photos are encoded. You can interrupt the command at any time and run it again to resume.

    Examples:

    - With the demo bundle: `photoseek index ~/Photos`
    - After a program changed photos and restored their timestamps: `photoseek index ~/Photos --rehash`
    - Switch to another bundle: `photoseek index ~/Photos --bundle bundles/flickr30k --rebuild`
    - After `photoseek models pull clip-vit-b-32`: `photoseek index ~/Photos --bundle clip-vit-b-32 --rebuild`
    - Add a second bundle: `photoseek index ~/Photos --bundle bundles/flickr30k --add-bundle`
    - Store the gallery outside the photo folder: `photoseek index /mnt/photos --gallery ~/galleries/photos`
    - After the photos have moved: `photoseek index /mnt/disk2 --gallery ~/galleries/photos --relocate`
    - Leave out folders: `photoseek index ~/Photos --exclude Screenshots/ --exclude "*.gif"`
    - Build another engine, to compare it: `photoseek index ~/Photos --engine annoy`
    - Re-index on every change until Ctrl-C: `photoseek index ~/Photos --watch`
    - Photos in object storage: `photoseek index s3://bucket/photos --gallery ~/galleries/photos`
    - On several machines: `photoseek index s3://bucket/photos --gallery ~/galleries/photos --ray auto`
    """
    if options.remove_bundle is not None:
        _remove_bundle(Gallery.open(gallery or photos, recover=True), options.remove_bundle, as_json=as_json)
        return
    backend = _ray_backend(options.ray)  # before anything is written, because Ray may not be installed
    check_patterns(options.exclude or ())
    answer = trusting(trust)
    model = _select_bundle(photos, gallery, bundle, answer)
    chosen = {name: getattr(options, name) for name in ("rebuild", "add_bundle", "relocate")}
    opened = Gallery.open_or_create(photos, model, gallery, trust=answer, **chosen)
    with suppress(GalleryUntrusted):  # of an additional bundle, which the report names
        opened.expect_trust()  # asks before the progress bar starts
    if options.watch:
        _watch(opened, model, precision, options, as_json=as_json)
    _update(opened, model, precision, options, backend, as_json=as_json)


def _update(
    gallery: Gallery,
    bundle: Bundle,
    precision: str | None,
    options: IndexOptions,
    backend: EncodingBackend | None,
    *,
    as_json: bool,
) -> None:
    """Index once, delete vectors if asked to, and print the report."""
    report = index_with_progress(
        gallery,
        bundle,
        precision,
        options.recall,
        None if options.engine is None else [options.engine],
        backend=backend,
        rehash=options.rehash,
        exclude=options.exclude,
        print_report=not as_json,
    )
    pruned = gallery.prune() if options.prune else 0
    if as_json:
        output.print_json({**index_report.to_json(report, gallery), "pruned": pruned})
    elif options.prune:
        output.print_line(f"{pruned:,} vectors deleted")


def index_with_progress(
    gallery: Gallery,
    bundle: Bundle,
    precision: str | None = None,
    recall: float | None = None,
    engines: Collection[Engine] | None = None,
    *,
    backend: EncodingBackend | None = None,
    rehash: bool = False,
    exclude: Collection[str] | None = None,
    print_report: bool = True,
) -> IndexReport:
    """Index a gallery with a progress bar; on an interrupt, keep the encoded photos and exit."""
    with (
        output.exit_on_interrupt("encoded photos are saved, run the command again to resume"),
        nullcontext() if backend is None else ray_output.silence_ray(),
        output.progress_bar("indexing") as update,
    ):

        def show(progress: Progress) -> None:
            if progress.phase == "encode":
                update(progress.done, progress.total)

        report = gallery.index(
            bundle,
            precision=precision,
            progress=show,
            recall=recall,
            engines=engines,
            backend=backend,
            rehash=rehash,
            exclude=exclude,
        )
    if print_report:
        index_report.print_report(report)
    return report


def _select_bundle(photos: str, gallery: Path | None, name: str | None, trust: Answer) -> Bundle:
    """Return the named bundle. Defaults to the gallery's bundle, or to the demo bundle for a new gallery."""
    try:
        with Gallery.open(gallery or photos, recover=True, trust=trust) as opened:
            return opened.bundles.load(name)
    except GalleryNotFound:
        return Bundle.load(DEMO if name is None else name)


def _ray_backend(address: str | None) -> EncodingBackend | None:
    if address is None:
        return None
    from photoseek.ray_indexing import RayBackend

    return RayBackend(address)


def _remove_bundle(gallery: Gallery, name: str, *, as_json: bool) -> None:
    deleted = gallery.bundles.remove(name)
    if as_json:
        output.print_json({"deleted": deleted, "gallery": decode_filename(str(gallery.path))})
    else:
        output.print_line(f"{deleted:,} vectors of bundle {name} deleted")


def _watch(
    gallery: Gallery, bundle: Bundle, precision: str | None, options: IndexOptions, *, as_json: bool
) -> NoReturn:
    """Re-index a gallery on every change until interrupted, and print a line or JSON object for each update."""
    from photoseek.gallery.watch import watch_gallery

    printed: set[str] = set()
    with suppress(KeyboardInterrupt):
        for report in watch_gallery(
            gallery, bundle, precision=precision, recall=options.recall, exclude=options.exclude
        ):
            if as_json:
                output.print_json(index_report.to_json(report, gallery), indent=None)
                output.flush()
            else:
                printed = index_report.print_report(report, printed)
    output.fail("photoseek", "stopped watching; encoded photos are saved", output.INTERRUPTED)


def _join(names: tuple[str, ...] | list[str], separator: str) -> str:
    return separator.join(f"--{name.replace('_', '-')}" for name in names)
