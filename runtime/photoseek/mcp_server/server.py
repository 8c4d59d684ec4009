"""The tools that an assistant gets: search photos, show and describe one, and list folders. All of them only read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from photoseek.errors import PhotoseekError
from photoseek.gallery.database.folders import list_folders
from photoseek.gallery.database.typed_names import photo_path, with_known_folder
from photoseek.gallery.filters import Filter
from photoseek.gallery.thumbnails import thumbnail
from photoseek.search.caption_search import CaptionSearcher
from photoseek.search.hits import Hit
from photoseek.search.searcher import Searcher
from photoseek.version import __version__

MAX_PHOTOS = 50
"""Maximum number of photos of one search: an assistant reads every one."""

MAX_SIDE = 1_024
"""Longer side of a shown photo in pixels: what assistants see at most."""

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_INSTRUCTIONS = (
    "These tools search the user's own photos by what they show. Search with a short description of the picture, then "
    "show the best photos to check them. A photo with doubtful=true probably does not match."
)

Path = Annotated[str, Field(description="Path of a photo, as search_photos returns it.")]
Date = Annotated[str | None, Field(description="A year, month or day: 2024, 2024-05 or 2024-05-17.")]


class FoundPhoto(BaseModel):
    """A photo that was found."""

    path: Annotated[str, Field(description="Relative to the photo folder.")]
    doubtful: Annotated[bool, Field(description="Whether it probably does not match.")]
    confidence: Annotated[float | None, Field(description="Probability that it shows what the text says.")]
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
            taken=hit.taken,
            width=hit.width,
            height=hit.height,
        )


def make_server(searcher: Searcher) -> MCPServer:
    """Return a server with the tools for a gallery."""
    server = MCPServer(
        "photoseek", title="photoseek", instructions=_INSTRUCTIONS, version=__version__, log_level="WARNING"
    )
    gallery, captions = searcher.gallery, CaptionSearcher(searcher)

    @server.tool(annotations=_READS)
    def search_photos(
        text: Annotated[str | None, Field(description="What the photos show, such as: two dogs on a beach.")] = None,
        similar_to: Annotated[str | None, Field(description="Path of a photo of the gallery to resemble.")] = None,
        count: Annotated[int, Field(ge=1, le=MAX_PHOTOS, description="Maximum number of photos.")] = 10,
        folder: Annotated[str | None, Field(description="Only photos in this folder, see list_folders.")] = None,
        taken_from: Date = None,
        taken_to: Date = None,
    ) -> list[FoundPhoto]:
        """Find photos by what they show, best first."""
        with _errors():
            given = Filter(folder=folder, taken_from=taken_from, taken_to=taken_to)
            where = with_known_folder(gallery.database, given)
            hits = searcher.search(text, similar_to=similar_to, k=count, where=where, group_duplicates=True)
            return [FoundPhoto.of(hit) for hit in hits]

    @server.tool(annotations=_READS)
    def show_photo(path: Path) -> Image:
        """Return a photo as a picture."""
        with _errors():
            searcher.resolve_photo(path)  # a photo of the gallery, and no other file
            file = gallery.photos.file_of(photo_path(gallery.database, path))
            return Image(data=thumbnail(file, MAX_SIDE), format="jpeg")

    @server.tool(annotations=_READS)
    def describe_photo(
        path: Path, count: Annotated[int, Field(ge=1, le=MAX_PHOTOS, description="Maximum number of captions.")] = 5
    ) -> list[str]:
        """Return the captions of the gallery that describe a photo best; without captions, use show_photo."""
        with _errors():
            return [found.text for found in captions.describe(similar_to=path, k=count)]

    @server.tool(name="list_folders", annotations=_READS)
    def folders() -> list[str]:
        """Return the folders that contain photos, for the argument folder of search_photos."""
        with _errors():
            return list_folders(gallery.database)

    return server


@contextmanager
def _errors() -> Iterator[None]:
    """Report errors of the library to the assistant."""
    try:
        yield
    except PhotoseekError as error:
        raise ToolError(str(error)) from error
