"""``photoseek search`` with other programs: paths, many queries, viewers, pictures."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from photoseek import Gallery
from typed_commands import answer, environment, photoseek_command


def test_paths_are_absolute_and_one_per_line(gallery: Gallery, photos: Path) -> None:
    printed = answer("search", "red", "--gallery", gallery.path, "-k", 4, "--paths")
    assert set(printed.splitlines()) == {str(photos / "red" / f"red-{index}.png") for index in range(4)}


def test_the_gallery_defaults_to_the_current_folder_or_the_environment(gallery: Gallery, photos: Path) -> None:
    expected = answer("search", "red", "--gallery", gallery.path, "--paths")
    assert answer("search", "red", "--paths", folder=photos / "red") == expected
    assert answer("search", "red", "--paths", PHOTOSEEK_GALLERY=str(photos)) == expected


def test_words_need_no_quotes(gallery: Gallery) -> None:
    quoted = answer("search", "a red picture", "--gallery", gallery.path, "--paths")
    assert answer("search", "a", "red", "picture", "--gallery", gallery.path, "--paths") == quoted


@pytest.mark.parametrize("form", [(), ("--paths",)])
def test_filters_without_a_match_are_reported(gallery: Gallery, form: tuple[str, ...]) -> None:
    done = photoseek_command("search", "red", "--gallery", gallery.path, "--type", "gif", *form)
    assert (done.returncode, done.stderr) == (0, "photoseek: no photo matches these filters\n")


def test_photos_of_a_camera_are_found_and_an_unknown_one_is_reported(gallery: Gallery, photos: Path) -> None:
    for name in ("red", "blue"):
        exif = Image.Exif()
        exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Canon", "Canon EOS R6"
        with Image.open(photos / name / f"{name}-0.png") as image:
            image.save(photos / name / "camera.png", exif=exif)
    gallery.index()
    search = ("search", "red", "--gallery", gallery.path, "--camera")
    hits = json.loads(answer(*search, "canon eos r6", "--json"))
    assert [(hit["path"], hit["camera"]) for hit in hits] == [
        ("red/camera.png", "Canon EOS R6"),
        ("blue/camera.png", "Canon EOS R6"),
    ]
    assert "camera" not in json.loads(answer("search", "green", "--gallery", gallery.path, "-k", 1, "--json"))[0]
    done = photoseek_command(*search, "Canon")
    expected = "camera: expected a camera of this gallery, found 'Canon'; it has 'Canon EOS R6'"
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert expected in done.stderr
    assert "camera: expected the name of a camera" in photoseek_command(*search, "").stderr


def test_words_that_the_bundle_does_not_know_are_reported(gallery: Gallery) -> None:
    done = photoseek_command("search", "собака", "--gallery", gallery.path)
    assert done.returncode == 0
    assert done.stderr == "photoseek: the bundle does not know most of these words; the photos are arbitrary\n"
    assert photoseek_command("search", "red", "--gallery", gallery.path).stderr == ""


def test_a_missing_photo_is_marked(gallery: Gallery, photos: Path) -> None:
    (photos / "red" / "red-0.png").unlink()
    rows = answer("search", "red", "--gallery", gallery.path, "-k", 4, COLUMNS="300").splitlines()
    marked = [row for row in rows if "(missing; index again)" in row]
    assert len(marked) == 1
    assert "red-0.png" in marked[0]


@pytest.mark.parametrize(
    ("option", "value", "message"), [("-k", "0", "'-k'"), ("--language", "xx", "text tower for 'xx'")]
)
def test_an_invalid_option_is_reported_once_and_not_for_each_line(
    gallery: Gallery, option: str, value: str, message: str
) -> None:
    done = photoseek_command("search", "--gallery", gallery.path, option, value, lines=b"red\nblue\ngreen\n")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_paths_end_with_null_because_names_may_contain_newlines(photos: Path, tiny_bundle_path: Path) -> None:
    odd = photos / "red" / "two\nlines.png"
    (photos / "red" / "red-0.png").rename(odd)
    answer("index", photos, "--bundle", tiny_bundle_path)
    for options in (("-0",), ("--null", "--paths")):
        printed = answer("search", "red", "--gallery", photos, "-k", 4, *options)
        assert printed.endswith("\0")
        assert str(odd) in printed.split("\0")
        assert printed.count("\0") == 4


def test_each_line_of_standard_input_is_a_query(gallery: Gallery) -> None:
    words = ("search", "--gallery", gallery.path, "-k", 2)
    lines = b"\xef\xbb\xbfred\n\n  blue picture \ngreen"
    answers = [json.loads(line) for line in answer(*words, "--json", lines=lines).splitlines()]
    assert [each["query"] for each in answers] == ["red", "blue picture", "green"]
    assert [[hit["path"].split("/")[0] for hit in each["hits"]] for each in answers] == [
        ["red"] * 2,
        ["blue"] * 2,
        ["green"] * 2,
    ]
    assert answers[0]["hits"] == json.loads(answer("search", "red", "--gallery", gallery.path, "-k", 2, "--json"))
    paths = answer(*words, "--paths", lines=lines).splitlines()
    assert [Path(path).parent.name for path in paths] == ["red"] * 2 + ["blue"] * 2 + ["green"] * 2
    table = answer(*words, lines=lines).splitlines()
    assert [line for line in table if line in ("red", "blue picture", "green")] == ["red", "blue picture", "green"]
    assert sum("score" in line for line in table) == 3


def test_an_invalid_line_is_reported_and_the_others_are_searched(gallery: Gallery) -> None:
    lines = b"red\nred + \n\xff\xfe\nblue\n"
    done = photoseek_command("search", "--gallery", gallery.path, "--json", "-k", 1, lines=lines)
    assert done.returncode == 1
    assert [json.loads(line)["query"] for line in done.stdout.splitlines()] == ["red", "blue"]
    messages = done.stderr.splitlines()
    assert len(messages) == 2
    assert messages[0].startswith("photoseek: line 2: expected words after '+'")
    assert messages[1].startswith("photoseek: line 3: expected UTF-8 text")


def test_empty_standard_input_is_not_an_error(gallery: Gallery) -> None:
    assert answer("search", "--gallery", gallery.path, "--json") == ""


def test_each_result_is_printed_before_the_next_query_is_read(gallery: Gallery) -> None:
    command = [sys.executable, "-m", "photoseek", "search", "--gallery", str(gallery.path), "--json", "-k", "1"]
    pipe = subprocess.PIPE
    buffered = {name: value for name, value in environment().items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=buffered, text=True) as running:
        timeout = threading.Timer(300, running.kill)
        timeout.start()
        assert running.stdin is not None
        assert running.stdout is not None
        for color in ("red", "blue"):  # would hang if the result were buffered
            running.stdin.write(f"{color}\n")
            running.stdin.flush()
            assert json.loads(running.stdout.readline())["query"] == color
        timeout.cancel()


def in_a_terminal(*arguments: object, reply: bytes = b"", **variables: str) -> tuple[int, str]:
    """Return exit code and output of ``photoseek`` on a terminal that sends ``reply`` to the first escape sequence."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 100))
    command = [sys.executable, "-m", "photoseek", *map(str, arguments)]
    running = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(**variables), start_new_session=True
    )
    os.close(theirs)
    printed = b""
    timeout = threading.Timer(300, running.kill)
    timeout.start()
    with running:
        while True:
            try:
                block = os.read(ours, 65536)
            except OSError:  # the child has closed the terminal
                break
            printed += block
            if reply and b"\x1b[c" in printed:
                os.write(ours, reply)
                reply = b""
    timeout.cancel()
    os.close(ours)
    return running.returncode, printed.decode()


