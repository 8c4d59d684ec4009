"""A bundle on its way to other machines: found there by its path, or unpacked from what this machine sends."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from photoseek.bundle import DEMO, Bundle
from photoseek.demo.gallery import cache_folder
from photoseek.errors import BundleError, CrewError
from photoseek.files import DRAFT
from photoseek.manifest import Layout

_SETTINGS = (".json", ".txt")


def files_of(bundle: Bundle) -> dict[str, bytes]:
    """The files of a bundle, by name; none of the embedded one, which comes with photoseek.

    Of another program's, its settings go with them. What lies beside its folder, as rclip's tokenizer may, is looked
    for inside of it, too.
    """
    if bundle.reference == DEMO:
        return {}
    names = {Layout.MANIFEST, *bundle.manifest.files}
    if not (bundle.path / Layout.MANIFEST).is_file():
        settings = (path for path in bundle.path.rglob("*") if path.suffix in _SETTINGS)
        names |= {path.relative_to(bundle.path).as_posix() for path in settings}
    names = {name for name in names if (bundle.path / name).is_file()}
    return {name.removeprefix("../"): (bundle.path / name).read_bytes() for name in names}


def arrived(reference: str, fingerprint: str, fetch: Callable[[], Mapping[str, bytes]]) -> Bundle:
    """A bundle, on the machine that this is called on.

    Args:
        reference: Where it lies on the machine that sent it, or ``demo``; a shared disk has it under this path, too.
        fingerprint: Which it must have.
        fetch: Its files as they were sent, asked for only where it is missing.

    Raises:
        CrewError: It is not there, and was not sent.
        BundleError: What was sent cannot be opened.
    """
    with suppress(BundleError):
        bundle = Bundle.load(reference)
        if bundle.fingerprint == fingerprint:
            return bundle
    kept = cache_folder() / "bundles" / fingerprint
    if not kept.is_dir():
        if not (files := fetch()):
            raise CrewError(
                f"expected the bundle {fingerprint[:12]} at {reference}, found none or another; install the same "
                "version of photoseek on every machine"
            )
        _unpack(files, kept)
    return Bundle.load(kept)


def _unpack(files: Mapping[str, bytes], target: Path) -> None:
    """Write files into a folder, which is complete before it bears its name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=DRAFT))
    try:
        for name, data in files.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).write_bytes(data)
        with suppress(OSError):  # another member was faster
            draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
