"""What ``info`` tells of a bundle or a gallery."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from photoseek.bundle.bundle import Bundle
from photoseek.cli import output
from photoseek.encoders import check
from photoseek.errors import BundleNotFound, GalleryNotFound, QueryError
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.photo_check import PhotoMismatch


def bundle_or_gallery(path: str, *, recover: bool = False) -> Bundle | Gallery:
    """Open a bundle or a gallery; ``recover``: see :meth:`Gallery.open`.

    Raises:
        QueryError: Neither of them.
    """
    try:
        return Bundle.load(path)
    except BundleNotFound:
        try:
            return Gallery.open(path, recover=recover)
        except GalleryNotFound:
            raise QueryError(f"neither a bundle nor a gallery: {path}") from None


def describe_path(opened: Bundle | Gallery) -> dict[str, Any]:
    """The form that ``info --json`` prints."""
    if isinstance(opened, Bundle):
        return _bundle_json(opened)
    unreadable = [{"path": name, "reason": reason} for name, reason in opened.unreadable()]
    return {**opened.status().to_json(), "unreadable": unreadable}


def verify(opened: Bundle | Gallery, *, repair: bool) -> list[str]:
    """Check a bundle or a gallery, or repair a gallery; what is to be told of it, the last line that it is whole.

    Raises:
        QueryError: A bundle cannot be repaired.
        PhotoseekError: What is damaged.
    """
    told = []
    if isinstance(opened, Bundle):
        if repair:
            raise QueryError(f"{opened.path}: a bundle cannot be repaired; copy or export it again")
        check.verify(opened)
        if not opened.has_checksums:
            return [_unverified_notice(opened)]
    elif repair:
        told = opened.repair().lines()
    else:
        opened.verify()
        names = [path.relative_to(opened.path).as_posix() for path in opened.stale_files()]
        told = [f"left by a killed process, removed by the next indexing: {', '.join(names)}"] if names else []
    return [*told, f"{opened.path}: whole"]


def verify_photos(opened: Bundle | Gallery) -> list[PhotoMismatch]:
    """Compare every photo of a gallery with what was encoded, before the user's eyes.

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
        output.fail("photoseek", "interrupted; nothing was changed", output.INTERRUPTED)


def print_verified(lines: list[str], wrong: list[PhotoMismatch], *, as_json: bool) -> None:
    """Print what was checked, and each photo that is not the one that was encoded."""
    if as_json:
        output.print_json({"messages": lines, "photos": [asdict(photo) for photo in wrong]})
        return
    for line in lines:
        output.print_line(line)
    for photo in wrong:
        output.print_line(f"{photo.path}: {photo.reason}")
    if wrong:
        output.print_line(
            f"{len(wrong):,} photos are not those that were encoded; run: photoseek index PHOTOS --rehash"
        )


def print_facts(facts: dict[str, Any]) -> None:
    """Print a line for each fact, and a table of what was measured with each engine."""
    for key, value in facts.items():
        if key != "search":
            output.print_line(f"{key + ':':<16}{plain(value)}")
    if facts.get("search"):
        _print_engines(facts["search"])


def plain(value: Any) -> str:
    """A value of a report in words: no brackets, no quotes, numbers in groups of three digits."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(inner)}".strip() for key, inner in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(plain(inner) for inner in value) or "-"
    return "-" if value is None else f"{value:,}" if type(value) is int else str(value)


def _print_engines(measured: dict[str, Any]) -> None:
    """What was measured with each engine; a star stands beside the one that ``auto`` takes."""
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
        f"{bundle.path}: {bundle.layout} layout, both towers run in {', '.join(bundle.precisions)} and make vectors of "
        f"{bundle.dim} numbers; nothing vouches for its files, since no checksums are recorded"
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
