"""``photoseek push``, ``search --store`` and ``serve --store`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from photoseek import Bundle, Gallery
from typed_commands import answer, photoseek_command

SECRET = "s3cretword"


def test_a_gallery_is_pushed_and_searched(gallery: Gallery, photos: Path, fast_uri: str) -> None:
    assert gallery.path.parent == photos
    pushed = photoseek_command("push", "--gallery", photos, "--store", fast_uri)
    assert pushed.returncode == 0, pushed.stderr
    assert "24 photos: 24 sent" in pushed.stderr
    assert "recall@10 1.0000 by photo, 1.0000 by text, exact search" in pushed.stderr

    (photos / "red" / "red-0.png").unlink()
    gallery.index()
    report = json.loads(answer("push", "--gallery", photos, "--store", fast_uri, "--json"))
    assert (report["sent"], report["deleted"], report["photos"]) == (0, 1, 23)

    arguments = ("search", "red", "--gallery", photos, "-k", "7", "--json")
    there = json.loads(answer(*arguments, PHOTOSEEK_STORE=fast_uri))
    assert there == json.loads(answer(*arguments))
    assert {hit["path"] for hit in there[:3]} == {f"red/red-{number}.png" for number in (1, 2, 3)}
    filtered = json.loads(answer(*arguments, "--folder", "blue", "--store", fast_uri))
    assert {hit["path"].split("/")[0] for hit in filtered} == {"blue"}


def test_a_collection_can_be_named(photos: Path, tiny_bundle: Bundle, postgres_uri: str) -> None:
    gallery = Gallery.create(photos, tiny_bundle)  # has another id, under which nothing was pushed
    gallery.index()
    name = f"mine_{gallery.database.meta()['gallery'][:8]}"
    answer("push", "--gallery", photos, "--store", postgres_uri, "--collection", name)
    assert answer("search", "red", "--gallery", photos, "--store", postgres_uri, "--collection", name, "--paths")
    elsewhere = photoseek_command("search", "red", "--gallery", photos, "--store", postgres_uri)
    assert elsewhere.returncode == 1
    assert "no photos of this gallery; run: photoseek push" in elsewhere.stderr


@pytest.mark.usefixtures("gallery")
def test_an_unavailable_server_is_one_line_and_with_fallback_a_warning(photos: Path) -> None:
    pytest.importorskip("psycopg")
    pytest.importorskip("pgvector")
    uri = "postgresql://me@127.0.0.1:1/photos"
    refused = photoseek_command("search", "red", "--gallery", photos, "--store", uri, PGPASSWORD=SECRET)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "postgresql://me@127.0.0.1:1/photos: PostgreSQL does not answer" in refused.stderr
    assert SECRET not in refused.stderr
    arguments = ("search", "red", "--gallery", photos, "--store", uri, "--fallback", "--paths")
    answered = photoseek_command(*arguments)
    assert answered.returncode == 0
    assert "red-" in answered.stdout.splitlines()[0]
    assert "falling back to the gallery's snapshot" in answered.stderr


@pytest.mark.usefixtures("gallery")
@pytest.mark.parametrize("command", [("push",), ("search", "red"), ("serve",)])
def test_a_password_on_the_command_line_is_rejected(photos: Path, command: tuple[str, ...]) -> None:
    uri = f"postgresql://me:{SECRET}@127.0.0.1:1/photos"
    refused = photoseek_command(*command, "--gallery", photos, "--store", uri)
    assert refused.returncode == 2
    assert "every user of this machine can read a password on the command line; use PGPASSWORD" in refused.stderr
    assert SECRET not in refused.stderr


@pytest.mark.usefixtures("gallery")
def test_a_password_in_the_environment_is_used_and_not_printed(photos: Path) -> None:
    pytest.importorskip("psycopg")
    pytest.importorskip("pgvector")
    uri = f"postgresql://me:{SECRET}@127.0.0.1:1/photos"
    for options in ((), ("--debug",)):
        refused = photoseek_command(*options, "push", "--gallery", photos, PHOTOSEEK_STORE=uri)
        assert refused.returncode == 1
        assert "does not answer" in refused.stderr
        assert SECRET not in refused.stderr + refused.stdout


@pytest.mark.usefixtures("gallery")
def test_conflicting_options_are_rejected(photos: Path) -> None:
    both = photoseek_command("search", "red", "--gallery", photos, "--store", "photos.db", "--exact")
    assert both.returncode == 2
    assert "expected --exact, or --store (or PHOTOSEEK_STORE), found both" in both.stderr
    none = photoseek_command("push", "--gallery", photos, "--store", "photos")
    assert none.returncode == 2
    assert "store: expected postgresql://USER@HOST/DATABASE" in none.stderr
    missing = photoseek_command("push", "--gallery", photos)
    assert missing.returncode == 2