def test_a_terminal_without_a_query_is_a_usage_error(gallery: Gallery) -> None:
    code, printed = in_a_terminal("search", "--gallery", gallery.path)
    assert code == 2
    assert "no query: expected QUERY, --image FILE, or queries on standard input, one per line" in printed
    assert "standard input is a terminal" in printed


@pytest.mark.parametrize("both", [("--json", "--paths"), ("--json", "-0"), ("--pictures", "--json")])
def test_output_formats_exclude_each_other(gallery: Gallery, both: tuple[str, str]) -> None:
    done = photoseek_command("search", "red", "--gallery", gallery.path, *both)
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected one output format, found --" in done.stderr


def fake_viewer(folder: Path, script: str) -> str:
    """Return a PATH on which this shell script is the only viewer."""
    folder.mkdir()
    viewer = folder / ("open" if sys.platform == "darwin" else "xdg-open")
    viewer.write_text(f"#!/bin/sh\n{script}\n")
    viewer.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_open_passes_each_hit_to_the_viewer(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    path = fake_viewer(tmp_path / "bin", f'echo "$1" > "{tmp_path}/opened-$(basename "$1")"')
    printed = answer("search", "red", "--gallery", gallery.path, "-k", 2, "--paths", "--open", PATH=path)
    opened = {file.read_text().strip() for file in tmp_path.glob("opened-*")}
    assert opened == set(printed.splitlines())
    assert len(opened) == 2
    assert all(Path(file).parent == photos / "red" for file in opened)


def test_search_does_not_wait_for_an_open_viewer(gallery: Gallery, tmp_path: Path) -> None:
    path = fake_viewer(tmp_path / "bin", f"echo $$ >> {tmp_path}/running; exec sleep 600")
    answer("search", "red", "--gallery", gallery.path, "-k", 1, "--open", PATH=path)
    os.kill(int((tmp_path / "running").read_text()), signal.SIGTERM)  # fails if the viewer has exited


def test_a_failing_or_missing_viewer_is_reported(gallery: Gallery, tmp_path: Path) -> None:
    path = fake_viewer(tmp_path / "bin", "exit 3")
    failed = photoseek_command("search", "red", "--gallery", gallery.path, "--open", PATH=path)
    assert failed.returncode == 1
    assert "cannot open" in failed.stderr
    assert "(exit code 3)" in failed.stderr
    (tmp_path / "empty").mkdir()
    absent = photoseek_command("search", "red", "--gallery", gallery.path, "--open", PATH=str(tmp_path / "empty"))
    assert (absent.returncode, absent.stdout) == (1, "")
    assert "--open: expected the program " in absent.stderr


needs_textual_image = pytest.mark.skipif(find_spec("textual_image") is None, reason="needs the extra terminal")


@needs_textual_image
@pytest.mark.parametrize(("reply", "drawn"), [(b"\x1b[?62;4c", "\x1bP"), (b"\x1b[?62c", "\u2580")])
def test_pictures_use_the_graphics_of_the_terminal(gallery: Gallery, reply: bytes, drawn: str) -> None:
    """A terminal that reports feature 4 gets sixel graphics, which start with ESC P; others get half blocks."""
    words = ("search", "red", "--gallery", gallery.path, "-k", 1, "--pictures")
    code, printed = in_a_terminal(*words, reply=reply, TERM="xterm-256color", COLORTERM="truecolor")
    assert code == 0, printed
    assert drawn in printed
    assert printed.count("red/red-") == 2  # in the table, and above the picture


@needs_textual_image
def test_pictures_need_a_terminal(gallery: Gallery) -> None:
    done = photoseek_command("search", "red", "--gallery", gallery.path, "--pictures")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--pictures: expected a terminal as standard input and output" in done.stderr


def test_pictures_without_textual_image_name_the_extra(gallery: Gallery) -> None:
    code = """
import sys, importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "textual_image" else found(name, *rest)
from photoseek.cli.app import main
main()
"""
    command = [sys.executable, "-c", code, "search", "red", "--gallery", str(gallery.path), "--pictures"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 1
    assert "install it with: pip install 'photoseek[terminal]'" in done.stderr


@pytest.mark.parametrize("form", ["--paths", "--json", "-k1"])
def test_a_closed_pipe_is_not_an_error(gallery: Gallery, form: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "photoseek", "search", "red", "--gallery", str(gallery.path), form]
    buffered = {name: value for name, value in environment().items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=buffered, timeout=120, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_names_are_searched_and_shown_in_the_table(gallery: Gallery) -> None:
    search = ("search", "--gallery", gallery.path, "-k", "3")
    table = photoseek_command(*search, "red 2").stdout
    assert "matched" in table
    assert table.count(" name ") == 1
    only = json.loads(photoseek_command(*search, "red-2.png", "--names", "only", "--json").stdout)
    assert [(hit["path"], hit["matched"]) for hit in only] == [("red/red-2.png", "name")]
    never = photoseek_command(*search, "red 2", "--names", "never", "--json")
    assert len(json.loads(never.stdout)) == 3
    assert "matched" not in never.stdout
    none = photoseek_command(*search, "zebra", "--names", "only")
    assert none.returncode == 0
    assert "no name, title or keyword has all of these words" in none.stderr
    without_text = photoseek_command(*search, "--similar-to", "red/red-0.png", "--names", "only")
    assert without_text.returncode == 2
    assert "names: expected a text" in without_text.stderr
