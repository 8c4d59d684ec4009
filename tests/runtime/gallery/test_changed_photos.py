"""A photo whose content changed is detected, whatever its size and mtime; one that did not is not encoded again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from photoseek import Bundle, Gallery, Searcher
from photoseek.encoders.encoders import ImageEncoder
from photoseek.gallery.indexing.report import IndexReport
from photoseek.sources import local
from photoseek.sources import local as scanning
from photoseek.sources.base import PhotoEntry
from photoseek.sources.local import scan
from photoseek.system import file_systems
from tiny_bundle import COLORS
from tiny_photos import write_color
from typed_commands import photoseek_command

PHOTO = "red/red-0.png"


@pytest.fixture
def settled(gallery: Gallery) -> Gallery:
    """The gallery, indexed again with the timestamps of the copied photos."""
    gallery.index()
    return gallery


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Records the name of each photo that is read."""
    found: list[str] = []
    read_photo = local.read_photo

    def read(path: Path) -> bytes:
        found.append(path.name)
        return read_photo(path)

    monkeypatch.setattr(local, "read_photo", read)
    return found


def replace_content(photo: Path) -> None:
    """Write another picture of the same size into the same file, and restore the modification time."""
    before = photo.stat()
    other = write_color(photo.parent.parent.parent / "other.png", COLORS["blue"], seed=77).read_bytes()
    padded = other + bytes(max(0, before.st_size - len(other)))
    photo.write_bytes(padded)
    os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.fixture
def same_size(photos: Path) -> Path:
    """A photo with bytes at its end that no decoder reads, so that other pictures may have its size."""
    photo = photos / PHOTO
    photo.write_bytes(photo.read_bytes() + bytes(20_000))
    return photo


def counts(report: IndexReport) -> tuple[int, int, int]:
    return report.encoded, report.reused, report.unchanged


