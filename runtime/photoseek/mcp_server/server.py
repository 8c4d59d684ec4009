"""The tools that an assistant gets: search, show and describe photos, list folders and albums, and add to albums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from photoseek.errors import PhotoError, PhotoseekError, QueryError
from photoseek.gallery.database.folders import list_folders
from photoseek.gallery.database.typed_names import photo_path, with_known_names
from photoseek.gallery.filters import Filter
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.thumbnails import thumbnail
from photoseek.mcp_server.strict_tool import StrictTool
from photoseek.search.caption_search import CaptionSearcher
from photoseek.search.hits import Hit
from photoseek.search.name_query import Matched
from photoseek.search.searcher import Searcher
from photoseek.search.tags import Tagger
from photoseek.version import __version__

MAX_PHOTOS = 50
"""Maximum number of photos of one search: an assistant reads every one."""

MAX_SIDE = 1_024
"""Longer side of a shown photo in pixels: what assistants see at most."""

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_INSTRUCTIONS = (
    "These tools search the user's own photos by what they show, and by their names, titles, keywords and folders. "
    "Search with a short description of the picture, then show the best photos to check them. A photo with "
    "doubtful=true probably does not match. The confidence is an estimate from the picture alone, and low for most "
    "photos: 0.1 can be a good match. A photo with matched contains the words of the text in that field, which its "
    "confidence does not include. If an error names a photoseek command, ask the user to run it in a terminal."
)

_ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

Album = Annotated[str, Field(description="Name of an album, see list_albums.")]
Path = Annotated[str, Field(description="Path of a photo, as search_photos returns it.")]
Date = Annotated[str | None, Field(description="A year, month or day: 2024, 2024-05 or 2024-05-17.")]


class FoundPhoto(BaseModel):
    """A photo that was found."""

    path: Annotated[str, Field(description="Relative to the photo folder.")]
    doubtful: Annotated[bool, Field(description="Whether it probably does not match.")]
    confidence: Annotated[
        float | None,
        Field(
            description="Estimated probability, 0 to 1, that the picture shows what the text says; 0.1 can be a good "
            "match. It does not include a match of names. null for similar_to, and if it is unknown."
        ),
    ]
    matched: Annotated[
        Matched | None,
        Field(description="Field of the photo that contains the words of the text; null if only the picture matches."),
    ]
    incomplete: Annotated[bool, Field(description="Whether its file ends early, so that a part of it is missing.")]
    taken: Annotated[str | None, Field(description="YYYY-MM-DD HH:MM:SS by the camera's clock.")]
    width: int
    height: int

    @classmethod
    def of(cls, hit: Hit) -> FoundPhoto:
        """Return what an assistant needs of a hit."""
        return cls(
            path=hit.path,
            doubtful=hit.low_confidence,
            confidence=hit.confidence,
            matched=hit.matched,
            incomplete=hit.incomplete,
            taken=hit.taken,
            width=hit.width,
            height=hit.height,
        )


class FoundAlbum(BaseModel):
    """An album of the gallery."""

    name: str
    photos: Annotated[int, Field(description="Number of its photos.")]


def make_server(searcher: Searcher, *, write_albums: bool = False) -> MCPServer:
    """Return a server with the tools for a gallery.

    Args:
        searcher: Searcher of the gallery.
        write_albums: Whether the assistant may add photos to albums; all other tools only read.
    """
    tools = [*_photo_tools(searcher), *_album_tools(searcher.gallery, write=write_albums)]
    return MCPServer(
        "photoseek",
        title="photoseek",
        instructions=_INSTRUCTIONS,
        version=__version__,
        tools=tools,
        log_level="WARNING",
    )


def _photo_tools(searcher: Searcher) -> list[Tool]:
    gallery, captions, tagger = searcher.gallery, CaptionSearcher(searcher), Tagger(searcher)

    def search_photos(
        text: Annotated[str | None, Field(description="What the photos show, such as: two dogs on a beach.")] = None,
        similar_to: Annotated[str | None, Field(description="Path of a photo of the gallery to resemble.")] = None,
        count: Annotated[int, Field(ge=1, le=MAX_PHOTOS, description="Maximum number of photos.")] = 10,
        folder: Annotated[str | None, Field(description="Only photos in this folder, see list_folders.")] = None,
        taken_from: Date = None,
        taken_to: Date = None,
        camera: Annotated[str | None, Field(description="Only photos of this camera, such as: Canon EOS R6.")] = None,
    ) -> list[FoundPhoto]:
        """Find photos by what they show, best first."""
        with _errors():
            if similar_to is not None:
                check_photos(gallery, [similar_to])
            given = Filter(folder=folder, taken_from=taken_from, taken_to=taken_to, camera=camera)
            where = with_known_names(gallery.database, given)
            hits = searcher.search(text, similar_to=similar_to, k=count, where=where, group_duplicates=True)
            return [FoundPhoto.of(hit) for hit in hits]

    def show_photo(path: Path) -> Image:
        """Return a photo as a picture."""
        with _errors(path):
            check_photos(gallery, [path])
            searcher.resolve_photo(path)  # a photo of the gallery, and no other file
            file = gallery.photos.file_of(photo_path(gallery.database, path))
            return Image(data=thumbnail(file, MAX_SIDE), format="jpeg")

    def describe_photo(
        path: Path, count: Annotated[int, Field(ge=1, le=MAX_PHOTOS, description="Maximum number of captions.")] = 5
    ) -> list[str]:
        """Return the captions of the gallery that describe a photo best; if it has none, words for what it may show."""
        with _errors(path):
            check_photos(gallery, [path])
            describe = captions.describe if gallery.sentences.count() else tagger.tags
            return [found.text for found in describe(similar_to=path, k=count)]

    def folders() -> list[str]:
        """Return the folders that contain photos, for the argument folder of search_photos."""
        with _errors():
            return list_folders(gallery.database)

    functions = (search_photos, show_photo, describe_photo)
    return [
        *(StrictTool.of(function, _READS) for function in functions),
        StrictTool.of(folders, _READS, "list_folders"),
    ]


def _album_tools(gallery: Gallery, *, write: bool) -> list[Tool]:
    def list_albums() -> list[FoundAlbum]:
        """Return the albums of the gallery."""
        with _errors():
            return [FoundAlbum(name=album.name, photos=album.photos) for album in gallery.albums.list()]

    def list_album_photos(
        album: Album,
        count: Annotated[int, Field(ge=1, le=MAX_PHOTOS, description="Maximum number of photos.")] = MAX_PHOTOS,
        offset: Annotated[int, Field(ge=0, description="Number of photos to leave out, from the first.")] = 0,
    ) -> list[str]:
        """Return the paths of the photos of an album, in the order in which they were added."""
        with _errors():
            return list(gallery.albums.photos(album).values())[offset : offset + count]

    def add_to_album(
        album: Album,
        paths: Annotated[
            list[str],
            Field(min_length=1, max_length=1_000, description="Paths of photos, as search_photos returns them."),
        ],
    ) -> int:
        """Add photos to an album, which is created unless it exists. Return how many were not in it."""
        with _errors():
            check_photos(gallery, paths)
            return gallery.albums.add(album, paths)

    reading = [StrictTool.of(function, _READS) for function in (list_albums, list_album_photos)]
    return [*reading, StrictTool.of(add_to_album, _ADDS)] if write else [*reading]


def check_photos(gallery: Gallery, paths: Sequence[str]) -> None:
    """Check that a gallery has readable photos at some paths.

    Raises:
        QueryError: It has none at one of them; the message says why, and which paths are valid.
    """
    for path in paths:
        name = photo_path(gallery.database, path)
        known = gallery.database.contents([name])
        if name not in known:
            raise QueryError(f"no photo {path!r} in this gallery; expected a path that another tool returned")
        if (reason := known[name][1]) is not None:
            raise QueryError(f"the photo {path!r} cannot be read: {reason}")


@contextmanager
def _errors(path: str = "") -> Iterator[None]:
    """Report errors of the library to the assistant; ``path``: the photo that an error of a file is about."""
    try:
        yield
    except PhotoError as error:
        raise ToolError(f"the photo {path!r} cannot be read: {error}") from error
    except PhotoseekError as error:
        raise ToolError(str(error)) from error
