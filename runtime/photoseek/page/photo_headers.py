"""Headers of responses with photos."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every response."""

CACHED = {"Cache-Control": "private, max-age=3600"}  # private: no shared cache may serve it to other visitors
NOT_CACHED = {"Cache-Control": "no-store"}


def not_found() -> Response:
    """Return the response to a URL that belongs to no open gallery."""
    return PlainTextResponse("Expected the address of a photo of an open gallery.\n", 404, HEADERS | NOT_CACHED)
