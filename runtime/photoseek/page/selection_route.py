"""Actions on selected photos, by requests behind the gate: downloads as a zip file, and changes of albums.

The URLs contain the key of an open gallery, as those of its photos. Visitors from other computers have no albums.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from photoseek.errors import PhotoseekError, QueryError
from photoseek.gallery.albums import FAVORITES, Albums
from photoseek.page.album_names import is_favorites
from photoseek.page.exposure import is_forwarded
from photoseek.page.photo_files import FOLDER, PhotoFiles, photo_files
from photoseek.page.photo_headers import HEADERS, NOT_CACHED, not_found
from photoseek.page.photo_zip import MAX_PHOTOS, zip_photos
from photoseek.page.request_body import read_small_body

_PATH = re.compile(rf"/{FOLDER}/([\w-]{{16}})/(zip|paths|albums|zip/([\w-]{{16}}))", re.ASCII)
_MAX_BODY = 100_000  # bytes: more than MAX_PHOTOS ids need
_DISPOSITION = {"Content-Disposition": 'attachment; filename="photos.zip"'}


class InvalidRequest(ValueError):
    """A request that the page never sends."""


def is_action(path: str) -> bool:
    """Return whether a path is that of an action."""
    return _PATH.fullmatch(path) is not None


async def respond(request: Request, path: str, pool: ThreadPoolExecutor) -> Response:
    """Return the response to an action; files are read, and albums changed, in a thread of the pool."""
    found = _PATH.fullmatch(path)
    files = photo_files(found[1]) if found else None
    if found is None or files is None:
        return not_found()
    if found[3] is not None:
        return _send(request, files, files.downloads.get(found[3]), pool)
    loop = asyncio.get_running_loop()
    try:
        if found[2] == "zip" and request.method == "POST":
            content, local = await _content(request), not is_forwarded(request.headers)
            return _answer(await loop.run_in_executor(pool, partial(_prepare, files, content, local=local)))
        if is_forwarded(request.headers):
            return not_found()
        if found[2] != "zip" and request.method == "POST":
            respond_to = _change_album if found[2] == "albums" else _list_paths
            return _answer(await loop.run_in_executor(pool, respond_to, files, await _content(request)))
        if found[2] == "albums" and request.method == "GET":
            return _answer(await loop.run_in_executor(pool, list_albums, files))
    except InvalidRequest as error:
        return _answer({"reason": str(error)}, 400)
    except PhotoseekError as error:
        return _answer({"reason": files.public(str(error))})
    return not_found()


def _answer(content: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(content, status, HEADERS | NOT_CACHED)


def _prepare(files: PhotoFiles, content: dict[str, Any], *, local: bool) -> dict[str, str]:
    """Prepare a download of photos or, for a visitor on this computer, of an album, and return its URL."""
    photos = _photos_of_album(files, content) if local and "album" in content else _photos(content)
    if len(photos) > MAX_PHOTOS:
        raise QueryError(f"a download has at most {MAX_PHOTOS:,} photos, and the album {len(photos):,}")
    return {"url": f"{files.root}zip/{files.downloads.put(tuple(photos))}"}


def _list_paths(files: PhotoFiles, content: dict[str, Any]) -> dict[str, list[str]]:
    return {"paths": files.file_paths(_photos_of_album(files, content))}


def _send(request: Request, files: PhotoFiles, photos: tuple[int, ...] | None, pool: ThreadPoolExecutor) -> Response:
    """Send a download that was prepared."""
    if photos is None or request.method != "GET":
        return not_found()
    stream = _in_pool(zip_photos(files, photos), pool)
    return StreamingResponse(stream, headers=HEADERS | NOT_CACHED | _DISPOSITION, media_type="application/zip")


def list_albums(files: PhotoFiles) -> dict[str, Any]:
    """Return every album with its number of photos, and the ids of the favorites.

    Raises:
        InvalidRequest: The visitor has no albums.
        PhotoseekError: The gallery cannot be read.
    """
    albums = _albums(files)
    found = [
        {"name": album.name, "photos": album.photos, "favorite": album.name == FAVORITES} for album in albums.list()
    ]
    return {"albums": found, "favorites": list(albums.photos(FAVORITES))}


def _change_album(files: PhotoFiles, content: dict[str, Any]) -> dict[str, Any]:
    """Add photos to an album, remove them, or undo this.

    Returns:
        The albums, and how many photos were added or removed. After a removal also the token that undoes it, and after
        that the name of the album.
    """
    albums, action = _albums(files), content.get("action")
    if action == "undo":
        copy = files.undo.get(str(content.get("undo")))
        if copy is None:
            raise InvalidRequest("expected undo, the token of a recent change")
        return {"album": albums.restore(copy), **list_albums(files)}
    paths, name = files.paths(_photos(content)), _album_name(content)
    if action == "add":
        return {"changed": albums.add(name, paths), **list_albums(files)}
    if action == "remove":
        undo = files.undo.put(albums.copy(name))
        return {"changed": albums.remove(name, paths), "undo": undo, **list_albums(files)}
    raise InvalidRequest("expected action: add, remove or undo")


def _album_name(content: dict[str, Any]) -> str:
    name = content.get("album")
    if not isinstance(name, str | None):
        raise InvalidRequest("expected album, a name or null")
    return FAVORITES if name is None or is_favorites(name) else name


def _photos_of_album(files: PhotoFiles, content: dict[str, Any]) -> list[int]:
    return list(_albums(files).photos(_album_name(content)))


def _albums(files: PhotoFiles) -> Albums:
    if files.albums is None:
        raise InvalidRequest("expected a gallery with albums")
    return files.albums


def _photos(content: dict[str, Any]) -> list[int]:
    """Return the ids of photos in a request, without repetitions."""
    ids = content.get("photos")
    if not isinstance(ids, list) or not all(type(photo) is int and 0 < photo < 1 << 63 for photo in ids):
        raise InvalidRequest("expected photos, a list of ids")
    if not 1 <= len(ids) <= MAX_PHOTOS:
        raise InvalidRequest(f"expected 1 to {MAX_PHOTOS:,} photos, found {len(ids):,}")
    return list(dict.fromkeys(ids))


async def _content(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request.

    Browsers send this media type to other sites only after a preflight request, which nothing here answers.
    """
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise InvalidRequest("expected application/json")
    try:
        content = json.loads(await read_small_body(request, _MAX_BODY))
    except (TimeoutError, ClientDisconnect, RecursionError, ValueError) as error:
        raise InvalidRequest(f"expected a small JSON object: {error}") from error
    if not isinstance(content, dict):
        raise InvalidRequest("expected a JSON object")
    return content


async def _in_pool(parts: Iterator[bytes], pool: ThreadPoolExecutor) -> AsyncIterator[bytes]:
    """Yield what an iterator yields, which runs in a thread of the pool."""
    loop = asyncio.get_running_loop()
    while (part := await loop.run_in_executor(pool, next, parts, None)) is not None:
        if part:
            yield part
