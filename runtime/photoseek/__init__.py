"""Find photos by what they show: search on a CPU, without PyTorch.

>>> from photoseek import Bundle, Gallery, Searcher          # doctest: +SKIP
>>> gallery = Gallery.open_or_create("~/Photos", Bundle.load("demo"))
>>> gallery.index()
>>> Searcher(gallery).search("two dogs on a beach", k=5)
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from photoseek.errors import PhotoseekError
from photoseek.version import __version__

if TYPE_CHECKING:
    from photoseek.bundle.bundle import Bundle
    from photoseek.gallery.filters import Filter
    from photoseek.gallery.gallery import Gallery
    from photoseek.search.async_searcher import AsyncSearcher
    from photoseek.search.hits import Hit
    from photoseek.search.reranker import Reranker
    from photoseek.search.searcher import Searcher

if sys.platform == "win32":
    raise ImportError(
        "photoseek needs Linux or macOS, found Windows, which lacks the file locks that protect a gallery; "
        "run it in the Windows Subsystem for Linux, or in a container"
    )

__all__ = [
    "AsyncSearcher",
    "Bundle",
    "Filter",
    "Gallery",
    "Hit",
    "PhotoseekError",
    "Reranker",
    "Searcher",
    "__version__",
]

_MODULES = {
    "AsyncSearcher": "photoseek.search.async_searcher",
    "Bundle": "photoseek.bundle.bundle",
    "Filter": "photoseek.gallery.filters",
    "Gallery": "photoseek.gallery.gallery",
    "Hit": "photoseek.search.hits",
    "Reranker": "photoseek.search.reranker",
    "Searcher": "photoseek.search.searcher",
}


def __getattr__(name: str) -> type:
    """Import the module of a public name when it is first used, so that a command imports only what it needs."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: type = getattr(import_module(_MODULES[name]), name)
    globals()[name] = found
    return found
