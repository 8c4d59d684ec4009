"""Opens bundles and runs their towers, in a process that a crafted graph may crash: ``use_bundle.py FOLDER...``.

Prints a line for each folder: ``outcome fine``, or ``outcome`` and the class of the error. onnxruntime prints other
lines if a name in a graph is not UTF-8.
"""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

from PIL import Image

from photoseek import Bundle
from photoseek.encoders.encoders import ImageEncoder, TextEncoder, verify_bundle
from photoseek.errors import BundleError

MEMORY = 4 << 30
"""Bytes of address space."""

SECONDS = 30
"""For one bundle."""


def use(folder: Path) -> None:
    """Read every file of a bundle, as indexing and searching do."""
    bundle = Bundle.load(folder)
    TextEncoder(bundle, threads=1).encode(["red", "红"])
    ImageEncoder(bundle, threads=1).encode([Image.new("RGB", (9, 9))])
    verify_bundle(bundle)


def main(folders: list[str]) -> None:
    """Use one bundle after the other; any error except a ``BundleError`` ends the process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for folder in folders:
        signal.alarm(SECONDS)
        try:
            use(Path(folder))
        except BundleError as error:
            print(f"outcome {type(error).__name__}", flush=True)
        else:
            print("outcome fine", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
