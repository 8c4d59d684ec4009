"""A gallery of private photos: its files and thumbnails are never more readable than the strictest of its folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from installed import needs_annoy
from photoseek import Bundle, Gallery
from photoseek.errors import GalleryError
from photoseek.gallery.indexing.report import Progress
from photoseek.gallery.snapshot import write
from photoseek.page.recent_galleries import remember
from photoseek.page.thumbnail_cache import ThumbnailCache
from photoseek.system.hash_cache import cached_sha256
from tiny_bundle import COLORS
from tiny_photos import write_color

OWNER, GROUP, ALL = 0o700, 0o770, 0o777
"""Bits that a gallery may have."""


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """World-readable photos: ``a.png``, ``inner/b.png`` and ``inner/deep/c.png`` in ``home/album``."""
    for number, name in enumerate(("a.png", "inner/b.png", "inner/deep/c.png")):
        write_color(tmp_path / "home" / "album" / name, COLORS["red"], seed=number)
    return tmp_path / "home" / "album"


def widest(gallery: Path) -> int:
    """Return the union of the permissions of all files and folders of a gallery."""
    found = 0
    for path in (gallery, *gallery.rglob("*")):
        found |= stat.S_IMODE(path.lstat().st_mode)
    return found


def everything(album: Path, bundle: Bundle, place: Path) -> Gallery:
    """Create a gallery with two generations and a thumbnail."""
    gallery = Gallery.open_or_create(album, bundle, place)
    gallery.index()
    write_color(album / "more.png", COLORS["blue"], seed=len(list(album.iterdir()))).chmod(0o644)
    gallery.index()
    ThumbnailCache(gallery.path).thumbnail(album / "a.png")
    return gallery


def link_to_private(album: Path) -> None:
    private = album.parent / "private"
    write_color(private / "d.png", COLORS["red"], seed=9)
    private.chmod(0o700)
    (album / "d.png").symlink_to(private / "d.png")


def empty_private(album: Path) -> None:
    (album / "empty").mkdir(mode=0o700)


def of_another_group(album: Path) -> None:
    for path in (album, *album.rglob("*")):
        os.chown(path, -1, os.getegid() + 12_345)
        path.chmod(0o750 if path.is_dir() else 0o640)


def of_this_group(album: Path) -> None:
    for path in (album, *album.rglob("*")):
        path.chmod(0o750 if path.is_dir() else 0o640)


CASES: dict[str, tuple[Callable[[Path], object], int]] = {
    "public": (lambda album: album, ALL),
    "private root": (lambda album: album.chmod(0o700), OWNER),
    "private folder": (lambda album: (album / "inner").chmod(0o700), OWNER),
    "private folder, deep": (lambda album: (album / "inner" / "deep").chmod(0o700), OWNER),
    "private photo": (lambda album: (album / "inner" / "b.png").chmod(0o600), OWNER),
    "private home": (lambda album: album.parent.chmod(0o700), OWNER),
    "linked private photo": (link_to_private, OWNER),
    "private folder without a photo": (empty_private, ALL),
    "entered, and not listed": (lambda album: (album / "inner").chmod(0o711), OWNER),
    "the group's folder": (lambda album: (album / "inner").chmod(0o750), GROUP),
    "the group's photo": (lambda album: (album / "a.png").chmod(0o640), GROUP),
    "all of the group": (of_this_group, GROUP),
    "all but the group": (lambda album: (album / "inner").chmod(0o705), OWNER),
    "another group": (of_another_group, OWNER),
}


@pytest.mark.parametrize(("make", "allowed"), CASES.values(), ids=CASES)
def test_a_gallery_is_not_more_readable_than_any_of_its_photos(
    album: Path, tiny_bundle: Bundle, tmp_path: Path, make: Callable[[Path], object], allowed: int
) -> None:
    if make is of_another_group and os.geteuid() != 0:
        pytest.skip("only root gives files to a group that it is not in")
    make(album)
    gallery = everything(album, tiny_bundle, tmp_path / "galleries" / "album")
    assert widest(gallery.path) | 0o022 == allowed | 0o022 if allowed == ALL else widest(gallery.path) & ~allowed == 0
    assert stat.S_IMODE(gallery.path.stat().st_mode) == 0o755 & allowed
    assert stat.S_IMODE(gallery.database.path.stat().st_mode) == 0o644 & allowed


def test_a_gallery_in_a_private_folder_is_private(album: Path, tiny_bundle: Bundle) -> None:
    album.chmod(0o700)
    assert widest(everything(album, tiny_bundle, album / ".photoseek").path) & 0o077 == 0


def test_a_gallery_becomes_private_with_a_private_folder_and_remains_so(
    album: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    gallery = everything(album, tiny_bundle, tmp_path / "gallery")
    (gallery.path / "notes.txt").write_text("not of photoseek")
    assert stat.S_IMODE(gallery.path.stat().st_mode) == 0o755
    (album / "inner").chmod(0o700)
    gallery.index()
    assert (gallery.path / "notes.txt").stat().st_mode & 0o777 == 0o644
    (gallery.path / "notes.txt").unlink()
    assert widest(gallery.path) & 0o077 == 0
    (album / "inner").chmod(0o755)
    everything(album, tiny_bundle, gallery.path)
    ThumbnailCache(gallery.path).thumbnail(album / "more.png")
    assert widest(gallery.path) & 0o077 == 0


@needs_annoy
def test_others_cannot_read_at_any_time(
    album: Path, tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked after every encoded batch and while indexes are built; before the first, there is no folder."""
    (album / "inner" / "deep").chmod(0o700)
    gallery = Gallery.create(album, tiny_bundle, tmp_path / "gallery")
    seen: list[int] = []

    def look(_: Progress) -> None:
        seen.append(widest(gallery.path))

    def tuned(folder: Path, *rest: object, **options: object) -> object:
        seen.extend(stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent, gallery.path))
        return tune(folder, *rest, **options)

    tune = write.tune
    monkeypatch.setattr(write, "tune", tuned)
    gallery.index(progress=look, engines=["annoy"])
    assert len(seen) > 5
    assert not [oct(mode) for mode in seen if mode & 0o077]


