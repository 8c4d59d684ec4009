"""``photoseek mcp``, used by the official SDK's own client over standard input and output."""

from __future__ import annotations

import base64
import io
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from PIL import ExifTags, Image

from photoseek import Gallery
from photoseek.captions import Caption
from photoseek.search.vocabulary import vocabulary

pytest.importorskip("mcp", reason="the extra mcp is not installed")

from mcp import StdioServerParameters
from mcp.client import Client

TOOLS = {"search_photos", "show_photo", "describe_photo", "list_folders", "list_albums", "list_album_photos"}


def with_client(gallery: Gallery, use: Callable[[Client], Awaitable[Any]], mode: str = "auto") -> Any:
    """Start ``photoseek mcp``, and return what ``use`` returns."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    options = ["-m", "photoseek", "mcp", "--gallery", str(gallery.path), "--trust"]
    server = StdioServerParameters(command=sys.executable, args=options, env=environment)

    async def run() -> Any:
        with anyio.fail_after(60):
            async with Client(server, mode=mode) as client:  # type: ignore[arg-type]
                return await use(client)

    return anyio.run(run)


@pytest.mark.parametrize("mode", ["auto", "legacy"])  # legacy: the handshake of older assistants
def test_an_assistant_finds_shows_and_describes_a_photo(gallery: Gallery, mode: str) -> None:
    gallery.add_captions([Caption("", 0, "a red wall"), Caption("", 1, "a green lawn")])

    async def use(client: Client) -> None:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == TOOLS
        assert all(tool.annotations is not None and tool.annotations.read_only_hint for tool in tools)
        found = await client.call_tool("search_photos", {"text": "a red picture", "count": 3, "folder": "red"})
        assert not found.is_error
        photos = found.structured_content["result"]
        assert [photo["path"].partition("/")[0] for photo in photos] == ["red"] * len(photos)
        fields = {"path", "doubtful", "confidence", "matched", "incomplete", "taken", "width", "height"}
        assert set(photos[0]) == fields
        shown = await client.call_tool("show_photo", {"path": photos[0]["path"]})
        picture = Image.open(io.BytesIO(base64.b64decode(shown.content[0].data)))  # type: ignore[union-attr]
        assert picture.format == "JPEG"
        assert picture.size == (photos[0]["width"], photos[0]["height"])
        described = await client.call_tool("describe_photo", {"path": photos[0]["path"], "count": 1})
        assert described.structured_content["result"] == ["a red wall"]
        folders = await client.call_tool("list_folders", {})
        assert "red" in folders.structured_content["result"]

    with_client(gallery, use, mode)


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("search_photos", {}, "an empty query"),
        (
            "search_photos",
            {"text": "red", "count": 1_000},
            "count: Input should be less than or equal to 50, found 1000",
        ),
        (
            "search_photos",
            {"text": "red", "limit": 3},
            "search_photos has no argument 'limit'; expected text, similar_to",
        ),
        (
            "search_photos",
            {"text": "red", "similar_to": "x"},
            "no photo 'x' in this gallery; expected a path that another",
        ),
        ("search_photos", {"text": "red", "taken_from": "2024", "taken_to": "2023-05"}, "a date not after taken_to"),
        ("show_photo", {}, "show_photo needs the argument 'path'"),
        ("list_folders", {"folder": "red"}, "list_folders has no argument 'folder'; expected none"),
        ("search_photos", {"text": "red", "taken_from": "soon"}, "soon"),
        ("search_photos", {"text": "red", "camera": "x"}, "no photo of this gallery names its camera, found 'x'"),
        ("show_photo", {"path": "../../etc/passwd"}, "no photo '../../etc/passwd' in this gallery"),
        ("show_photo", {"path": "/etc/passwd"}, "no photo '/etc/passwd' in this gallery"),
        ("describe_photo", {"path": "red/none.png"}, "no photo 'red/none.png' in this gallery"),
        ("list_album_photos", {"album": "Lakes"}, "expected an album of this gallery, found 'Lakes'"),
        ("add_to_album", {"album": "Lakes", "paths": ["red/red-0.png"]}, "add_to_album"),
    ],
)
def test_invalid_calls_are_explained_to_the_assistant(
    gallery: Gallery, tool: str, arguments: dict[str, Any], message: str
) -> None:
    answer = call(gallery, tool, arguments)
    assert answer.is_error
    assert message in json.dumps([part.text for part in answer.content], ensure_ascii=False)


def call(gallery: Gallery, tool: str, arguments: dict[str, Any], *, write_albums: bool = False) -> Any:
    """Return what a tool answers, by a client in this process."""
    from photoseek import Searcher
    from photoseek.mcp_server.server import make_server

    async def answer() -> Any:
        async with Client(make_server(Searcher(gallery), write_albums=write_albums)) as client:
            return await client.call_tool(tool, arguments)

    return anyio.run(answer)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("show_photo", {"path": "damaged.jpg"}),
        ("describe_photo", {"path": "damaged.jpg"}),
        ("search_photos", {"similar_to": "damaged.jpg"}),
        ("add_to_album", {"album": "Red", "paths": ["red/red-0.png", "damaged.jpg"]}),
    ],
)
def test_a_damaged_photo_is_named_as_such(gallery: Gallery, tool: str, arguments: dict[str, Any]) -> None:
    (gallery.photos.root / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    gallery.index()
    answer = call(gallery, tool, arguments, write_albums=True)
    assert answer.is_error
    assert "the photo 'damaged.jpg' cannot be read: damaged" in answer.content[0].text


def test_a_photo_that_was_deleted_since_is_named(gallery: Gallery) -> None:
    (gallery.photos.root / "red" / "red-0.png").unlink()
    answer = call(gallery, "show_photo", {"path": "red/red-0.png"})
    assert answer.is_error
    assert "the photo 'red/red-0.png' cannot be read: No such file" in answer.content[0].text


def test_no_error_sends_an_assistant_to_a_command_or_a_web_page(gallery: Gallery) -> None:
    for arguments in ({"path": "none.jpg"}, {"path": 5}, {"file": "red/red-0.png"}):
        text = call(gallery, "show_photo", arguments).content[0].text
        assert "photoseek " not in text
        assert "http" not in text


def test_a_photo_found_by_its_name_says_so(gallery: Gallery) -> None:
    Image.new("RGB", (48, 36), (20, 20, 200)).save(gallery.photos.root / "harbor.jpg")
    gallery.index()
    named, *others = call(gallery, "search_photos", {"text": "harbor"}).structured_content["result"]
    assert (named["path"], named["matched"], named["doubtful"]) == ("harbor.jpg", "name", False)
    assert {photo["matched"] for photo in others} == {None}


def test_every_argument_and_every_field_of_a_photo_is_described(gallery: Gallery) -> None:
    from photoseek import Searcher
    from photoseek.mcp_server.server import make_server

    async def tools() -> Any:
        async with Client(make_server(Searcher(gallery), write_albums=True)) as client:
            return (await client.list_tools()).tools

    listed = {tool.name: tool for tool in anyio.run(tools)}
    assert set(listed) == {*TOOLS, "add_to_album"}
    for tool in listed.values():
        assert tool.input_schema["additionalProperties"] is False
        assert all("description" in each for each in tool.input_schema["properties"].values())
    fields = listed["search_photos"].output_schema["$defs"]["FoundPhoto"]["properties"]
    assert "0.1 can be a good match" in fields["confidence"]["description"]
    assert "contains the words" in fields["matched"]["description"]


def test_photos_of_a_camera_are_found(gallery: Gallery) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Canon", "Canon EOS R6"
    Image.new("RGB", (48, 36), (20, 20, 200)).save(gallery.photos.root / "camera.jpg", exif=exif)
    gallery.index()
    found = call(gallery, "search_photos", {"text": "red", "camera": "canon eos r6"}).structured_content["result"]
    assert [photo["path"] for photo in found] == ["camera.jpg"]
    unknown = call(gallery, "search_photos", {"text": "red", "camera": "Canon"})
    assert unknown.is_error
    assert "it has 'Canon EOS R6'" in unknown.content[0].text


def test_albums_are_listed_and_grow_only_if_that_is_allowed(gallery: Gallery) -> None:
    paths = [path for path in gallery.database.paths() if path.startswith("red/")][:3]
    added = call(gallery, "add_to_album", {"album": "Red", "paths": paths}, write_albums=True)
    assert added.structured_content["result"] == 3
    albums = call(gallery, "list_albums", {}).structured_content["result"]
    assert albums == [{"name": "Red", "photos": 3}]
    listed = call(gallery, "list_album_photos", {"album": "Red", "count": 2, "offset": 1})
    assert listed.structured_content["result"] == paths[1:]
    missing = call(gallery, "add_to_album", {"album": "Red", "paths": ["none.jpg"]}, write_albums=True)
    assert missing.is_error
    assert len(gallery.albums.photos("Red")) == 3


def test_without_captions_words_describe_a_photo(gallery: Gallery) -> None:
    path = next(iter(gallery.database.paths()))
    found = call(gallery, "describe_photo", {"path": path, "count": 3}).structured_content["result"]
    assert len(found) == 3
    assert all(word in vocabulary("en") for word in found)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from photoseek.__main__ import run

    monkeypatch.setattr("photoseek.cli.mcp.find_spec", lambda _: None)
    monkeypatch.setattr("sys.argv", ["photoseek", "mcp", "--gallery", str(Path.cwd())])
    with pytest.raises(SystemExit, match="1"):
        run()
    assert "pip install 'photoseek[mcp]'" in capsys.readouterr().err
