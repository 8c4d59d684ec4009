"""ASGI middleware behind the gate that sends the photos of open galleries."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from photoseek.errors import PhotoError, PhotoseekError
from photoseek.page.photo_files import FOLDER, PhotoFiles, Size, photo_files
from photoseek.page.photo_headers import CACHED, HEADERS, NOT_CACHED, not_found
from photoseek.page.selection_route import is_action, respond
from photoseek.photos.decode import read_photo
from photoseek.photos.photo_file import PhotoFile

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_PATH = re.compile(rf"/{FOLDER}/([\w-]{{16}})/([1-9][0-9]{{0,17}})/(card|view|full|file)", re.ASCII)
_DECODERS = 4  # photos decoded at the same time
_JPEG = "image/jpeg"


class PhotoRoute:
    """Answer requests for photos, and pass all others on to the page.

    A photo that cannot be shown is answered with status 200 and a JSON object with the ``reason``, which is null if the
    file no longer exists: browsers report every other status as an error of the page.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._prefix = "/" + str(st.get_option("server.baseUrlPath") or "").strip("/")
        self._pool = ThreadPoolExecutor(_DECODERS, "photo")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a photo, or pass the request on."""
        path = scope["path"].removeprefix(self._prefix.rstrip("/")) if scope["type"] == "http" else ""
        if not path.startswith(f"/{FOLDER}/"):
            await self._app(scope, receive, send)
            return
        if is_action(path):
            response = await respond(Request(scope, receive), path, self._pool)
        else:
            response = await asyncio.get_running_loop().run_in_executor(self._pool, _respond, Request(scope), path)
        await response(scope, receive, send)


def _respond(request: Request, path: str) -> Response:
    found = _PATH.fullmatch(path)
    files = photo_files(found[1]) if found else None
    if found is None or files is None or request.method not in ("GET", "HEAD"):
        return not_found()
    try:
        return _photo(files, int(found[2]), cast(Size, found[3]), request.headers.get("if-none-match", ""))
    except PhotoError as error:
        reason = None if files.is_missing(int(found[2])) else files.public(str(error))
    except PhotoseekError as error:  # the gallery was damaged or closed in the meantime
        reason = files.public(str(error))
    return JSONResponse({"reason": reason}, 200, HEADERS | NOT_CACHED)


def _photo(files: PhotoFiles, photo: int, size: Size, known: str) -> Response:
    file, name = files.find(photo)
    version = files.version(file, size)
    headers = {**HEADERS, **CACHED, "ETag": version}
    if version in [tag.strip().removeprefix("W/") for tag in known.split(",")]:
        return Response(status_code=304, headers=headers)
    media_type = files.original_type(file, size)
    if size == "file":
        name = name if media_type else files.jpeg_name(name)
        headers["Content-Disposition"] = f"attachment; filename*=utf-8''{quote(name, safe='')}"
    if media_type is None:
        return Response(files.jpeg(file, size), headers=headers, media_type=_JPEG)
    return _original(file, headers, media_type)


def _original(file: PhotoFile, headers: dict[str, str], media_type: str) -> Response:
    if isinstance(file, Path):
        return FileResponse(file, headers=headers, media_type=media_type)
    return Response(read_photo(file), headers=headers, media_type=media_type)