def test_the_journal_of_the_database_is_as_private(album: Path, tiny_bundle: Bundle, tmp_path: Path) -> None:
    album.chmod(0o700)
    gallery = everything(album, tiny_bundle, tmp_path / "gallery")
    with gallery.database.writing() as connection:
        connection.execute("INSERT INTO meta VALUES ('some', 'fact')")
        assert list(gallery.path.glob("gallery.sqlite-*"))
        assert widest(gallery.path) & 0o077 == 0


def test_a_gallery_whose_permissions_cannot_be_changed_is_refused(
    album: Path, tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on another account's disk, or on a file system without permissions."""
    gallery = everything(album, tiny_bundle, tmp_path / "gallery")
    before = gallery.database.revision()
    (album / "inner").chmod(0o700)
    write_color(album / "inner" / "new.png", COLORS["red"], seed=77)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", refused)
    with pytest.raises(GalleryError, match="its permissions cannot be changed: Operation not permitted; change them"):
        gallery.index()
    assert gallery.database.revision() == before


def test_an_empty_readable_folder_becomes_private(album: Path, tiny_bundle: Bundle, tmp_path: Path) -> None:
    album.chmod(0o700)
    (tmp_path / "gallery").mkdir(mode=0o777)
    gallery = Gallery.create(album, tiny_bundle, tmp_path / "gallery")
    assert widest(gallery.path) & 0o077 == 0


def test_the_cache_of_a_user_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, album: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("photoseek.system.hash_cache.MIN_BYTES", 0)
    (tmp_path / "cache" / "photoseek").mkdir(parents=True, mode=0o755)
    remember(str(album))
    os.utime(album / "a.png", (1, 1))
    cached_sha256(album / "a.png", clock_s=-1.0)
    assert {path.name for path in (tmp_path / "cache" / "photoseek").iterdir()} == {"recent.json", "hashes.json"}
    assert widest(tmp_path / "cache" / "photoseek") & 0o077 == 0
