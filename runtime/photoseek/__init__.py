"""Find photos by what they show: search on a CPU, without PyTorch.

>>> from photoseek import Bundle, Gallery, Searcher          # doctest: +SKIP
>>> gallery = Gallery.open_or_create("~/Photos", Bundle.load("demo"))
>>> gallery.index()
>>> Searcher(gallery).search("two dogs on a beach", k=5)
"""

from photoseek.bundle.bundle import Bundle
from photoseek.errors import PhotoseekError
from photoseek.gallery.gallery import Gallery
from photoseek.search.hits import Hit
from photoseek.search.reranker import Reranker
from photoseek.search.searcher import Searcher
from photoseek.version import __version__

__all__ = ["Bundle", "Gallery", "Hit", "PhotoseekError", "Reranker", "Searcher", "__version__"]
