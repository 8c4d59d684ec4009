"""Output of ``photoseek info`` and ``photoseek verify``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from photoseek.bundle.bundle import Bundle
from photoseek.cli import output
from photoseek.encoders.encoders import verify_bundle
from photoseek.errors import BundleNotFound, GalleryNotFound, QueryError
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.photo_check import PhotoMismatch


def bundle_or_gallery(path: str, *, recover: bool = False) -> Bundle | Gallery:
    """Open a bundle or a gallery.

    Args:
        path: Folder of either, or the name of an embedded bundle.
        recover: See ``Gallery.open``.

    Raises:
        QueryError: There is no bundle and no gallery at this path.
    """
    try:
        return Bundle.load(path)
    except BundleNotFound:
        try:
            return Gallery.open(path, recover=recover)
        except GalleryNotFound:
            raise QueryError(f"expected a bundle or a gallery, found neither: {path}") from None


def describe_path(opened: Bundle | Gallery) -> dict[str, Any]:
    """Return the JSON object that ``info --json`` prints."""
    if isinstance(opened, Bundle):
        return _bundle_json(opened)
    unreadable = [{"path": name, "reason": reason} for name, reason in opened.unreadable()]
    return {**opened.status().to_json(), "unreadable": unreadable}


def verify(opened: Bundle | Gallery, *, repair: bool) -> list[str]:
    """Verify a bundle or a gallery, or repair a gallery, and return the lines to print.

    Raises:
        QueryError: A bundle cannot be repaired.
        PhotoseekError: Something is damaged.
    """
    lines = []
    if isinstance(opened, Bundle):
        if repair:
            raise QueryError(f"{opened.path}: a bundle cannot be repaired; copy or export it again")
        verify_bundle(opened)
        if not opened.has_checksums:
            return [_unverified_notice(opened)]
    elif repair:
        lines = opened.repair().lines()
    else:
        opened.verify()
        names = [path.relative_to(opened.path).as_posix() for path in opened.stale_files()]
        lines = (
            [f"stale files of an interrupted run, removed by the next indexing: {', '.join(names)}"] if names else []
        )
    return [*lines, f"{opened.path}: OK"]


def verify_photos(opened: Bundle | Gallery) -> list[PhotoMismatch]:
    """Compare every photo of a gallery with its recorded checksum and show a progress bar.

    Raises:
        QueryError: A bundle has no photos.
        GalleryNotFound: The photo folder does not exist.
    """
    if isinstance(opened, Bundle):
        raise QueryError(f"{opened.path}: expected a gallery for --photos, found a bundle")
    try:
        with output.progress_bar("reading") as progress:
            return opened.verify_photos(progress)
    except KeyboardInterrupt:
        output.fail("photoseek", "interrupted; the gallery is unchanged", output.INTERRUPTED)


def print_verified(lines: list[str], wrong: list[PhotoMismatch], *, as_json: bool) -> None:
    """Print the lines of ``verify`` and each photo that has changed since it was encoded."""
    if as_json:
        output.print_json({"messages": lines, "photos": [asdict(photo) for photo in wrong]})
        return
    for line in lines:
        output.print_line(line)
    for photo in wrong:
        output.print_line(f"{photo.path}: {photo.reason}")
    if wrong:
        output.print_line(
            f"{len(wrong):,} photos have changed since they were encoded; run: photoseek index PHOTOS --rehash"
        )


def print_facts(facts: dict[str, Any]) -> None:
    """Print a line for each fact and a table of the engine benchmarks."""
    for key, value in facts.items():
        if key != "search":
            output.print_line(f"{key + ':':<16}{plain(value)}")
    if facts.get("search"):
        _print_engines(facts["search"])


def plain(value: Any) -> str:
    """Format a value without brackets and quotes, and integers with thousands separators."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(inner)}".strip() for key, inner in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(plain(inner) for inner in value) or "-"
    return "-" if value is None else f"{value:,}" if type(value) is int else str(value)


def _print_engines(measured: dict[str, Any]) -> None:
    """Print the benchmark of each engine; a star marks the one that ``auto`` uses."""
    kinds = sorted({kind for found in measured["engines"].values() for kind in found["recalls"]})
    rows = [
        [
            f"{name}{' *' if name == measured['auto'] else ''}",
            f"{found['milliseconds']:.3f}",
            *(f"{found['recalls'][kind]:.4f}" if kind in found["recalls"] else "-" for kind in kinds),
            plain(found["parameters"]),
        ]
        for name, found in measured["engines"].items()
    ]
    output.print_table(["engine", "ms", *(f"recall, by {kind}" for kind in kinds), "parameters"], rows)


def _unverified_notice(bundle: Bundle) -> str:
    return (
        f"{bundle.path}: {bundle.layout} layout, both towers run in {', '.join(bundle.precisions)} and return "
        f"{bundle.dim}-d vectors; the files are not verified, because the bundle has no checksums"
    )


def _bundle_json(bundle: Bundle) -> dict[str, Any]:
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
        "bytes": sum(record.bytes for record in manifest.files.values()),
        "training": manifest.training,
        "license": manifest.license,
        **bundle.description.fingerprint_parts,
    }
