"""``photoseek albums``: lists, changes and exports."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from photoseek import Gallery
from photoseek.photos.xmp import parse_xmp
from typed_commands import photoseek_command

RED = ["red/red-0.png", "red/red-1.png"]


def test_albums_are_managed_by_commands(gallery: Gallery) -> None:
    of = ("--gallery", str(gallery.path))
    assert photoseek_command("albums", "add", "Trip", *RED, *of).stdout == "2 photos added to 'Trip'\n"
    assert photoseek_command("albums", "add", "Trip", RED[0], *of).stdout == "0 photos added to 'Trip'\n"
    assert photoseek_command("albums", "rename", "Trip", "Lake", *of).returncode == 0
    assert json.loads(photoseek_command("albums", "list", *of, "--json").stdout) == [{"name": "Lake", "photos": 2}]
    assert photoseek_command("albums", "remove", "Lake", RED[0], *of).stdout == "1 photos removed from 'Lake'\n"
    assert photoseek_command("albums", "show", "Lake", *of).stdout == f"{RED[1]}\n"
    assert photoseek_command("albums", "delete", "Lake", *of).returncode == 0
    missing = photoseek_command("albums", "show", "Lake", *of)
    assert (missing.returncode, missing.stderr) == (
        2,
        "photoseek: expected an album of this gallery, found 'Lake'; it has none\n",
    )


def test_an_album_is_exported_as_links_and_as_csv(gallery: Gallery, tmp_path: Path) -> None:
    of = ("--gallery", str(gallery.path))
    root = gallery.photos.root
    (root / "blue/blue-0.png").rename(root / "blue/red-0.png")
    gallery.index()
    gallery.albums.add("Trip", [*RED, "blue/red-0.png"])
    links, table = tmp_path / "links", tmp_path / "trip.csv"
    assert photoseek_command("albums", "export", "Trip", str(links), *of).returncode == 0
    found = {link.name: link.resolve() for link in links.iterdir()}
    assert found == {
        "red-0.png": root / RED[0],
        "red-1.png": root / RED[1],
        "red-0 (2).png": root / "blue/red-0.png",
    }
    again = photoseek_command("albums", "export", "Trip", str(links), *of)
    assert again.returncode == 1
    assert "expected a new or empty folder, found files in it" in again.stderr
    assert photoseek_command("albums", "export", "Trip", str(table), *of).returncode == 0
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert [row["path"] for row in rows] == [*RED, "blue/red-0.png"]
    assert rows[0] == {"path": RED[0], "file": str(root / RED[0]), "taken": "", "width": "48", "height": "36"}


def test_an_album_is_exported_as_xmp_files(gallery: Gallery, tmp_path: Path) -> None:
    of = ("--gallery", str(gallery.path))
    gallery.albums.add("Trip", RED)
    (gallery.photos.root / "red" / "red-1.png.xmp").write_text("damaged")
    done = photoseek_command("albums", "export", "Trip", str(tmp_path / "xmp"), "--xmp", *of)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'xmp'}: 1 photos\n")
    assert done.stderr == "photoseek: red/red-1.png.xmp: left out: the XMP file is damaged, or not XMP\n"
    [file] = (path for path in (tmp_path / "xmp").rglob("*") if path.is_file())
    assert file == tmp_path / "xmp" / "red" / "red-0.png.xmp"
    assert parse_xmp(file.read_bytes()).keywords == ("Trip", "Albums")
    table = photoseek_command("albums", "export", "Trip", "trip.csv", "--xmp", *of)
    assert table.returncode == 2
    assert "--xmp: expected a new or empty folder, found trip.csv" in table.stderr
