"""A bundle on its way to other machines: found there by its path, or unpacked from what this machine sends."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photoseek.bundle import DEMO, Bundle
from photoseek.demo.gallery import cache_folder
from photoseek.errors import BundleError, CrewError
from photoseek.files import DRAFT
from photoseek.manifest import Layout


@dataclass(frozen=True)
class ShippedBundle:
    """A bundle that another machine can open.

    Attributes:
        reference: Where it lies on the machine that sent it, or ``demo``; a shared disk has it under this path, too.
        fingerprint: Which it must have there.
        files: A reference to its files by name, inside a list so that they are fetched only where they are missing;
            empty where they were not sent.
    """

    reference: str
    fingerprint: str
    files: Sequence[Any]

    def open(self) -> Bundle:
        """Open it on the machine that this is called on.

        Raises:
            CrewError: It is not there, and was not sent.
            BundleError: What was sent cannot be opened.
        """
        with suppress(BundleError):
            bundle = Bundle.load(self.reference)
            if bundle.fingerprint == self.fingerprint:
                return bundle
        if not self.files:
            raise CrewError(
                f"expected the bundle {self.fingerprint[:12]} at {self.reference}, found none or another; install the "
                "same version of photoseek on every machine"
            )
        import ray

        return Bundle.load(_unpacked(self.fingerprint, lambda: ray.get(self.files[0])))


def ship(bundle: Bundle, put: Callable[[Any], Any] | None) -> ShippedBundle:
    """Have a bundle sent to where it is missing; ``put`` keeps a value for others (``ray.put``), None: nothing is sent.

    The embedded one comes with photoseek, and is never sent.
    """
    if put is None or bundle.reference == DEMO:
        return ShippedBundle(bundle.reference, bundle.fingerprint, [])
    names = [name for name in (Layout.MANIFEST, *bundle.manifest.files) if (bundle.path / name).is_file()]
    files = {name: (bundle.path / name).read_bytes() for name in names}
    return ShippedBundle(bundle.reference, bundle.fingerprint, [put(files)])


def _unpacked(fingerprint: str, fetch: Callable[[], dict[str, bytes]]) -> Path:
    """The folder with the files of a bundle, in the user's cache; complete before it bears its name."""
    target = cache_folder() / "bundles" / fingerprint
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=DRAFT))
    try:
        for name, data in fetch().items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).write_bytes(data)
        with suppress(OSError):  # another member was faster
            draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target
