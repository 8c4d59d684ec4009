"""Paths and addresses that a user may pass as a photo source."""

from __future__ import annotations

from pathlib import Path

import pytest

from photoseek import Bundle, Gallery
from photoseek.errors import MissingExtra, QueryError
from photoseek.sources.local import LocalSource
from photoseek.sources.remote import RemoteSource
from photoseek.sources.resolve import open_source, source_from_record


def test_addresses_and_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_source("photos") == open_source(Path("photos")) == LocalSource(tmp_path / "photos")
    assert open_source("~") == LocalSource(Path.home())
    assert open_source("file:///a/%C3%A9%20b/") == open_source("file://localhost/a/é b") == LocalSource(Path("/a/é b"))
    assert open_source("s3://bucket/a b/c/") == RemoteSource("s3", "bucket/a b/c")
    assert open_source("gcs://bucket") == open_source("gs://bucket/") == RemoteSource("gs", "bucket")
    for folder in (RemoteSource("s3", "bucket/日本"), LocalSource(tmp_path / "photos")):
        assert source_from_record(folder.address, tmp_path / "gallery") == folder
    assert source_from_record("..", tmp_path / "photos" / ".photoseek") == LocalSource(tmp_path / "photos")


@pytest.mark.parametrize(
    "address",
    [
        "s3://",
        "s3:///photos",
        "s3://bucket/a//b",
        "s3://bucket/../b",
        "s3://bucket/\udce9",
        "http://host/photos",
        "memory://a",
        "file://host/photos",
    ],
)
def test_an_invalid_address_is_refused(address: str) -> None:
    with pytest.raises(QueryError, match="expected "):
        open_source(address)


def test_credentials_in_an_address_are_refused_and_never_printed() -> None:
    with pytest.raises(QueryError, match="expected credentials in the environment") as raised:
        open_source("s3://key:secret@bucket/photos")
    assert "secret" not in str(raised.value)


def test_an_address_as_a_path_is_refused() -> None:
    with pytest.raises(QueryError, match="as a str, found a Path: s3:/bucket/photos"):
        open_source(Path("s3://bucket/photos"))


def test_a_missing_extra_names_the_command_that_installs_it(
    tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photoseek.sources.object_store.find_spec", lambda _: None)
    for scheme, extra in (("s3", "s3"), ("gs", "gcs")):
        with pytest.raises(MissingExtra, match=rf"pip install 'photoseek\[{extra}\]'"):
            Gallery.create(f"{scheme}://bucket/photos", tiny_bundle, tmp_path / "gallery")


def test_a_file_address_opens_a_local_folder(photos: Path, tiny_bundle: Bundle) -> None:
    gallery = Gallery.create(photos.as_uri(), tiny_bundle)
    assert gallery.photos.root == photos
    assert gallery.index().encoded == 24
