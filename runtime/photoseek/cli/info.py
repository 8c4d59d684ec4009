"""``photoseek info`` and ``photoseek verify``."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from photoseek.bundle.bundle import DEMO, Bundle
from photoseek.cli import output
from photoseek.cli.options import JsonOption
from photoseek.errors import BundleNotFound, GalleryNotFound, ModelNotInstalled, QueryError
from photoseek.gallery.gallery import Gallery

if TYPE_CHECKING:
    from photoseek.gallery.photo_check import PhotoMismatch

_PathArgument = Annotated[str, typer.Argument(help="Bundle, model or gallery; `demo` is the embedded bundle.")]


def info(path: _PathArgument = DEMO, as_json: JsonOption = False) -> None:
    """Show the contents of a bundle or a gallery.

    Examples: `photoseek info demo`, `photoseek info ~/Photos --json`
    """
    opened = _open(path)
    if isinstance(opened, Bundle):
        facts = bundle_json(opened)
    else:
        unreadable = [{"path": name, "reason": reason} for name, reason in opened.unreadable()]
        facts = {**opened.status().to_json(), "unreadable": unreadable, "incomplete": opened.incomplete()}
    if as_json:
        output.print_json(facts)
        return
    _print_facts(facts)
    if isinstance(opened, Bundle):
        for line in lacking_lines(opened):
            output.print_line(line)


def verify(
    path: _PathArgument = DEMO,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair a gallery from its database, without encoding any photo.")
    ] = False,
    photos: Annotated[
        bool, typer.Option("--photos", help="Also read every photo of a gallery and report those that have changed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Verify the files of a bundle or a gallery, and every row of the gallery's database.

    Exit codes: 0 if everything is intact or was repaired, 1 if something is damaged or a photo has changed,
    2 for a usage error.

    Examples:

    - `photoseek verify bundles/flickr30k`
    - `photoseek verify ~/Photos --photos`
    - `photoseek verify ~/Photos --repair`, then `photoseek index ~/Photos`
    """
    opened = _open(path, recover=repair)
    if isinstance(opened, Bundle):
        if repair:
            raise QueryError(f"{opened.path}: a bundle cannot be repaired; copy or export it again")
        if photos:
            raise QueryError(f"{opened.path}: expected a gallery for --photos, found a bundle")
        messages, changed = _verify_bundle(opened), []
    else:
        messages = _verify_gallery(opened, repair=repair)
        changed = _changed_photos(opened) if photos else []
    if as_json:
        output.print_json({"messages": messages, "photos": [asdict(photo) for photo in changed]})
    else:
        _print_verified(messages, changed)
    if changed:
        raise typer.Exit(output.RUNTIME_ERROR)


def _open(path: str, *, recover: bool = False) -> Bundle | Gallery:
    """Return the bundle or the gallery at a path.

    Raises:
        QueryError: There is neither.
    """
    try:
        return Bundle.load(path)
    except ModelNotInstalled:
        raise
    except BundleNotFound:
        try:
            return Gallery.open(path, recover=recover)
        except GalleryNotFound:
            raise QueryError(f"expected a bundle or a gallery, found neither: {path}") from None


def _verify_bundle(bundle: Bundle) -> list[str]:
    from photoseek.encoders.encoders import verify_bundle

    verify_bundle(bundle)
    if bundle.has_checksums:
        return [f"{bundle.path}: OK"]
    return [
        f"{bundle.path}: {bundle.layout} layout, both towers run in {', '.join(bundle.precisions)} and return "
        f"{bundle.dim}-d vectors; the files are not verified, because the bundle has no checksums"
    ]


def _verify_gallery(gallery: Gallery, *, repair: bool) -> list[str]:
    if repair:
        messages = gallery.repair().lines()
    else:
        gallery.verify()
        stale = ", ".join(path.relative_to(gallery.path).as_posix() for path in gallery.stale_files())
        messages = [f"stale files of an interrupted run, removed by the next indexing: {stale}"] if stale else []
    return [*messages, f"{gallery.path}: OK"]


def _changed_photos(gallery: Gallery) -> list[PhotoMismatch]:
    with output.exit_on_interrupt("the gallery is unchanged"), output.progress_bar("reading") as progress:
        return gallery.verify_photos(progress)


def _print_verified(messages: list[str], changed: list[PhotoMismatch]) -> None:
    for line in (*messages, *(f"{photo.path}: {photo.reason}" for photo in changed)):
        output.print_line(line)
    if changed:
        output.print_line(
            f"{len(changed):,} photos have changed since they were encoded; run: photoseek index PHOTOS --rehash"
        )


def _print_facts(facts: dict[str, Any]) -> None:
    """Print a line for each fact and a table of the engine benchmarks."""
    for key, value in facts.items():
        if key not in ("search", "lacking"):
            output.print_line(f"{key + ':':<16}{output.plain(value)}")
    if facts.get("search"):
        _print_engines(facts["search"])


def _print_engines(measured: dict[str, Any]) -> None:
    """Print the benchmark of each engine; a star marks the one that ``auto`` uses."""
    kinds = sorted({kind for found in measured["engines"].values() for kind in found["recalls"]})
    rows = [
        [
            f"{name}{' *' if name == measured['auto'] else ''}",
            f"{found['milliseconds']:.3f}",
            *(f"{found['recalls'][kind]:.4f}" if kind in found["recalls"] else "-" for kind in kinds),
            output.plain(found["parameters"]),
        ]
        for name, found in measured["engines"].items()
    ]
    output.print_table(["engine", "ms", *(f"recall, by {kind}" for kind in kinds), "parameters"], rows)
    if measured["hint"] is not None:
        output.print_line(measured["hint"])


def lacking_lines(bundle: Bundle) -> list[str]:
    """Return a line for each measurement that a bundle lacks, with the command that adds it."""
    captioned = f"--bundle {shlex.quote(bundle.reference)} --images DIR --captions FILE"
    lines = []
    if towers := bundle.lacking("metrics"):
        lines.append(f"no recall measured for {', '.join(towers)}; measure it with: photoseek evaluate {captioned}")
    if towers := bundle.lacking("confidence"):
        lines.append(f"hits have no confidence with {', '.join(towers)}; add it with: photoseek calibrate {captioned}")
    return lines


def bundle_json(bundle: Bundle) -> dict[str, Any]:
    """Return the output of ``info --json`` for a bundle."""
    manifest = bundle.manifest
    return {
        "path": str(bundle.path),
        "name": bundle.name,
        "layout": bundle.layout,
        "fingerprint": bundle.fingerprint,
        "dim": manifest.dim,
        "pooling": manifest.pooling,
        "languages": list(bundle.languages),
        "text_towers": {language: asdict(record) for language, record in manifest.text_towers.items()},
        "precisions": {name: manifest.precisions.get(name, {}) for name in bundle.precisions},
        "lacking": {"recall": bundle.lacking("metrics"), "confidence": bundle.lacking("confidence")},
        "bytes": sum(record.bytes for record in manifest.files.values()),
        "training": manifest.training,
        "license": manifest.license,
        **bundle.description.fingerprint_parts,
    }
