"""Requests to the photos of a gallery by URL, without a server."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from photoseek import Gallery
from photoseek.page.photo_files import PhotoFiles
from photoseek.page.photo_route import PhotoRoute
from photoseek.page.thumbnail_cache import ThumbnailCache


class Answer:
    """A response: status, headers by lower-case name, and body; the page behind the route answers with 418."""

    def __init__(self, path: str, method: str = "GET", *, content: Any = None, **headers: str) -> None:
        body = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
        if content is not None:
            headers.setdefault("content_type", "application/json")
        sent: list[dict[str, Any]] = []

        async def page(_: Any, __: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 418, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        received = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            if (message := next(received, None)) is None:
                await asyncio.Event().wait()  # the client waits for the response
            return message

        async def send(message: Any) -> None:
            sent.append(message)

        given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": given}
        asyncio.run(PhotoRoute(page)(scope, receive, send))
        self.status: int = sent[0]["status"]
        self.headers = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        self.body = b"".join(message.get("body", b"") for message in sent[1:])

    @property
    def reason(self) -> str | None:
        """Why the photo is not shown."""
        assert self.headers["cache-control"] == "no-store"
        reason: str | None = json.loads(self.body)["reason"]
        return reason

    @property
    def picture(self) -> Image.Image:
        """The decoded body."""
        return Image.open(io.BytesIO(self.body))


class Album:
    """An open gallery, and the URLs of its photos by path."""

    def __init__(self, gallery: Gallery, *, shared: bool) -> None:
        root = gallery.photos.root
        self.root = root
        cache = ThumbnailCache(gallery.path, root=root, links=not shared)
        self.ids = dict(gallery.database.query("SELECT path, id FROM photos"))
        self.files = PhotoFiles(gallery, gallery.fingerprint, cache, shared=shared)

    def url(self, path: str, size: Any = "card") -> str:
        return "/" + self.files.folder(self.ids[path]) + size


def write_phone_photo(file: Path) -> None:
    """Replace a photo by a JPEG of 60 x 40 pixels that is to be turned, with the owner of the camera."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "Somebody Private"
    Image.new("RGB", (60, 40), "red").save(file, "JPEG", exif=exif)
