"""Photos at a URL, fetched only if the caller asks for it."""

from __future__ import annotations

import re

from photoseek.errors import PhotoError
from photoseek.photos import formats
from photoseek.photos.formats import check_bytes
from photoseek.version import __version__

_URL = re.compile(r"https?://", re.IGNORECASE)
_SECONDS = 20.0


def is_url(text: str) -> bool:
    """Return whether a text is a URL of HTTP or HTTPS."""
    return _URL.match(text) is not None


def download_photo(url: str, timeout: float = _SECONDS) -> bytes:
    """Return the content of a photo at a URL, of at most ``MAX_BYTES``; proxies of the environment are used.

    Args:
        url: Address, of HTTP or HTTPS.
        timeout: How long each step may take, in seconds.

    Raises:
        PhotoError: It cannot be fetched, or is too large.
    """
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen  # takes 30 ms

    if not is_url(url):
        raise PhotoError(f"{url}: expected a URL that starts with http:// or https://")
    try:
        request = Request(url, headers={"User-Agent": f"photoseek/{__version__}"})
        with urlopen(request, timeout=timeout) as response:
            check_bytes(int(response.headers.get("Content-Length") or 0))
            data: bytes = response.read(formats.MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, HTTPError):
            error.close()  # it is a response
        raise PhotoError(f"{url}: cannot be fetched: {getattr(error, 'reason', error)}") from error
    check_bytes(len(data))
    return data
