"""Transfer of a bundle to other machines: it is loaded from its path there, or unpacked from files that are sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from photoseek.bundle.bundle import DEMO, Bundle
from photoseek.bundle.manifest import Layout
from photoseek.errors import BundleError, IndexingError
from photoseek.system.atomic_write import make_private_folder
from photoseek.system.cache_dir import cache_folder
from photoseek.system.removal import draft_folder

_SETTINGS = (".json", ".txt")
_UNPACKED = "bundle"  # the folder inside the draft


def files_of(bundle: Bundle) -> dict[str, bytes]:
    """Return the files of a bundle, by name; none for the embedded one, which every installation has.

    Models of other programs include their settings files. Files outside the folder, such as rclip's tokenizer, are
    renamed to the same path inside it, where they are found as well.
    """
    if bundle.reference == DEMO:
        return {}
    folder = bundle.description.files.folder
    names = {Layout.MANIFEST, *bundle.manifest.files}
    if not (folder / Layout.MANIFEST).is_file():
        # A pair of folders is inside a folder with other files.
        roots = {folder} if folder == bundle.path else {(folder / name).parent for name in bundle.manifest.files}
        settings = (path for root in roots for path in root.rglob("*") if path.suffix in _SETTINGS)
        names |= {path.relative_to(folder).as_posix() for path in settings}
    names = {name for name in names if (folder / name).is_file()}
    return {name.removeprefix("../"): (folder / name).read_bytes() for name in names}


def fetch_bundle(reference: str, fingerprint: str, fetch: Callable[[], Mapping[str, bytes]]) -> Bundle:
    """Load a bundle on this machine.

    Args:
        reference: Its path on the machine that sent it, which may exist here on a shared disk, or ``demo``.
        fingerprint: Required fingerprint.
        fetch: Returns the files that were sent; called only if the bundle is missing here.

    Raises:
        IndexingError: It is missing, and was not sent.
        BundleError: The files that were sent cannot be opened.
    """
    with suppress(BundleError):
        bundle = Bundle.load(reference)
        if bundle.fingerprint == fingerprint:
            return bundle
    cached = cache_folder() / "bundles" / fingerprint
    if not cached.is_dir():
        if not (files := fetch()):
            raise IndexingError(
                f"expected the bundle {fingerprint[:12]} at {reference}, found none or another; install the same "
                "version of photoseek on every machine"
            )
        _unpack(files, cached)
    return Bundle.load(cached)


def _unpack(files: Mapping[str, bytes], target: Path) -> None:
    """Write files into a new folder, which is renamed to ``target`` when it is complete."""
    make_private_folder(cache_folder())
    target.parent.mkdir(mode=0o700, exist_ok=True)
    names = {f"{_UNPACKED}/", *(f"{_UNPACKED}/{name}" for name in files)}
    names |= {f"{above.as_posix()}/" for name in names for above in PurePosixPath(name).parents}
    with draft_folder(target.parent, re.compile("|".join(map(re.escape, names)))) as draft:
        for name, data in files.items():
            place = draft / _UNPACKED / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        with suppress(OSError):  # another worker was faster
            (draft / _UNPACKED).rename(target)
