"""Small request bodies, which must arrive soon."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

_SECONDS = 10.0


async def read_small_body(request: Request, limit: int) -> bytes:
    """Return the body of a request.

    Args:
        request: The request.
        limit: Maximum size in bytes.

    Raises:
        ValueError: It is larger.
        TimeoutError: It does not arrive within ten seconds.
        ClientDisconnect: The client has closed the connection.
    """
    body = b""
    async with asyncio.timeout(_SECONDS):
        async for part in request.stream():
            body += part
            if len(body) > limit:
                raise ValueError(f"expected at most {limit:,} bytes")
    return body