def test_a_content_of_the_same_size_and_time_is_encoded(same_size: Path, settled: Gallery) -> None:
    before = same_size.stat()
    replace_content(same_size)
    assert (same_size.stat().st_size, same_size.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert counts(settled.index()) == (1, 0, 23)
    assert PHOTO in [hit.path for hit in Searcher(settled).search("blue", k=5)]


def test_a_file_that_replaced_another_is_encoded(same_size: Path, settled: Gallery) -> None:
    """As `mv` and `cp --preserve` do: a new inode and the old modification time."""
    other = Path(shutil.copy2(same_size, same_size.parent.parent.parent / "copy.png"))
    replace_content(other)
    other.replace(same_size)
    assert counts(settled.index()) == (1, 0, 23)


@pytest.mark.parametrize(
    "touch",
    [
        lambda photo: photo.chmod(0o600),
        lambda photo: os.link(photo, photo.parent.parent.parent / "link.png"),
        lambda photo: photo.rename(photo.with_suffix(".tmp")).rename(photo),
        lambda photo: Path(shutil.copy2(photo, photo.with_suffix(".tmp"))).replace(photo),
        lambda photo: os.utime(photo, ns=(1, 1)),
    ],
    ids=["chmod", "hard link", "renamed and back", "restored from a backup", "touch"],
)
def test_a_photo_whose_metadata_changed_is_read_once_and_not_encoded(
    settled: Gallery, photos: Path, reads: list[str], touch: Callable[[Path], object]
) -> None:
    revision = settled.database.revision()
    touch(photos / PHOTO)
    assert counts(settled.index()) == (0, 0, 24)
    assert reads == ["red-0.png"]
    assert counts(settled.index()) == (0, 0, 24)  # the new metadata was stored
    assert reads == ["red-0.png"]
    assert settled.database.revision() == revision


@pytest.mark.usefixtures("settled")
def test_photos_on_another_disk_are_read_once_and_not_encoded(photos: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(photos, tmp_path / "moved")
    with Gallery.open(moved) as gallery:
        assert counts(gallery.index()) == (0, 0, 24)


def test_inodes_are_compared_only_on_file_systems_with_stable_ones(
    settled: Gallery, photos: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAT, exFAT and most FUSE file systems assign numbers on access."""
    for stable in (False, True):
        monkeypatch.setattr(scanning, "has_stable_inodes", lambda _, stable=stable: stable)
        assert all((photo.inode != 0) == stable for photo in scan(photos))
    monkeypatch.setattr(scanning, "has_stable_inodes", lambda _: False)
    settled.index()
    del reads[:]
    settled.index()
    assert reads == []


@pytest.mark.parametrize(("mounted", "found"), [("ext4", True), ("exfat", False), ("fuse.sshfs", False), (None, False)])
def test_inodes_of_unknown_file_systems_are_not_stable(
    monkeypatch: pytest.MonkeyPatch, mounted: str | None, found: bool
) -> None:
    monkeypatch.setattr(file_systems, "file_system_of", lambda _: mounted)
    assert file_systems.has_stable_inodes(Path("/photos")) is found


def test_the_innermost_mount_names_the_file_system(tmp_path: Path) -> None:
    inner = tmp_path / "a b" / "c"
    inner.mkdir(parents=True)
    lines = [
        "1 0 8:1 / / rw - ext4 /dev/sda rw",
        f"2 1 0:5 / {tmp_path}/a\\040b rw shared:1 - nfs4 host:/x rw",
        f"3 1 0:6 / {tmp_path}/a rw - tmpfs tmpfs rw",
    ]
    (tmp_path / "mounts").write_text("\n".join(lines))
    found = [file_systems.file_system_of(path, tmp_path / "mounts") for path in (inner, tmp_path, Path("/"))]
    assert found == ["nfs4", "ext4", "ext4"]
    assert file_systems.file_system_of(inner, tmp_path / "none") is None


def test_large_inode_numbers_fit_sqlite() -> None:
    """Inodes of 64 bits, and times after the year 2262."""
    status = os.stat_result(
        (0o100644, 2**64 - 1, 1, 1, 0, 0, 5, 0, 0, 0),
        {"st_mtime_ns": 2**63 + 5, "st_ctime_ns": 7, "st_atime_ns": 0},
    )
    found = PhotoEntry.of("a.png", status, inodes=True)
    assert (found.inode, found.mtime_ns, found.ctime_ns) == (-1, 5 - 2**63, 7)


def hide_change(photo: Path, gallery: Gallery) -> None:
    """Change a photo without any trace in its metadata, as on a file system that keeps no change time."""
    replace_content(photo)
    status = photo.stat()
    with gallery.database.writing() as connection:
        connection.execute(
            "UPDATE photos SET mtime_ns = ?, ctime_ns = ? WHERE path = ?",
            (status.st_mtime_ns, status.st_ctime_ns, PHOTO),
        )
    gallery.close()


def test_rehash_encodes_only_a_photo_changed_without_new_metadata(
    same_size: Path, photos: Path, settled: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_change(same_size, settled)
    with Gallery.open(photos) as gallery:
        encoded: list[int] = []
        encode = ImageEncoder.encode_pixels
        monkeypatch.setattr(
            ImageEncoder, "encode_pixels", lambda self, pixels: encoded.append(len(pixels)) or encode(self, pixels)
        )
        assert counts(gallery.index()) == (0, 0, 24)
        assert counts(gallery.index(rehash=True)) == (1, 0, 23)
        assert encoded == [1]


def test_verify_lists_changed_photos(same_size: Path, photos: Path, settled: Gallery) -> None:
    assert settled.verify_photos() == []
    hide_change(same_size, settled)
    (photos / "blue" / "blue-1.png").unlink()
    before = (settled.path / "gallery.sqlite").read_bytes()
    done = photoseek_command("verify", photos, "--photos", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["photos"] == [
        {"path": "blue/blue-1.png", "reason": "missing"},
        {"path": PHOTO, "reason": "its content differs from what was encoded"},
    ]
    assert (settled.path / "gallery.sqlite").read_bytes() == before
    done = photoseek_command("index", photos, "--rehash", "--json")
    report = json.loads(done.stdout)
    assert (report["encoded"], report["unchanged"], report["removed"]) == (1, 22, 1)
    assert photoseek_command("verify", photos, "--photos").returncode == 0


def test_verify_reports_progress_and_can_be_interrupted(settled: Gallery) -> None:
    seen: list[tuple[int, int]] = []
    settled.verify_photos(lambda done, total: seen.append((done, total)))
    assert (seen[0], seen[-1]) == ((0, 24), (24, 24))

    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        settled.verify_photos(interrupt)


def test_a_bundle_has_no_photos_to_verify(tiny_bundle: Bundle) -> None:
    done: subprocess.CompletedProcess[str] = photoseek_command("verify", tiny_bundle.path, "--photos")
    assert (done.returncode, "expected a gallery for --photos" in done.stderr) == (2, True)
